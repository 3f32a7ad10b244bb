"""From the end of a launch to the start of its work: how much was the stream's fault, how much latency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, ints
from ..arithmetic.grouped import code_combinations, running_maximum, sort_groups
from ..trace.trace import Trace

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Per row of trace.activities, NaN where it is not known or not defined."""

    queue_ns: Times
    """start - end of the call; only of a call's first activity, and not when it began before the call ended."""
    stream_wait_ns: Times
    """The part of it in which earlier activity of the stream still ran."""
    latency_ns: Times
    """The rest; unknown when the stream was told to wait for an event meanwhile."""


def measure_queue(trace: Trace) -> Queue:
    """The queue time of every activity of a trace."""
    before, before_call = _previous_on_stream(trace)
    call, start = ints(trace.activities, "call"), ints(trace.activities, "start_ns")
    rows = _first_of_calls(trace)
    call_end = ints(trace.calls, "end_ns")[call[rows]]
    some = start[rows] >= call_end
    rows, call_end = rows[some], call_end[some]
    queue, wait, latency = (np.full(len(call), np.nan) for _ in range(3))
    queue[rows] = start[rows] - call_end
    busy_until = np.where(before[rows] > call_end, np.minimum(before[rows], start[rows]), call_end)
    wait[rows] = busy_until - call_end
    unknown = _waits_for_event(trace, rows, before_call)
    latency[rows] = np.where(unknown, np.nan, start[rows] - busy_until)
    return Queue(queue_ns=queue, stream_wait_ns=wait, latency_ns=latency)


def _first_of_calls(trace: Trace) -> Ints:
    """The first activity of every call that has one."""
    call = ints(trace.activities, "call")
    first = np.full(len(trace.calls) + 1, NONE, np.int32)  # the last entry is for activities without a call
    first[call[trace.by_start[::-1]]] = trace.by_start[::-1]  # written last, the earliest stays
    first = first[:-1]
    return first[first >= 0]


def _stream_codes(trace: Trace) -> Ints:
    return code_combinations(
        *(ints(trace.activities, column) for column in ("process", "device", "context", "stream"))
    )


def _previous_on_stream(trace: Trace) -> tuple[Ints, Codes]:
    """For each activity, until when earlier ones of its stream ran, and the latest of their calls (-1: none)."""
    frame = trace.activities
    rows = trace.by_start
    stream = _stream_codes(trace)[rows]
    order = sort_groups(stream, int(stream.max(initial=-1)) + 1)
    rows, stream = rows[order], stream[order]
    del order
    first = np.ones(len(rows), np.bool_)
    first[1:] = stream[1:] != stream[:-1]
    latest = np.roll(running_maximum(stream, ints(frame, "end_ns")[rows]), 1)
    del stream
    latest[first] = np.iinfo(np.int64).min
    call = np.roll(ints(frame, "call")[rows], 1)
    call[first] = NONE
    until, before_call = np.empty_like(latest), np.empty_like(call)
    until[rows], before_call[rows] = latest, call
    return until, before_call


def _waits_for_event(trace: Trace, rows: Ints, before_call: Codes) -> Bools:
    """Whether the stream was told to wait for an event between the calls of two activities.

    A wait whose stream or context the export does not name may have been for any of its process.
    """
    if not len(trace.event_waits) or not len(rows):
        return np.zeros(len(rows), np.bool_)
    frame, calls = trace.activities, trace.calls
    waits = ints(trace.event_waits, "call")
    process = ints(trace.threads, "process")
    wait_process, wait_time = process[ints(calls, "thread")[waits]], ints(calls, "start_ns")[waits]
    until = ints(calls, "start_ns")[ints(frame, "call")[rows]]
    before = before_call[rows]
    since = np.where(before >= 0, ints(calls, "start_ns")[before], np.iinfo(np.int64).min)
    found = np.zeros(len(rows), np.bool_)
    streams = trace.event_waits.assign(process=wait_process, time=wait_time)
    for (one, context, stream), group in streams.groupby(["process", "context", "stream"]):
        times = np.sort(group["time"].to_numpy())
        mine = ints(frame, "process")[rows] == one
        for column, value in (("context", context), ("stream", stream)):
            if value != NONE:
                mine &= ints(frame, column)[rows] == value
        between = np.searchsorted(times, until) > np.searchsorted(times, since, side="right")
        found |= mine & between
    return found
