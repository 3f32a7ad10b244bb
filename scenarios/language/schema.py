"""The strict shape of a scenario file.

What a single value may be is said here; what values mean together (an exclusion's names, a chain's shapes,
two equal variants) is checked by `load` on the whole.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from ..operations.ops import HostMemory, Out, Scalar, Via

BackendName = Literal["numpy", "torch", "cupy"]

Device = Literal["cuda", "cpu"]

Dtype = Literal["float16", "bfloat16", "float32", "float64"]

Mode = Literal["eager", "fused", "graph"]

MOST_VALUES = 10_000

LARGEST_VALUE = 10**9

Item = TypeVar("Item")


class Spec(BaseModel):
    """A part of a scenario file: no unknown key, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def suggest(word: str, known: Iterable[str]) -> str:
    """What was probably meant, as the end of a sentence.

    >>> suggest("matvek", ["matvec", "outer"])
    '; did you mean matvec?'
    >>> suggest("xyz", ["matvec", "outer"])
    '; known are matvec, outer'
    """
    words = list(known)
    close = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(words)}"


def _as_tuple(value: Any) -> Any:
    """YAML has lists only; the fields are tuples because a scenario never changes."""
    return tuple(value) if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    if not isinstance(value, list):
        raise ValueError(f"must be a list, got {value!r}")
    for position, item in enumerate(value):
        if item in value[:position]:
            raise ValueError(f"lists {item} twice")
    return tuple(value)


def _name_or_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"must be a whole number or the name of a sweep variable, got {value!r}")
    return value


def _formula(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"must be a whole number or a formula like '2*n**2 - n', got {value!r}")
    return value


def _scalar(value: Any) -> Any:
    if not isinstance(value, int | float | str):
        raise ValueError(f"must be a number, a text or a truth value, got {value!r}")
    return value


def _match(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"must be a text or a whole number, got {value!r}")
    return value


def _target(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", value):
        raise ValueError(f"must be written module:function, got {value!r}")
    return value


Listed = Annotated[tuple[Item, ...], BeforeValidator(_listed), Field(min_length=1)]

Formula = Annotated[int | str, BeforeValidator(_formula)]

Target = Annotated[str, BeforeValidator(_target)]


class MatvecSpec(Spec):
    """``matvec`` or ``{matvec: {out: reuse}}``."""

    op: Literal["matvec"]
    out: Out = "fresh"


class OuterSpec(Spec):
    """``outer`` or ``{outer: {via: multiply}}``."""

    op: Literal["outer"]
    via: Via = "matmul"
    out: Out = "fresh"


class SumSpec(Spec):
    """``{sum: {axis: 0}}``; the axis may name a sweep variable."""

    op: Literal["sum"]
    axis: Annotated[int | str, BeforeValidator(_name_or_number)] = 0
    out: Out = "fresh"


class MatmulSpec(Spec):
    """``matmul``."""

    op: Literal["matmul"]
    out: Out = "fresh"


class HostToDeviceSpec(Spec):
    """``{h2d: {memory: pinned}}``."""

    op: Literal["h2d"]
    memory: HostMemory = "pageable"


class DeviceToHostSpec(Spec):
    """``{d2h: {memory: pageable}}``."""

    op: Literal["d2h"]
    memory: HostMemory = "pageable"


class FunctionSpec(Spec):
    """``{function: module:name, inputs: …, args: …, flops: …, bytes: …, check: …}``."""

    op: Literal["function"]
    function: Target
    inputs: dict[str, Annotated[tuple[Formula, ...], BeforeValidator(_as_tuple), Field(min_length=1)]]
    args: dict[str, Annotated[Scalar, BeforeValidator(_scalar)]] = Field(default_factory=dict)
    flops: Formula
    bytes: Formula
    check: Target | None = None


OP_NAMES = ("matvec", "outer", "sum", "matmul", "h2d", "d2h")


def _long_op(value: Any) -> Any:
    """``matvec`` and ``{sum: {axis: 0}}`` and ``{function: …}`` as ``{op: …, …}``."""
    if isinstance(value, str):
        value = {value: None}
    if isinstance(value, dict) and "function" in value and "op" not in value:
        return {**value, "op": "function"}
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(
            f"must be an operation like matvec, {{sum: {{axis: 0}}}} or {{function: …}}, got {value!r}"
        )
    ((name, arguments),) = value.items()
    if name not in OP_NAMES:
        raise ValueError(f"names the unknown operation '{name}'{suggest(str(name), (*OP_NAMES, 'function'))}")
    if not isinstance(arguments, dict | None):
        raise ValueError(f"must give {name} its arguments as a mapping, got {arguments!r}")
    if "op" in (arguments or {}):
        raise ValueError(f"gives {name} the unknown argument 'op'")
    return {"op": name, **(arguments or {})}


def _op_name(value: Any) -> str:
    return value["op"] if isinstance(value, dict) else value.op


OpSpec = Annotated[
    Annotated[MatvecSpec, Tag("matvec")]
    | Annotated[OuterSpec, Tag("outer")]
    | Annotated[SumSpec, Tag("sum")]
    | Annotated[MatmulSpec, Tag("matmul")]
    | Annotated[HostToDeviceSpec, Tag("h2d")]
    | Annotated[DeviceToHostSpec, Tag("d2h")]
    | Annotated[FunctionSpec, Tag("function")],
    Discriminator(_op_name),
    BeforeValidator(_long_op),
]


class Variant(Spec):
    """One computation of a scenario: a chain of operations and how they are called."""

    ops: Annotated[tuple[OpSpec, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    mode: Mode = "eager"


def _long_variant(value: Any) -> Any:
    return {"ops": value} if isinstance(value, list) else value


class Reps(Spec):
    """How often a step is executed: count, but no longer than max_seconds, and at least ten times.

    Untraced, up to four times as often while the median is not sure to 2 % and max_seconds lasts.
    """

    count: int = Field(default=1000, ge=1, le=1_000_000)
    warmup: int = Field(default=10, ge=0, le=1_000_000)
    max_seconds: float = Field(default=0.5, gt=0, le=86_400)


def _sweep_values(value: Any) -> Any:
    """A list as it is, or every value of a range, its end included when it is hit."""
    if isinstance(value, dict):
        value = _range_values(value)
    if not isinstance(value, list):
        raise ValueError(f"must be a list or {{from, to, step}}, got {value!r}")
    if len(value) > MOST_VALUES:
        raise ValueError(f"has {len(value)} values; at most {MOST_VALUES} are run")
    return _listed(value)


def _range_values(bounds: dict[str, Any]) -> list[int]:
    if set(bounds) != {"from", "to", "step"}:
        raise ValueError(f"must be a range with exactly from, to and step, got {', '.join(map(str, bounds))}")
    if any(isinstance(bound, bool) or not isinstance(bound, int) for bound in bounds.values()):
        raise ValueError("must be a range of whole numbers")
    first, last, step = bounds["from"], bounds["to"], bounds["step"]
    if step < 1:
        raise ValueError(f"must be a range with a step of at least 1, got {step}")
    if last < first:
        raise ValueError(f"must be a range that ends after it starts, got {first} to {last}")
    values = range(first, last + 1, step)
    if len(values) > MOST_VALUES:
        raise ValueError(f"has {len(values)} values; at most {MOST_VALUES} are run")
    return list(values)


SweepValue = Annotated[int, Field(ge=-LARGEST_VALUE, le=LARGEST_VALUE)]

SweepValues = Annotated[tuple[SweepValue, ...], BeforeValidator(_sweep_values), Field(min_length=1)]

Exclusion = Annotated[dict[str, Annotated[str | int, BeforeValidator(_match)]], Field(min_length=1)]
"""A partial match: steps that agree with every entry are left out."""


class ScenarioFile(Spec):
    """Everything a scenario file may say."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
    about: str = ""
    variants: Annotated[
        dict[str, Annotated[Variant, BeforeValidator(_long_variant)]], Field(min_length=1, max_length=100)
    ]
    backends: Listed[BackendName]
    devices: Listed[Device]
    dtypes: Listed[Dtype] = ("float32",)
    sweep: dict[str, SweepValues] = Field(default_factory=dict)
    reps: Reps = Reps()
    baseline: str | None = None
    exclude: Annotated[tuple[Exclusion, ...], BeforeValidator(_as_tuple)] = ()
