"""Which ranges of a rank are the steps of its loop.

A step is an instance of a range that repeats. Ranges are candidates by name, digits apart: ``step 1`` and ``step 2``
are two of ``step #``. Of one name only the outermost ranges count, and only those of the thread that has most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import NONE, Bools, Ints, ints
from ..breakdown.window_cuts import count_outside, match_ranges
from ..labelling.labelled import Labelled
from ..trace.trace import Trace
from .summaries import RankSummary, StepCandidate, StepChoice

MOST_CANDIDATES = 16

MOST_OUTSIDE = 0.1
"""Of the steps of any rank: more that have their work outside the host's window, and windows are the device's."""

_DIGITS = re.compile(r"\d+")


def pattern_of(name: str) -> str:
    """A range's name with its numbers out.

    >>> pattern_of("epoch 2 step 17")
    'epoch # step #'
    """
    return _DIGITS.sub("#", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Ranges of one domain and name, outermost ones of one thread, in their order."""

    domain: str
    name: str
    depth: int
    rows: Ints


def list_candidates(labelled: Labelled, process: int, glob: str | None) -> tuple[StepCandidate, ...]:
    """What the steps of a process may be: ranges that match `glob`, else all owner ranges that repeat."""
    groups = _group_ranges(labelled.trace, _wanted(labelled, process, glob))
    if glob is None:
        groups = [group for group in groups if len(group.rows) > 1]
        groups.sort(key=lambda group: (group.depth, -len(group.rows)))
    else:
        groups.sort(key=lambda group: -len(group.rows))
    return tuple(_describe(labelled, group) for group in groups[:MOST_CANDIDATES])


def find_steps(labelled: Labelled, process: int, choice: StepChoice) -> Ints:
    """Rows of trace.ranges that are the chosen steps, in their order."""
    groups = _group_ranges(labelled.trace, _wanted(labelled, process, choice.glob))
    found = [group.rows for group in groups if (group.domain, group.name) == (choice.domain, choice.name)]
    return found[0] if found else np.zeros(0, np.int64)


def _wanted(labelled: Labelled, process: int, glob: str | None) -> Bools:
    """Closed ranges of the process: those that match, or all that may own work."""
    trace = labelled.trace
    if not len(trace.ranges):
        return np.zeros(0, np.bool_)
    of_process = ints(trace.threads, "process")[ints(trace.ranges, "thread")] == process
    closed = of_process & ~trace.ranges["open"].to_numpy()
    if glob is None:
        return closed & labelled.attribution.owner_rows
    matched = np.zeros(len(trace.ranges), np.bool_)
    matched[match_ranges(trace, glob, None)] = True
    return closed & matched


def _group_ranges(trace: Trace, wanted: Bools) -> list[_Group]:
    rows = np.flatnonzero(wanted)
    keys = _keys(trace, rows)
    number = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    group = np.full(len(trace.ranges) + 1, NONE, np.int64)
    group[rows] = [number[key] for key in keys]
    outermost = rows[~_inside_own_kind(trace, rows, group)]
    return [_one_thread(trace, key, outermost[group[outermost] == at]) for key, at in number.items()]


def _keys(trace: Trace, rows: Ints) -> list[tuple[str, str]]:
    """Domain and name of each range; its name without numbers."""
    domain, name = ints(trace.ranges, "domain")[rows].tolist(), ints(trace.ranges, "name")[rows].tolist()
    names = {code: pattern_of(trace.name(code)) for code in set(name)}
    return [(trace.name(d), names[n]) for d, n in zip(domain, name, strict=True)]


def _inside_own_kind(trace: Trace, rows: Ints, group: Ints) -> Bools:
    """Whether a range lies in another of its group."""
    parent = np.append(ints(trace.ranges, "parent"), NONE)
    at, inside = parent[rows], np.zeros(len(rows), np.bool_)
    while (at >= 0).any():
        inside |= (at >= 0) & (group[at] == group[rows])
        at = parent[at]
    return inside


def _one_thread(trace: Trace, key: tuple[str, str], rows: Ints) -> _Group:
    thread = ints(trace.ranges, "thread")[rows]
    threads, count = np.unique(thread, return_counts=True)
    rows = rows[thread == threads[np.argmax(count)]]
    # Not the least: of a step that the recording begins or ends in only the parts may be there.
    depth = int(np.median(ints(trace.ranges, "depth")[rows]))
    return _Group(domain=key[0], name=key[1], depth=depth, rows=rows)


def _describe(labelled: Labelled, group: _Group) -> StepCandidate:
    ranges = labelled.trace.ranges
    wall = ints(ranges, "end_ns")[group.rows] - ints(ranges, "start_ns")[group.rows]
    return StepCandidate(
        domain=group.domain,
        name=group.name,
        depth=group.depth,
        instances=len(group.rows),
        wall_ns=int(wall.sum()),
        outside=count_outside(labelled, group.rows),
    )


def choose_steps(
    ranks: Sequence[RankSummary], glob: str | None
) -> tuple[StepChoice | None, tuple[tuple[str, str, int], ...]]:
    """The steps of all ranks, and what else they might have been: (domain, name, instances).

    Without `glob` the outermost range that repeats, and of several the one with most instances, then with most time;
    with it the range with most instances among those that match.
    """
    with_ranges = [rank for rank in ranks if rank.candidates]
    common = _common([rank.candidates for rank in with_ranges])
    if not common:
        return None, ()
    order = sorted(common, key=lambda one: _preference(common[one], by_depth=glob is None))
    best, *others = order
    outside = any(
        one.outside > MOST_OUTSIDE * one.instances
        for rank in with_ranges
        for one in rank.candidates
        if (one.domain, one.name) == best
    )
    choice = StepChoice(domain=best[0], name=best[1], glob=glob, window="device" if outside else "host")
    return choice, tuple((*other, min(c.instances for c in common[other])) for other in others)


def _common(
    of_ranks: Iterable[Sequence[StepCandidate]],
) -> dict[tuple[str, str], list[StepCandidate]]:
    """Candidates of every rank that has any, else those of most ranks."""
    found: dict[tuple[str, str], list[StepCandidate]] = {}
    for candidates in of_ranks:
        for one in candidates:
            found.setdefault((one.domain, one.name), []).append(one)
    most = max((len(same) for same in found.values()), default=0)
    return {key: same for key, same in found.items() if len(same) == most}


def _preference(same: Sequence[StepCandidate], *, by_depth: bool) -> tuple[int, int, int, str, str]:
    depth = min(one.depth for one in same) if by_depth else 0
    instances = min(one.instances for one in same)
    return depth, -instances, -sum(one.wall_ns for one in same), same[0].domain, same[0].name
