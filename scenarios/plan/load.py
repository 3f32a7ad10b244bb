"""Reading a scenario by name or path, with ``--set`` overrides, and checking it as a whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from ..errors import ScenarioError
from ..language.overrides import apply_overrides, split_overrides
from ..language.problems import scenario_error
from ..language.resolve import LARGEST_COUNT, VariantError
from ..language.schema import BackendName, Device, Dtype, Mode, ScenarioFile, suggest
from ..language.source import Loc, Source, read_source
from ..operations.ops import op_label
from ..operations.shapes import SIZE_NAMES, ShapeMisfitError, chain_shapes
from .expansion import Scenario, list_steps
from .step import Step
from .work import chain_work

MOST_STEPS = 20_000

STEP_FIELDS = ("variant", "backend", "device", "dtype", "mode")

RESERVED = (*STEP_FIELDS, *ScenarioFile.model_fields, "min", "max")
"""Names that mean something else where a sweep variable could stand."""


def list_scenarios() -> tuple[tuple[str, str], ...]:
    """Name and purpose of every shipped scenario."""
    files = sorted(_shipped_folder().glob("*.yaml"))
    return tuple((file.stem, load_scenario(file).about) for file in files)


def load_scenario(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """The scenario at an existing path, else the shipped one of that name, changed by ``--set`` texts.

    Raises ScenarioError, one line with file:line or the ``--set`` to blame.
    """
    path = find_scenario(name_or_path)
    chosen, settings = split_overrides(overrides)
    source = apply_overrides(read_source(path), settings)
    try:
        file = ScenarioFile.model_validate(source.data)
    except ValidationError as error:
        raise scenario_error(source, error) from None
    steps = check_scenario(source, file)
    file = _choose_variants(file, chosen)
    return Scenario(
        path=str(path), file=file, steps=tuple(step for step in steps if step.variant in file.variants)
    )


def find_scenario(name_or_path: str | Path) -> Path:
    """The file that a user's NAME or PATH means; an existing path first."""
    path = Path(name_or_path)
    try:
        if path.exists():
            str(path.absolute()).encode()
            return path
    except UnicodeEncodeError:
        raise ScenarioError(path, None, "its path is not UTF-8, in which a run notes it: rename it") from None
    except OSError as problem:
        raise ScenarioError(path, None, f"cannot be read: {problem.strerror}") from None
    shipped = _shipped_folder() / f"{name_or_path}.yaml"
    if path.name == str(name_or_path) and shipped.is_file():
        return shipped
    names = sorted(file.stem for file in _shipped_folder().glob("*.yaml"))
    problem = f"no such file, and no shipped scenario of that name{suggest(path.stem, names)}"
    raise ScenarioError(path, None, problem)


def check_scenario(source: Source, file: ScenarioFile) -> tuple[Step, ...]:
    """Check what the parts of a scenario mean together; the steps it expands to.

    Raises ScenarioError for a sweep, baseline or exclusion that names what does not exist, for a chain whose
    shapes do not fit, and for two variants that compute the same.
    """
    _check_sweep(source, file)
    if file.baseline is not None and file.baseline not in file.variants:
        known = suggest(file.baseline, file.variants)
        raise source.error(("baseline",), f"baseline names the unknown variant '{file.baseline}'{known}")
    for index, partial in enumerate(file.exclude):
        for name, value in partial.items():
            _check_exclusion(source, file, ("exclude", index, name), value)
    return _check_steps(source, file)


def _check_sweep(source: Source, file: ScenarioFile) -> None:
    for name, values in file.sweep.items():
        if not name.isidentifier() or name in RESERVED:
            raise source.error(("sweep", name), f"'{name}' cannot name a sweep variable")
        for index, value in enumerate(values):
            if name in SIZE_NAMES and value < 1:
                raise source.error(("sweep", name, index), f"sweep.{name} must be at least 1, got {value}")
    places = len(file.variants) * len(file.backends) * len(file.devices) * len(file.dtypes)
    count = places * math.prod(len(values) for values in file.sweep.values())
    if count > MOST_STEPS:
        raise source.error(("sweep",), f"sweep makes {count} steps; at most {MOST_STEPS} are run")


def _check_exclusion(source: Source, file: ScenarioFile, loc: Loc, value: str | int) -> None:
    name = str(loc[-1])
    choices: dict[str, Sequence[str]] = {
        "variant": list(file.variants),
        "backend": get_args(BackendName),
        "device": get_args(Device),
        "dtype": get_args(Dtype),
        "mode": get_args(Mode),
    }
    if name in choices:
        if value not in choices[name]:
            known = suggest(str(value), choices[name])
            raise source.error(loc, f"exclude names the unknown {name} '{value}'{known}")
    elif name not in file.sweep:
        raise source.error(loc, f"exclude names '{name}'{suggest(name, [*STEP_FIELDS, *file.sweep])}")
    elif not isinstance(value, int):
        raise source.error(loc, f"exclude must give {name} a whole number, got {value}")


def _check_steps(source: Source, file: ScenarioFile) -> tuple[Step, ...]:
    """Expand everything once: arguments, shapes, sizes of counts, and keys that must differ."""
    seen: dict[str, Step] = {}
    try:
        for step in list_steps(file):
            _check_chain(source, step)
            other = seen.setdefault(step.key, step)
            if other is not step:
                pair = f"variants {other.variant} and {step.variant}"
                problem = f"{pair} compute the same ({step.label}); remove one"
                raise source.error(("variants", step.variant), problem)
    except VariantError as problem:
        raise source.error(problem.loc, f"{source.written(problem.loc)} {problem}") from None
    return tuple(seen.values())


def _check_chain(source: Source, step: Step) -> None:
    try:
        chain = chain_shapes(step.ops, step.params)
    except ShapeMisfitError as problem:
        loc = ("variants", step.variant, "ops", problem.index)
        raise source.error(loc, f"{source.written(loc)}: {problem}") from None
    for index, op in enumerate(step.ops):
        if step.mode != "eager" and op.kind in ("h2d", "d2h"):
            loc = ("variants", step.variant, "ops", index)
            raise source.error(loc, f"{source.written(loc)}: {op_label(op)} runs in eager mode only")
    total = chain_work(step, chain).total
    if max(total.flops, total.bytes, total.link_bytes) > LARGEST_COUNT:
        problem = f"{step.label} has more FLOPs or bytes than fit into 64 bits; choose smaller sizes"
        raise source.error(("sweep",), problem)


def _choose_variants(file: ScenarioFile, chosen: Sequence[str] | None) -> ScenarioFile:
    """Only the variants of a ``--set variants=a,b``, in the file's order."""
    if chosen is None:
        return file
    for name in chosen:
        if name not in file.variants:
            problem = f"unknown variant '{name}'{suggest(name, file.variants)}"
            raise ScenarioError(f"--set variants={','.join(chosen)}", None, problem)
    variants = {name: variant for name, variant in file.variants.items() if name in chosen}
    baseline = file.baseline if file.baseline in variants else None
    return file.model_copy(update={"variants": variants, "baseline": baseline})


def _shipped_folder() -> Path:
    """Where the YAML files of this package lie; they are plain files, installed or not."""
    return Path(str(resources.files("flopprof.scenarios")))
