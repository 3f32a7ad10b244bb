"""The sides of a comparison as a user names them: a run, a trace, or a selection of either's things.

``runs/r1``, ``before.sqlite``, ``runs/r1:variant=outer_sum,axis=0``: what stands behind the colon keeps only
the steps (ranges) whose names match; values may be glob patterns, where nothing has that very name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from ..attribution.folding import Fold, fold_ranges
from ..attribution.steady_instances import Instances, RangePath, SetAside
from ..errors import CompareError
from ..programs.folder_kind import is_program_folder
from ..runs.results import RunResult
from ..trace.reading import read_trace
from ..trace.trace import Trace
from .comparability import Circumstances, describe_program, describe_run, describe_trace
from .measured import Measured, measure_run
from .range_times import MeasuredRanges, measure_ranges
from .unmarked_things import measure_kernels, measure_program

_SELECTION = re.compile(r"\w+=[^,]*(,\w+=[^,]*)*")

_MOST_VALUES = 12

STEADY = Instances()

FindRun = Callable[[str], Path | None]
"""The folder of a run by its name in a store; None where there is no such run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSource:
    """A trace and how its things are made of it."""

    trace: Trace
    domains: tuple[str, ...] | None = None
    wanted: Instances = STEADY
    folds: frozenset[Fold] = frozenset()
    by_kernel: bool = False
    """Its kernels are the things, for it, or what it is compared with, has no ranges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side, read: its things, and what may make them hard to compare."""

    name: str
    things: tuple[Measured, ...]
    circumstances: Circumstances
    selection: Mapping[str, str]
    paths: Mapping[str, RangePath] | None = None
    """The path of every thing's key; None for a run, whose things are steps, and for a program without ranges."""
    result: RunResult | None = None
    source: TraceSource | None = None
    """The trace that was measured; None for a run."""
    set_aside: tuple[SetAside, ...] = ()
    """First instances of ranges that are not among the samples."""
    skip: int | None = None
    """So many of them ``--skip`` asked for; None of a run, which it does not concern."""
    folded: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Names without their counters -> the names in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideName:
    """A side as text, taken apart."""

    text: str
    path: Path
    selection: Mapping[str, str]


def parse_side(text: str, find_run: FindRun | None = None, *, by_name: bool = False) -> SideName:
    """Take ``PATH`` or ``PATH:NAME=VALUE,…`` apart; an existing path wins over a selection.

    What is no path is asked for by its name in the store; with ``by_name`` that is asked first, as of a baseline.
    Raises CompareError where nothing is found or the selection cannot be read.
    """
    whole = _find(text, find_run, by_name)
    if whole is not None:
        return SideName(text=text, path=whole, selection={})
    colons = (at for at in reversed(range(len(text))) if text[at] == ":")
    for at in colons:
        found = _find(text[:at], find_run, by_name)
        if found is not None:
            return SideName(text=text, path=found, selection=_read_selection(text, text[at + 1 :]))
    raise CompareError(f"{text}: no such run or trace; give a run folder, a trace file or RUN:NAME=VALUE,…")


def _read_selection(side: str, text: str) -> dict[str, str]:
    if not _SELECTION.fullmatch(text):
        raise CompareError(f"{side}: a selection is NAME=VALUE,NAME=VALUE, such as variant=outer_sum,axis=0")
    selection: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name in selection:
            raise CompareError(
                f"{side}: {name} is selected twice; a value may be a pattern, such as axis=[01]"
            )
        selection[name] = value
    return selection


def read_side(
    text: str,
    find_run: FindRun | None = None,
    domains: tuple[str, ...] | None = None,
    *,
    by_name: bool = False,
    wanted: Instances = STEADY,
) -> Side:
    """Read a side: the steps of a run, or the ranges of anyone's trace (owner domains: ``domains``).

    Raises CompareError for a side that names nothing, RunError and TraceError for what cannot be read.
    """
    name = parse_side(text, find_run, by_name=by_name)
    if is_program_folder(name.path):
        return select_things(_read_program(name, domains, wanted), name.selection)
    side = _read_run(name) if name.path.is_dir() else _read_trace(name, domains, wanted)
    return select_things(side, name.selection)


def side_of_run(result: RunResult, name: str | None = None) -> Side:
    """The measured steps of a run as a side. Raises CompareError where there is none."""
    name = name or result.folder
    things = tuple(measure_run(result))
    if not things:
        raise CompareError(f"{name}: no step of this run was measured, so there is nothing to compare")
    return Side(
        name=name,
        things=things,
        circumstances=describe_run(result),
        selection={},
        result=result,
    )


def side_of_trace(
    trace: Trace, name: str, domains: tuple[str, ...] | None = None, wanted: Instances = STEADY
) -> Side:
    """The ranges of a trace as a side; its kernels where it has no ranges. Raises CompareError for neither."""
    return _measure_trace(TraceSource(trace=trace, domains=domains, wanted=wanted), name)


def align_sides(a: Side, b: Side) -> tuple[Side, Side]:
    """Two traces with the same names folded; by their kernels both where one of them has no ranges."""
    if a.source is None or b.source is None:
        return a, b
    folds = a.source.folds | b.source.folds
    by_kernel = a.source.by_kernel or b.source.by_kernel
    return _realign(a, a.source, folds, by_kernel), _realign(b, b.source, folds, by_kernel)


def _realign(side: Side, source: TraceSource, folds: frozenset[Fold], by_kernel: bool) -> Side:
    if source.folds == folds and source.by_kernel == by_kernel:
        return side
    again = _measure_trace(replace(source, folds=folds, by_kernel=by_kernel), side.name)
    return select_things(again, side.selection)


def _measure_trace(source: TraceSource, name: str) -> Side:
    folded = None if source.wanted.exact_names else fold_ranges(source.trace, source.folds)
    trace = source.trace if folded is None else folded.trace
    ranges = MeasuredRanges(things=())
    if not source.by_kernel:
        ranges = measure_ranges(trace, source.domains, source.wanted)
    if ranges.things:
        things = tuple(thing for _, thing in ranges.things)
        paths = {thing.key: path for path, thing in ranges.things}
    else:
        things = tuple(measure_kernels(trace))
        paths = {}
    if not things:
        raise CompareError(
            f"{name}: the trace has neither NVTX ranges nor kernels that can be compared; mark the program's parts "
            "with nvtx.annotate and record with --trace=cuda,nvtx"
        )
    folds = source.folds if folded is None else source.folds | folded.folds
    return Side(
        name=name,
        things=things,
        circumstances=describe_trace(source.trace),
        selection={},
        paths=paths,
        source=replace(source, folds=folds, by_kernel=not ranges.things),
        set_aside=ranges.set_aside,
        skip=source.wanted.skip,
        folded={} if folded is None else folded.examples,
    )


def _find(text: str, find_run: FindRun | None, by_name: bool) -> Path | None:
    if not text:
        return None
    path = Path(text) if Path(text).exists() else None
    kept = find_run(text) if find_run is not None and (by_name or path is None) else None
    return kept or path


def _read_run(name: SideName) -> Side:
    from ..runs.account import account_run

    return side_of_run(account_run(name.path), name.text)


def _read_trace(name: SideName, domains: tuple[str, ...] | None, wanted: Instances) -> Side:
    return side_of_trace(read_trace(name.path), name.text, domains, wanted)


def _read_program(name: SideName, domains: tuple[str, ...] | None, wanted: Instances) -> Side:
    """The ranges or kernels of a recorded program; without either its functions and its whole time."""
    trace = read_trace(name.path / "trace.sqlite")
    try:
        return side_of_trace(trace, name.text, domains, wanted)
    except CompareError:
        if domains is not None:
            raise
    from ..programs.folder import read_program_folder  # pydantic, which comparing traces does without

    program = read_program_folder(name.path)
    return Side(
        name=name.text,
        things=tuple(measure_program(program)),
        circumstances=describe_program(program.machine, trace),
        selection={},
        skip=wanted.skip,
    )


def select_things(side: Side, selection: Mapping[str, str]) -> Side:
    """Keep what the selection names. Raises CompareError for a name or a value that nothing has."""
    things = side.things
    for name, pattern in selection.items():
        values = list(dict.fromkeys(thing.names[name] for thing in side.things if name in thing.names))
        if not values:
            known = dict.fromkeys(known for thing in side.things for known in thing.names)
            raise CompareError(f"{side.name}: nothing is called by {name!r}; try {', '.join(known)}")
        matches = pattern.__eq__ if pattern in values else partial(fnmatchcase, pat=pattern)
        things = tuple(thing for thing in things if matches(thing.names.get(name, "")))
        if not things:
            found = ", ".join(values[:_MOST_VALUES]) + (", …" if len(values) > _MOST_VALUES else "")
            raise CompareError(f"{side.name}: nothing matches {name}={pattern}; {name} is {found}")
    return replace(side, things=things, selection=selection)
