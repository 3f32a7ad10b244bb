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

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, distinct, ints
from ..arithmetic.growing import Growing
from ..arithmetic.spans import LAST, Pieces, between_gaps, find_gaps, intersect
from ..attribution.attribution import Attribution
from ..attribution.ownership import BY_NONE, BY_PROCESS, Switches
from ..trace.trace import Trace
from ..words import API, HOST, LATENCY, LAUNCH, MEMCPY, SYNC, UNKNOWN
from .gaps import Gaps, device_gaps, device_parts, host_parts
from .host_time import HostCalls, Kinds, find_host_calls, share_out

Layers = NDArray[np.int8]

_Part = tuple[Ints, Layers, Codes, Kinds]
"""(start, layer, owner, how the owner is known) of some spans."""

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


def label_devices(trace: Trace, attribution: Attribution) -> dict[int, DeviceSpans]:
    """The labelled timeline of every device that has records."""
    calls = find_host_calls(trace)
    return {one: _label(trace, attribution, calls, rows) for one, rows in rows_by_device(trace).items()}


def rows_by_device(trace: Trace) -> dict[int, Ints]:
    """The activities of every device that has some, by start."""
    device = ints(trace.activities, "device")[trace.by_start]
    return {int(one): trace.by_start[device == one] for one in distinct(device)}


def _label(trace: Trace, attribution: Attribution, calls: HostCalls, rows: Ints) -> DeviceSpans:
    """The timeline of a device from its activities by start, a stretch of it after another."""
    gaps = device_gaps(trace, rows)
    switches = Switches(attribution.ownership)
    room = len(gaps) * USUAL_SPANS
    start, owner = Growing(np.int64, room), Growing(np.int32, room)
    layer, by_process = Growing(np.int8, room), Growing(np.bool_, room)
    for _, some in gaps.stretches():
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


def _label_stretch(
    trace: Trace, attribution: Attribution, calls: HostCalls, switches: Switches, gaps: Gaps
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


def _label_gaps(
    trace: Trace, attribution: Attribution, calls: HostCalls, switches: Switches, gaps: Gaps
) -> list[_Part]:
    parts = _label_since_call(trace, attribution, gaps)
    unknown = gaps.thread < 0
    nobody = np.full(int(unknown.sum()), NONE, np.int32), np.full(int(unknown.sum()), BY_NONE, np.int8)
    parts.append(_part(gaps.start[unknown], gaps.end[unknown], UNKNOWN, *nobody))
    for one, limits in host_parts(trace, gaps):
        parts += _label_host(switches, calls, one, *limits)
    return parts


def _label_since_call(trace: Trace, attribution: Attribution, gaps: Gaps) -> list[_Part]:
    """What is left of gaps from the call's beginning on: launch, and latency."""
    known, in_call, after_call = device_parts(trace, gaps)
    owned = attribution.owner[gaps.x[known]], attribution.kind[gaps.x[known]]
    return [_part(*after_call, LATENCY, *owned), _part(*in_call, LAUNCH, *owned)]


def _part(start: Ints, end: Ints, layer: int, owner: Codes, kind: Kinds) -> _Part:
    some = end > start
    return start[some], np.full(int(some.sum()), layer, np.int8), owner[some], kind[some]


def _label_host(switches: Switches, calls: HostCalls, thread: int, start: Ints, end: Ints) -> list[_Part]:
    """Spans before a call: what its thread did, and which range was open there."""
    waiting, active = calls.near(thread, start[0], end[-1])
    awake, idle = find_gaps(*waiting), find_gaps(*active)
    begin, stop, owner, kind = share_out(switches, thread, start, end)
    working = intersect(begin, stop, *between_gaps(*idle))
    pieces_by_layer = (
        (SYNC, intersect(begin, stop, *between_gaps(*awake))),
        (API, _within(working, intersect(working.start, working.end, *awake))),
        (HOST, intersect(begin, stop, *idle)),
    )
    return [
        _part(pieces.start, pieces.end, layer, owner[pieces.source], kind[pieces.source])
        for layer, pieces in pieces_by_layer
    ]


def _within(outer: Pieces, inner: Pieces) -> Pieces:
    """Pieces of pieces, as pieces of what those were cut from."""
    return inner._replace(source=outer.source[inner.source])
