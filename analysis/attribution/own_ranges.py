"""The ranges flopprof's own worker writes, found in a trace: step > measure > rep > op calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import Ints, ints
from ..trace.trace import Trace
from ..words import MEASURE, OWN_DOMAIN, REP, STEP_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRanges:
    """Rows of ``Trace.ranges`` that belong to one step."""

    key: str
    measure: int
    start_ns: int
    end_ns: int
    """Limits of ``measure``: the step's window."""
    reps: Ints
    ops: Ints
    """Every op call in its order, those of rep 0 first."""
    op_index: Ints
    """For each of ``ops`` its place in its rep: 0 for the first op of the variant."""


def find_step_ranges(trace: Trace) -> dict[str, StepRanges]:
    """Steps by key that have a measured window; a step that failed before it has none."""
    ranges = trace.ranges
    own = ints(ranges, "domain") == _code(trace, OWN_DOMAIN)
    names, parents = ints(ranges, "name"), ints(ranges, "parent")
    measures = np.flatnonzero(own & (names == _code(trace, MEASURE)) & (parents >= 0))
    is_rep = own & (names == _code(trace, REP))
    found = [_one_step(trace, int(row), is_rep) for row in measures]
    return {step.key: step for step in found if step is not None}


def _one_step(trace: Trace, measure: int, is_rep: np.ndarray) -> StepRanges | None:
    starts, ends = ints(trace.ranges, "start_ns"), ints(trace.ranges, "end_ns")
    parents, names = ints(trace.ranges, "parent"), ints(trace.ranges, "name")
    name = trace.name(int(names[parents[measure]]))
    if not name.startswith(STEP_PREFIX):
        return None
    # Ranges are sorted by thread and start, so everything inside a range follows it directly.
    after = measure + 1
    last = after + int(
        np.searchsorted(starts[after : _thread_end(trace, measure)], ends[measure], side="right")
    )
    inside = np.arange(after, last)
    reps = inside[is_rep[after:last] & (parents[after:last] == measure)]
    ops = inside[np.isin(parents[after:last], reps)]
    return StepRanges(
        key=name.removeprefix(STEP_PREFIX),
        measure=measure,
        start_ns=int(starts[measure]),
        end_ns=int(ends[measure]),
        reps=reps,
        ops=ops,
        op_index=_place_among_siblings(parents[ops]),
    )


def _thread_end(trace: Trace, row: int) -> int:
    threads = ints(trace.ranges, "thread")
    return int(np.searchsorted(threads, threads[row], side="right"))


def _place_among_siblings(parents: Ints) -> Ints:
    """0, 1, 2 … within each run of equal values.

    >>> _place_among_siblings(np.array([4, 4, 7, 7, 7, 9])).tolist()
    [0, 1, 0, 1, 2, 0]
    """
    if not len(parents):
        return np.zeros(0, np.int64)
    first = np.flatnonzero(np.r_[True, parents[1:] != parents[:-1]])
    return np.arange(len(parents)) - np.repeat(first, np.diff(np.r_[first, len(parents)]))


def _code(trace: Trace, text: str) -> int:
    """The code of a text, or one that no row has."""
    try:
        return trace.names.index(text)
    except ValueError:
        return -2
