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

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, distinct, ints
from ..arithmetic.growing import Growing
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
from ..attribution.ownership import BY_NONE, BY_PROCESS, Switches, find_innermost
from ..export.calls import WAITING, names_like
from ..trace.trace import Trace
from ..words import API, BUSY_LAYERS, HOST, LATENCY, LAUNCH, MEMCPY, SYNC, UNKNOWN

Layers = NDArray[np.int8]

_Part = tuple[Ints, Layers, Codes, NDArray[np.int8]]
"""(start, layer, owner, how the owner is known) of some spans."""

AT_ONCE = 1 << 16
"""Gaps that are labelled in one go: each may hold many calls, and a gap's pieces take far more memory than the gap."""

USUAL_SPANS = 8
"""For so many spans a gap there is room at first."""


def _no_rows() -> Codes:
    return np.zeros(0, np.int32)


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
    copies: Codes = field(default_factory=_no_rows)
    """Row of trace.activities that shows in each span of memcpy, in their order; nobody asks for the others'."""
    split: bool = True
    """Whether idle time could be split; without API calls all of it is `unknown`."""

    def __len__(self) -> int:
        return len(self.start_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gaps:
    """Idle time that activities end, -1 for the end of time, and the busy span that each then shows."""

    start: Ints
    end: Ints
    x: Codes
    """Row of trace.activities."""
    call: Codes
    thread: Codes

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: slice | Bools) -> _Gaps:
        """Some of them."""
        return _Gaps(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calls:
    """What the threads were doing: per thread a disjoint list of its waiting, and one of all its calls."""

    waiting: dict[int, tuple[Ints, Ints]]
    any: dict[int, tuple[Ints, Ints]]


def label_devices(trace: Trace, attribution: Attribution) -> dict[int, DeviceSpans]:
    """The labelled timeline of every device that has records."""
    device = ints(trace.activities, "device")[trace.by_start]
    calls = _host_calls(trace)
    return {
        int(one): _label(trace, attribution, calls, trace.by_start[device == one]) for one in distinct(device)
    }


def _label(trace: Trace, attribution: Attribution, calls: _Calls, rows: Ints) -> DeviceSpans:
    """The timeline of a device from its activities by start, a stretch of it after another."""
    gaps = _find_gaps(trace, rows)
    switches = Switches(attribution.ownership)
    room = len(gaps) * USUAL_SPANS
    start, owner = Growing(np.int64, room), Growing(np.int32, room)
    layer, by_process = Growing(np.int8, room), Growing(np.bool_, room)
    for first in range(0, len(gaps), AT_ONCE):
        some = gaps.take(slice(first, first + AT_ONCE))
        stretch = _label_stretch(trace, attribution, calls, switches, some)
        for column, part in zip((start, layer, owner, by_process), stretch, strict=True):
            column.extend(part)
    start.extend(np.array([LAST]))
    bounds = start.finish()  # there are no holes
    return DeviceSpans(
        start_ns=bounds[:-1],
        end_ns=bounds[1:],
        layer=layer.finish(),
        owner=owner.finish(),
        by_process=by_process.finish(),
        copies=gaps.x[np.append(ints(trace.activities, "layer") == MEMCPY, False)[gaps.x]],
        split=trace.has_calls,
    )


def _find_gaps(trace: Trace, rows: Ints) -> _Gaps:
    """The idle time before each busy span, and after the last."""
    busy_start, busy_end, row = paint_busy(trace, rows)
    start, end = find_gaps(busy_start, busy_end)
    x = np.append(row.astype(np.int32), np.int32(NONE))
    call = np.append(ints(trace.activities, "call"), np.int32(NONE))[x]
    thread = np.append(ints(trace.calls, "thread"), np.int32(NONE))[call]
    thread[-1] = _last_thread(trace, rows)
    return _Gaps(start=start, end=end, x=x, call=call, thread=thread)


def _label_stretch(
    trace: Trace, attribution: Attribution, calls: _Calls, switches: Switches, gaps: _Gaps
) -> tuple[Ints, Layers, Codes, Bools]:
    """(start, layer, owner, by process) of some gaps and of the busy span after each of them."""
    row = gaps.x[gaps.x >= 0]
    layer = ints(trace.activities, "layer")[row].astype(np.int8)
    start = gaps.end[gaps.x >= 0]
    parts = [(start, layer, attribution.owner[row], attribution.kind[row])]
    parts += _label_gaps(trace, attribution, calls, switches, gaps.take(gaps.end > gaps.start))
    start, layer, owner, kind = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(start, kind="stable")
    return start[order], layer[order], owner[order], kind[order] == BY_PROCESS


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
    trace: Trace, attribution: Attribution, calls: _Calls, switches: Switches, gaps: _Gaps
) -> list[_Part]:
    parts = _label_since_call(trace, attribution, gaps)
    before_end = gaps.end.copy()
    called = gaps.call >= 0
    call_start = ints(trace.calls, "start_ns")[gaps.call[called]]
    before_end[called] = np.minimum(gaps.end[called], np.maximum(call_start, gaps.start[called]))
    unknown = gaps.thread < 0
    nobody = np.full(int(unknown.sum()), NONE, np.int32), np.full(int(unknown.sum()), BY_NONE, np.int8)
    parts.append(_part(gaps.start[unknown], gaps.end[unknown], UNKNOWN, *nobody))
    for one in distinct(gaps.thread[~unknown]).tolist():
        mine = np.flatnonzero((gaps.thread == one) & (before_end > gaps.start))
        limits = gaps.start[mine], before_end[mine]
        parts += _label_host(switches, calls, one, *limits)
    return parts


def _label_since_call(trace: Trace, attribution: Attribution, gaps: _Gaps) -> list[_Part]:
    """What is left of gaps from the call's beginning on: launch, and latency."""
    known = np.flatnonzero(gaps.call >= 0)
    call_start, call_end = (ints(trace.calls, c)[gaps.call[known]] for c in ("start_ns", "end_ns"))
    bounds = gaps.start[known], gaps.end[known]
    owned = attribution.owner[gaps.x[known]], attribution.kind[gaps.x[known]]
    return [
        _part(*_clip(*bounds, call_end, np.int64(LAST)), LATENCY, *owned),
        _part(*_clip(*bounds, call_start, call_end), LAUNCH, *owned),
    ]


def _clip(start: Ints, end: Ints, low: Ints, high: Ints | np.int64) -> tuple[Ints, Ints]:
    return np.maximum(start, low), np.minimum(end, high)


def _part(start: Ints, end: Ints, layer: int, owner: Codes, kind: NDArray[np.int8]) -> _Part:
    some = end > start
    return start[some], np.full(int(some.sum()), layer, np.int8), owner[some], kind[some]


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


def _label_host(switches: Switches, calls: _Calls, thread: int, start: Ints, end: Ints) -> list[_Part]:
    """Spans before a call: what its thread did, and which range was open there."""
    if not len(start):
        return []
    awake, idle = (_free_near(of.get(thread), start[0], end[-1]) for of in (calls.waiting, calls.any))
    sync, busy = between_gaps(*awake), between_gaps(*idle)
    begin, stop, owner, kind = _share_out(switches, thread, start, end)
    working = intersect(begin, stop, *busy)
    pieces_by_layer = (
        (SYNC, intersect(begin, stop, *sync)),
        (API, _within(working, intersect(working.start, working.end, *awake))),
        (HOST, intersect(begin, stop, *idle)),
    )
    return [
        _part(pieces.start, pieces.end, layer, owner[pieces.source], kind[pieces.source])
        for layer, pieces in pieces_by_layer
    ]


def _free_near(spans: tuple[Ints, Ints] | None, low: np.int64, high: np.int64) -> tuple[Ints, Ints]:
    """What a disjoint list leaves free between two instants, and beyond them."""
    start, end = spans or (np.zeros(0, np.int64), np.zeros(0, np.int64))
    near = slice(np.searchsorted(end, low, side="right"), np.searchsorted(start, high))
    return find_gaps(start[near], end[near])


def _within(outer: Pieces, inner: Pieces) -> Pieces:
    """Pieces of pieces, as pieces of what those were cut from."""
    return inner._replace(source=outer.source[inner.source])


def _share_out(
    switches: Switches, thread: int, start: Ints, end: Ints
) -> tuple[Ints, Ints, Codes, NDArray[np.int8]]:
    """(start, end, owner, how that is known) of the pieces of a thread's time that belong to one range each."""
    rule = switches.rule
    cut = cut_at(start, end, switches.of_thread(thread, start[0], end[-1]))
    begin, stop = cut.start, cut.end
    bare = rule.threads.rows_of(find_innermost(rule.threads, np.full(len(begin), thread), begin)) < 0
    if bare.any():  # what other threads do decides there
        elsewhere = cut_at(begin[bare], stop[bare], switches.elsewhere(thread, start[0], end[-1]))
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
