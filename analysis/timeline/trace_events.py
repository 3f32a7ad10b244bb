"""A timeline in Chrome's trace-event format, which Perfetto, chrome://tracing and Kineto's readers open.

It is made event by event: a trace of a million kernels is never a text as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TraceError
from ..export.identity import pid_of
from ..trace.open import Announce, find_trace
from ..trace.reading import read_trace
from ..trace.trace import Trace
from ..words import QualityNote, known_device, name_device
from .event_texts import EventTexts
from .lanes import Lane, lay_lanes
from .moment import Moment, find_moment, whole_moment

DEVICE_PIDS = 1 << 30
"""Devices are numbered from here on, beyond any process."""

LANE_TIDS = 1 << 30
"""Lanes that are no thread by themselves are numbered from here on, beyond any thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTrace:
    """A trace, and the moment of it that is to be shown."""

    trace: Trace
    moment: Moment

    @property
    def lost(self) -> list[QualityNote]:
        """What is missing in it."""
        return [note for note in self.trace.quality if note.severity == "error"]

    def pieces(self) -> Iterator[str]:
        """The text in Chrome's format."""
        return write_trace_events(self.trace, self.moment)


def open_timeline(
    path: Path, out: Path, glob: str | None, instance: int | None, *, announce: Announce | None = None
) -> ShownTrace:
    """Read a trace, and find what is asked for of it; ``out`` must not be the trace. Raises TraceError."""
    path = find_trace(path)
    if out.exists() and out.samefile(path):
        raise TraceError(path, "is the trace itself; choose another file with --out")
    trace = read_trace(path, announce=announce)
    moment = whole_moment(trace) if glob is None else find_moment(trace, glob, instance)
    if not lay_lanes(trace, moment):
        raise TraceError(path, "holds no range, no call and no device work: there is nothing to show")
    return ShownTrace(trace=trace, moment=moment)


def write_trace_events(trace: Trace, moment: Moment) -> Iterator[str]:
    """Pieces of the JSON text; the events of what touches ``moment``, whole, also where they reach beyond it."""
    yield f'{{"displayTimeUnit":"ns","otherData":{json.dumps(_describe(trace, moment))},'
    yield f'"deviceProperties":{json.dumps(_describe_gpus(trace))},"traceEvents":[\n'
    first = True
    for event in _events(trace, moment):
        yield event if first else f",\n{event}"
        first = False
    yield "\n]}\n"


def _events(trace: Trace, moment: Moment) -> Iterator[str]:
    lanes, texts = lay_lanes(trace, moment), EventTexts(trace)
    named: set[int] = set()
    for at, lane in enumerate(lanes):
        pid = lane.owner + DEVICE_PIDS if lane.kind == "work" else lane.owner
        tid = lane.tid if lane.tid is not None and lane.name == f"thread {lane.tid}" else LANE_TIDS + at
        if pid not in named:
            named.add(pid)
            yield from _name_group(lane.group, pid, len(named))
        yield from _name_lane(lane, pid, tid, at)
        yield from _lane_events(texts, lane, pid, tid)
    for samples in trace.samples:
        pid = samples.device + DEVICE_PIDS
        if pid not in named:
            named.add(pid)
            yield from _name_group(name_device(samples.device), pid, len(named))
        yield from texts.counters(samples.device, pid, moment.start_ns, moment.end_ns)


def _lane_events(texts: EventTexts, lane: Lane, pid: int, tid: int) -> Iterator[str]:
    if lane.kind == "work":
        return texts.work(lane.rows, pid, tid)
    write = texts.ranges if lane.kind == "ranges" else texts.calls
    return write(lane.rows, pid, tid, lane.tid or 0)


def _name_group(name: str, pid: int, place: int) -> Iterator[str]:
    yield json.dumps({"ph": "M", "name": "process_name", "pid": pid, "args": {"name": name}})
    yield json.dumps({"ph": "M", "name": "process_sort_index", "pid": pid, "args": {"sort_index": place}})


def _name_lane(lane: Lane, pid: int, tid: int, place: int) -> Iterator[str]:
    who = {"pid": pid, "tid": tid}
    yield json.dumps({"ph": "M", "name": "thread_name", **who, "args": {"name": lane.name}})
    yield json.dumps({"ph": "M", "name": "thread_sort_index", **who, "args": {"sort_index": place}})


def _describe(trace: Trace, moment: Moment) -> Mapping[str, Any]:
    """What a viewer does not show: of what it is, and what the trace lost."""
    return {
        "written by": "flopprof timeline",
        "shows": moment.title,
        "recorder": trace.metadata.recorder,
        "processes": [pid_of(key) for key in trace.processes],
        "quality": [f"{note.severity}: {note.message} [{note.code}]" for note in trace.quality],
    }


def _describe_gpus(trace: Trace) -> Sequence[Mapping[str, Any]]:
    return [
        {"id": device.device, "name": device.name}
        for device in {device.device: device for device in trace.devices}.values()
        if known_device(device.device) is not None
    ]
