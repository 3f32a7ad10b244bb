"""Every nanosecond of a device, once: what it did, what it waited for, and whose range that belongs to.

Labels belong to the device's own timeline and are made once for the whole trace; a window only clips them, so
splitting a window is additive. Busy instants show the first of kernel, memcpy, memset, graph that covers them.
An idle instant lies in a gap that some activity x ends; c is x's call, t the thread of c:

    after c's end          latency   submitted, not begun
    inside c               launch
    before c               what t did then: sync (a waiting call, or one whose own activity had begun),
                           api (another call), host (none)

After the last activity, t is the thread of the last call that launched on the device. An x without a call
leaves its gap unknown. Busy, launch and latency belong to the owner of x, the rest to whom a call made on t at
that instant would belong (attribution/ownership.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, distinct, ints
from ..arithmetic.spans import (
    LAST,
    Pieces,
    between_gaps,
    cut_at,
    find_gaps,
    intersect,
    join_spans,
    show_first,
)
from ..attribution.attribution import Attribution
from ..attribution.ownership import BY_NONE, BY_PROCESS, Ownership, find_innermost
from ..export.calls import WAITING, names_like
from ..trace.trace import Trace
from ..words import BUSY_LAYERS, LAYERS

KERNEL, MEMCPY, MEMSET, GRAPH, LAUNCH, LATENCY, SYNC, API, HOST, UNKNOWN = range(len(LAYERS))

Layers = NDArray[np.int8]

_Part = tuple[Ints, Ints, Layers, Codes, NDArray[np.int8]]
"""(start, end, layer, owner, how the owner is known) of some spans."""

AT_ONCE = 1 << 17
"""Gaps that are split in one go: each may hold many calls, and a gap's pieces take far more memory than the gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpans:
    """A device's timeline from FIRST to LAST without holes: what each span is and who owns it."""

    start_ns: Ints
    end_ns: Ints
    layer: Layers
    """Index into words.LAYERS."""
    owner: Codes
    """Row of trace.ranges, -1 for none."""
    by_process: Bools
    """Whether another thread's range owns it, which is credit by a rule, not by a record."""
    activity: Codes
    """Row of trace.activities that shows in a busy span, -1 in an idle one."""
    split: bool = True
    """Whether idle time could be split; without API calls all of it is `unknown`."""

    def __len__(self) -> int:
        return len(self.start_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calls:
    """What the threads were doing: per thread the gaps between spans of waiting, and between those of any call."""

    awake: dict[int, tuple[Ints, Ints]]
    idle: dict[int, tuple[Ints, Ints]]


def label_devices(trace: Trace, attribution: Attribution) -> dict[int, DeviceSpans]:
    """The labelled timeline of every device that has records."""
    device = ints(trace.activities, "device")[trace.by_start]
    calls = _host_calls(trace)
    return {
        int(one): _label(trace, attribution, calls, trace.by_start[device == one]) for one in distinct(device)
    }


def _label(trace: Trace, attribution: Attribution, calls: _Calls, rows: Ints) -> DeviceSpans:
    """The timeline of a device from its activities by start."""
    busy = paint_busy(trace, rows)
    start, end, row = busy
    layer = ints(trace.activities, "layer")[row]
    parts = [(start, end, layer.astype(np.int8), attribution.owner[row], attribution.kind[row])]
    parts += _label_gaps(trace, attribution, calls, rows, busy)
    start, end, layer, owner, kind = _merge(parts)
    activity = np.full(len(start), NONE, np.int32)
    activity[layer < len(BUSY_LAYERS)] = row  # both are in the order of time
    return DeviceSpans(
        start_ns=start,
        end_ns=end,
        layer=layer,
        owner=owner,
        by_process=kind == BY_PROCESS,
        activity=activity,
        split=trace.has_calls,
    )


def _merge(parts: list[_Part]) -> _Part:
    """All spans by their start; `parts` is emptied, for a trace has millions of spans."""
    columns = [list(column) for column in zip(*parts, strict=True)]
    parts.clear()
    order = np.argsort(np.concatenate(columns[0]), kind="stable")
    start, end, layer, owner, kind = (_take_out(column, order) for column in columns)
    return start, end, layer, owner, kind


def _take_out(column: list[Any], order: Ints) -> Any:
    """The column of all parts in this order; the parts are gone then."""
    whole = np.concatenate(column)
    column.clear()
    return whole[order]


def paint_busy(trace: Trace, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """(start, end, activity) of what shows: layer over layer, and within a layer the earlier first."""
    layer = ints(trace.activities, "layer")[rows]
    start, end = ints(trace.activities, "start_ns")[rows], ints(trace.activities, "end_ns")[rows]
    none = np.zeros(0, np.int64)
    shown_start, shown_end, shown_row = none, none, none
    for one in range(len(BUSY_LAYERS)):
        mine = np.flatnonzero(layer == one)
        if not len(mine):
            continue
        free = find_gaps(*join_spans(shown_start, shown_end))
        pieces = intersect(*show_first(start[mine], end[mine]), *free)
        merged = np.concatenate([shown_start, pieces.start])
        order = np.argsort(merged, kind="stable")
        shown_start = merged[order]
        shown_end = np.concatenate([shown_end, pieces.end])[order]
        shown_row = np.concatenate([shown_row, rows[mine][pieces.source]])[order]
    return shown_start, shown_end, shown_row


def _label_gaps(
    trace: Trace, attribution: Attribution, calls: _Calls, rows: Ints, busy: tuple[Ints, Ints, Ints]
) -> list[_Part]:
    gap_start, gap_end = find_gaps(*busy[:2])
    x = np.append(busy[2], NONE)
    some = gap_end > gap_start
    gap_start, gap_end, x = gap_start[some], gap_end[some], x[some]
    call = np.where(x >= 0, ints(trace.activities, "call")[x], np.int32(NONE))
    parts = _label_since_call(trace, attribution, x, call, gap_start, gap_end)
    thread = np.append(ints(trace.calls, "thread"), np.int32(NONE))[call]
    thread[x < 0] = _last_thread(trace, rows)
    before_end = _clip_before_call(trace, call, gap_start, gap_end)
    unknown = thread < 0
    nobody = np.full(int(unknown.sum()), NONE, np.int32), np.full(int(unknown.sum()), BY_NONE, np.int8)
    parts.append(_part(gap_start[unknown], gap_end[unknown], UNKNOWN, *nobody))
    for one in distinct(thread[~unknown]).tolist():
        mine = np.flatnonzero((thread == one) & (before_end > gap_start))
        parts += _label_host(attribution.ownership, calls, int(one), gap_start[mine], before_end[mine])
    return parts


def _label_since_call(
    trace: Trace, attribution: Attribution, x: Ints, call: Codes, gap_start: Ints, gap_end: Ints
) -> list[_Part]:
    """What is left of gaps from the call's beginning on: launch, and latency."""
    known = np.flatnonzero(call >= 0)
    call_start, call_end = (ints(trace.calls, c)[call[known]] for c in ("start_ns", "end_ns"))
    bounds = gap_start[known], gap_end[known]
    owned = attribution.owner[x[known]], attribution.kind[x[known]]
    return [
        _part(*_clip(*bounds, call_end, np.int64(LAST)), LATENCY, *owned),
        _part(*_clip(*bounds, call_start, call_end), LAUNCH, *owned),
    ]


def _clip_before_call(trace: Trace, call: Codes, gap_start: Ints, gap_end: Ints) -> Ints:
    """Where the part of each gap before the call ends; without a call the gap's end."""
    call_start = np.append(ints(trace.calls, "start_ns"), LAST)[call]
    return np.minimum(gap_end, np.maximum(call_start, gap_start))


def _clip(start: Ints, end: Ints, low: Ints, high: Ints | np.int64) -> tuple[Ints, Ints]:
    return np.maximum(start, low), np.minimum(end, high)


def _part(start: Ints, end: Ints, layer: int, owner: Codes, kind: NDArray[np.int8]) -> _Part:
    some = end > start
    return start[some], end[some], np.full(int(some.sum()), layer, np.int8), owner[some], kind[some]


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


def _label_host(rule: Ownership, calls: _Calls, thread: int, start: Ints, end: Ints) -> list[_Part]:
    """Spans before a call: what its thread did, and which range was open there."""
    none = find_gaps(np.zeros(0, np.int64), np.zeros(0, np.int64))
    awake, idle = calls.awake.get(thread, none), calls.idle.get(thread, none)
    sync, busy = between_gaps(*awake), between_gaps(*idle)
    parts = []
    for first in range(0, len(start), AT_ONCE):
        gaps = start[first : first + AT_ONCE], end[first : first + AT_ONCE]
        begin, stop, owner, kind = _share_out(rule, thread, *gaps)
        working = intersect(begin, stop, *busy)
        for layer, pieces in (
            (SYNC, intersect(begin, stop, *sync)),
            (API, _within(working, intersect(working.start, working.end, *awake))),
            (HOST, intersect(begin, stop, *idle)),
        ):
            parts.append(_part(pieces.start, pieces.end, layer, owner[pieces.source], kind[pieces.source]))
    return parts


def _within(outer: Pieces, inner: Pieces) -> Pieces:
    """Pieces of pieces, as pieces of what those were cut from."""
    return inner._replace(source=outer.source[inner.source])


def _share_out(
    rule: Ownership, thread: int, start: Ints, end: Ints
) -> tuple[Ints, Ints, Codes, NDArray[np.int8]]:
    """(start, end, owner, how that is known) of the pieces of a thread's time that belong to one range each."""
    cut = cut_at(start, end, rule.switches(thread))
    begin, stop = cut.start, cut.end
    bare = rule.threads.rows_of(find_innermost(rule.threads, np.full(len(begin), thread), begin)) < 0
    if bare.any():  # what other threads do decides there
        elsewhere = cut_at(begin[bare], stop[bare], rule.switches_elsewhere(int(rule.process_of[thread])))
        begin, stop = np.append(begin[~bare], elsewhere.start), np.append(stop[~bare], elsewhere.end)
        order = np.argsort(begin, kind="stable")
        begin, stop = begin[order], stop[order]
    owned = rule.own(np.full(len(begin), thread, np.int32), begin)
    return begin, stop, owned.row.astype(np.int32), owned.kind


def _host_calls(trace: Trace) -> _Calls:
    start, end = ints(trace.calls, "start_ns"), ints(trace.calls, "end_ns")
    waiting = names_like(trace.names, WAITING)[ints(trace.calls, "name")]
    wait_rows = np.flatnonzero(waiting)
    begun_rows, begun = _begun_calls(trace)
    rows = np.append(wait_rows, begun_rows)
    since = np.append(start[wait_rows], begun)
    thread = ints(trace.calls, "thread")
    order = np.lexsort((since, thread[rows]))
    rows, since = rows[order], since[order]
    return _Calls(
        awake=_gaps_by_thread(trace, thread[rows], since, end[rows]),
        idle=_gaps_by_thread(trace, thread, start, end),
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


def _gaps_by_thread(trace: Trace, thread: Codes, start: Ints, end: Ints) -> dict[int, tuple[Ints, Ints]]:
    """What spans, which come by thread and start, leave free on each thread."""
    first = np.searchsorted(thread, np.arange(len(trace.threads) + 1))
    return {
        t: find_gaps(*join_spans(start[first[t] : first[t + 1]], end[first[t] : first[t + 1]]))
        for t in np.flatnonzero(np.diff(first)).tolist()
    }
