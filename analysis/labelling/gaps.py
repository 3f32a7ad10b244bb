"""A device's idle time: the gaps between what it shows, and the record that ends each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, distinct, ints
from ..arithmetic.spans import find_gaps, intersect, show_first
from ..trace.trace import Trace
from ..words import BUSY_LAYERS

AT_ONCE = 1 << 16
"""Gaps that are labelled in one go: each may hold many calls, and a gap's pieces take far more memory than the gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Idle time that activities end, -1 for the end of time, and the busy span that each then shows."""

    start: Ints
    end: Ints
    x: Codes
    """Row of trace.activities."""
    call: Codes
    thread: Codes

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: slice | Bools) -> Gaps:
        """Some of them."""
        return Gaps(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})

    def stretches(self) -> Iterator[tuple[int, Gaps]]:
        """All of them, AT_ONCE after AT_ONCE, with the number of the first."""
        for first in range(0, len(self), AT_ONCE):
            yield first, self.take(slice(first, first + AT_ONCE))


def device_gaps(trace: Trace, rows: Ints) -> Gaps:
    """The idle time before each busy span, and after the last, of a device with activities `rows`, by start."""
    busy_start, busy_end, row = paint_busy(trace, rows)
    start, end = find_gaps(busy_start, busy_end)
    x = np.append(row.astype(np.int32), np.int32(NONE))
    call = np.append(ints(trace.activities, "call"), np.int32(NONE))[x]
    thread = np.append(ints(trace.calls, "thread"), np.int32(NONE))[call]
    thread[-1] = _last_thread(trace, rows)
    return Gaps(start=start, end=end, x=x, call=call, thread=thread)


def device_parts(trace: Trace, gaps: Gaps) -> tuple[Ints, tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Gaps that a call's work ended, and (start, end) of what of each lies in that call, and after it.

    Where there is no such part its end is not after its start.
    """
    known = np.flatnonzero(gaps.call >= 0)
    start, end = gaps.start[known], gaps.end[known]
    call_start, call_end = (ints(trace.calls, c)[gaps.call[known]] for c in ("start_ns", "end_ns"))
    in_call = np.maximum(start, call_start), np.minimum(end, call_end)
    return known, in_call, (np.maximum(start, call_end), end)


def host_parts(trace: Trace, gaps: Gaps) -> Iterator[tuple[int, tuple[Ints, Ints]]]:
    """By the thread that a device waited for, (start, end) of what of its gaps lies before their calls."""
    before_end = gaps.end.copy()
    called = gaps.call >= 0
    call_start = ints(trace.calls, "start_ns")[gaps.call[called]]
    before_end[called] = np.minimum(gaps.end[called], np.maximum(call_start, gaps.start[called]))
    some = before_end > gaps.start
    for one in distinct(gaps.thread[some]).tolist():
        if one >= 0:
            mine = np.flatnonzero((gaps.thread == one) & some)
            yield one, (gaps.start[mine], before_end[mine])


def paint_busy(trace: Trace, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """(start, end, activity) of what shows: layer over layer, and within a layer the earlier first."""
    layer = ints(trace.activities, "layer")[rows]
    all_start, all_end = ints(trace.activities, "start_ns"), ints(trace.activities, "end_ns")
    none = np.zeros(0, np.int64)
    shown_start, shown_end, shown_row = none, none, none
    for one in range(len(BUSY_LAYERS)):
        mine = rows[layer == one]
        if not len(mine):
            continue
        start, end = show_first(all_start[mine], all_end[mine])
        if not len(shown_start):
            some = end > start
            shown_start, shown_end, shown_row = start[some], end[some], mine[some]
            continue
        pieces = intersect(start, end, *find_gaps(shown_start, shown_end))
        at = np.searchsorted(shown_start, pieces.start)
        shown_start = np.insert(shown_start, at, pieces.start)
        shown_end = np.insert(shown_end, at, pieces.end)
        shown_row = np.insert(shown_row, at, mine[pieces.source])
    return shown_start, shown_end, shown_row


def _last_thread(trace: Trace, rows: Ints) -> int:
    """The thread of the last call that launched any of these activities, -1 when none is known."""
    call = ints(trace.activities, "call")[rows]
    calls = call[call >= 0]
    if not len(calls):
        return NONE
    start = ints(trace.calls, "start_ns")[calls]
    calls = calls[start == start.max()]
    end, thread = ints(trace.calls, "end_ns")[calls], ints(trace.calls, "thread")[calls]
    return int(thread[end == end.max()].max())
