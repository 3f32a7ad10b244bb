"""What threads did while a device waited for them, and which range was open there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Bools, Codes, Ints, ints
from ..arithmetic.spans import cut_at, join_spans
from ..attribution.ownership import BY_THREAD, Switches, find_innermost
from ..export.calls import WAITING, names_like
from ..trace.trace import Trace

Kinds = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCalls:
    """What the threads were doing: per thread a disjoint list of its waiting, and one of all its calls."""

    waiting: dict[int, tuple[Ints, Ints]]
    any: dict[int, tuple[Ints, Ints]]

    def near(self, thread: int, low: np.int64, high: np.int64) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
        """A thread's waiting and its calls between two instants, both begun before and ended after included."""
        return _near(self.waiting.get(thread), low, high), _near(self.any.get(thread), low, high)


def _near(spans: tuple[Ints, Ints] | None, low: np.int64, high: np.int64) -> tuple[Ints, Ints]:
    start, end = spans or (np.zeros(0, np.int64), np.zeros(0, np.int64))
    some = slice(np.searchsorted(end, low, side="right"), np.searchsorted(start, high))
    return start[some], end[some]


def find_host_calls(trace: Trace) -> HostCalls:
    """What every thread was doing."""
    start, end = ints(trace.calls, "start_ns"), ints(trace.calls, "end_ns")
    waiting = names_like(trace.names, WAITING)[ints(trace.calls, "name")]
    wait_rows = np.flatnonzero(waiting)
    begun_rows, begun = _begun_calls(trace)
    rows = np.append(wait_rows, begun_rows)
    since = np.append(start[wait_rows], begun)
    thread = ints(trace.calls, "thread")
    order = np.lexsort((since, thread[rows]))
    rows, since = rows[order], since[order]
    return HostCalls(
        waiting=_join_by_thread(trace, thread[rows], since, end[rows]),
        any=_join_by_thread(trace, thread, start, end),
    )


def _begun_calls(trace: Trace) -> tuple[Ints, Ints]:
    """Calls still running when their own activity began, and since when."""
    call, start = ints(trace.activities, "call"), ints(trace.activities, "start_ns")
    if not len(trace.calls):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    during = np.flatnonzero((call >= 0) & (start < ints(trace.calls, "end_ns")[call]))
    order = during[np.lexsort((start[during], call[during]))]
    rows, first = np.unique(call[order], return_index=True)
    return rows.astype(np.int64), np.maximum(start[order][first], ints(trace.calls, "start_ns")[rows])


def _join_by_thread(trace: Trace, thread: Codes, start: Ints, end: Ints) -> dict[int, tuple[Ints, Ints]]:
    """What spans, which come by thread and start, cover on each thread."""
    first = np.searchsorted(thread, np.arange(len(trace.threads) + 1))
    return {
        t: join_spans(start[first[t] : first[t + 1]], end[first[t] : first[t + 1]])
        for t in np.flatnonzero(np.diff(first)).tolist()
    }


def share_out(switches: Switches, thread: int, start: Ints, end: Ints) -> tuple[Ints, Ints, Codes, Kinds]:
    """(start, end, owner, how that is known) of the pieces of a thread's time that belong to one range each.

    The spans given come by start. Between two switches nothing changes, so one instant answers for all.
    """
    rule = switches.rule
    cut = cut_at(start, end, switches.of_thread(thread, start[0], end[-1]))
    first, group = _runs(cut.other)
    at = cut.start[first]
    place = find_innermost(rule.threads, np.full(len(at), thread), at)
    row = rule.threads.rows_of(place).astype(np.int32)
    bare = (place < 0)[group]
    if not bare.any():
        return cut.start, cut.end, row[group], np.full(len(group), BY_THREAD, np.int8)
    what_others_do = switches.elsewhere(thread, start[0], end[-1])
    elsewhere = cut_at(cut.start[bare], cut.end[bare], what_others_do)
    first, of_run = _runs(elsewhere.other)
    owned = rule.own(np.full(len(first), thread, np.int32), elsewhere.start[first])
    own = group[~bare]
    return (
        np.append(cut.start[~bare], elsewhere.start),
        np.append(cut.end[~bare], elsewhere.end),
        np.append(row[own], owned.row.astype(np.int32)[of_run]),
        np.append(np.full(len(own), BY_THREAD, np.int8), owned.kind[of_run]),
    )


def _runs(values: Ints) -> tuple[Ints, Ints]:
    """Where each run of equal values begins, and for every value the number of its run."""
    begins: Bools = np.ones(len(values), np.bool_)
    begins[1:] = values[1:] != values[:-1]
    return np.flatnonzero(begins), np.cumsum(begins) - 1
