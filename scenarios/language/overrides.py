"""``--set`` texts: what they change in a scenario's data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from numbers import Integral
from typing import Any

import yaml

from ..errors import ScenarioError
from ..operations.shapes import SIZE_NAMES
from .schema import Reps, suggest
from .source import Loc, Source, parse_value

LISTS = ("backends", "devices", "dtypes")

SINGLES = ("baseline", *(f"reps.{name}" for name in Reps.model_fields))

Setting = str | float | None | Iterable[str | float] | Mapping[str, int]
"""A value for a setting, or several for a list or a sweep; ``{"from": …, "to": …, "step": …}`` for a range of sizes."""


def write_overrides(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """The ``--set`` texts that say the same.

    >>> write_overrides({"n": [1000, 4000], "backends": "numpy", "reps.max_seconds": 1e-3})
    ('n=1000,4000', 'backends=numpy', 'reps.max_seconds=0.001')
    """
    return tuple(f"{name}={_write_setting(value)}" for name, value in settings.items())


def _write_setting(value: Setting) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {_write_setting(part)}' for name, part in value.items())}}}"
    if isinstance(value, Iterable):
        return ",".join(map(_write_setting, value))
    if isinstance(value, Integral) and not isinstance(value, bool):  # NumPy's, too
        return str(int(value))
    return yaml.safe_dump(value if value is None or isinstance(value, bool) else float(value)).split("\n")[0]


def split_overrides(texts: Sequence[str]) -> tuple[tuple[str, ...] | None, tuple[tuple[str, str], ...]]:
    """The variants that ``variants=a,b`` chooses (None: all), and the other texts as (name, value).

    Raises ScenarioError for a text that is not NAME=VALUE.
    """
    chosen: tuple[str, ...] | None = None
    settings: list[tuple[str, str]] = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            problem = "write it NAME=VALUE, like n=1000,2000 or reps.count=50"
            raise ScenarioError(f"--set {text}", None, problem)
        if name == "variants":
            chosen = tuple(part.strip() for part in value.split(","))
        else:
            settings.append((name, value))
    return chosen, tuple(settings)


def apply_overrides(source: Source, settings: Sequence[tuple[str, str]]) -> Source:
    """The source with every named value replaced; its errors then name the ``--set``.

    Raises ScenarioError when a name is neither a setting nor a sweep variable of the scenario.
    """
    data = deepcopy(source.data)
    places: dict[Loc, str] = dict(source.overrides)
    for name, value in settings:
        loc = _place(name, value, data)
        try:
            _replace(data, loc, _typed(loc, value))
        except TypeError:
            raise source.error(loc[:1], f"{loc[0]} must be a mapping") from None
        places[loc] = f"{name}={value}"
    return replace(source, data=data, overrides=places)


def _place(name: str, value: str, data: dict[str, Any]) -> Loc:
    if name in LISTS or name in SINGLES:
        return tuple(name.split("."))
    sweep = data.get("sweep")
    names = list(sweep) if isinstance(sweep, dict) else []
    variable = name.removeprefix("sweep.")
    if variable in names or variable in SIZE_NAMES:
        return ("sweep", variable)
    known = [*names, *LISTS, *SINGLES, "variants"]
    raise ScenarioError(f"--set {name}={value}", None, f"nothing is called '{name}'{suggest(name, known)}")


def _typed(loc: Loc, value: str) -> Any:
    """One value for a single setting, a list for the others; ``{from: …, to: …, step: …}`` stays a range."""
    if ".".join(map(str, loc)) in SINGLES:
        return parse_value(value)
    if value.startswith(("{", "[")):
        return parse_value(value)
    return [parse_value(part.strip()) for part in value.split(",")]


def _replace(data: dict[str, Any], loc: Loc, value: Any) -> None:
    target: Any = data
    for part in loc[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise TypeError(part)
    target[loc[-1]] = value
