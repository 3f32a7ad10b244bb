"""The lanes of a trace: the ranges and the calls of every thread, the work of every stream, with NCCL apart.

A lane's events lie beside or in one another, never across: what overlaps otherwise is laid into further lanes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..arithmetic.arrays import Bools, Ints, ints
from ..export.frames import PUSH_POP
from ..export.identity import pid_of
from ..trace.trace import Trace
from ..words import name_device
from .moment import Moment

Kind = Literal["ranges", "calls", "work"]

NCCL = "nccl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Events of one kind in one place, in the order of time."""

    kind: Kind
    group: str
    """``process 4321``, ``GPU 0``."""
    owner: int
    """The pid, or the device."""
    name: str
    """``thread 4321``, ``stream 7``."""
    tid: int | None = None
    """The thread's own number."""
    rows: Ints
    """Of trace.ranges, trace.calls or trace.activities."""


def lay_lanes(trace: Trace, moment: Moment) -> list[Lane]:
    """Every lane that has anything in a moment: host threads first, then devices."""
    return [lane for lane in (*_host_lanes(trace, moment), *_device_lanes(trace, moment)) if len(lane.rows)]


def _inside(frame: pd.DataFrame, moment: Moment) -> Bools:
    return (ints(frame, "start_ns") <= moment.end_ns) & (ints(frame, "end_ns") >= moment.start_ns)


def _host_lanes(trace: Trace, moment: Moment) -> Iterator[Lane]:
    nested = ints(trace.ranges, "style") == PUSH_POP
    ranges, calls = _inside(trace.ranges, moment), _inside(trace.calls, moment)
    of_range, of_call = _split(trace.ranges, "thread", ranges), _split(trace.calls, "thread", calls)
    libraries = _library_ranges(trace)
    for code, (pid, tid) in enumerate(_threads(trace)):
        rows = of_range.get(code, np.zeros(0, np.int64))
        own = [
            (f"thread {tid}", rows[nested[rows] & ~libraries[rows]]),
            (f"thread {tid}, NCCL", rows[nested[rows] & libraries[rows]]),
            (f"thread {tid}, start to end", rows[~nested[rows]]),
        ]
        for name, found in own:
            for level, part in enumerate(_separate(trace.ranges, found)):
                yield _host_lane("ranges", pid, tid, _number(name, level), part)
        for level, part in enumerate(_separate(trace.calls, of_call.get(code, np.zeros(0, np.int64)))):
            yield _host_lane("calls", pid, tid, _number(f"thread {tid}, CUDA calls", level), part)


def _host_lane(kind: Kind, pid: int, tid: int, name: str, rows: Ints) -> Lane:
    return Lane(kind=kind, group=f"process {pid}", owner=pid, name=name, tid=tid, rows=rows)


def _library_ranges(trace: Trace) -> Bools:
    """Which ranges NCCL marked itself."""
    of_name = np.array([*(name.lower() == NCCL for name in trace.names), False], np.bool_)
    return of_name[ints(trace.ranges, "domain")]


def _device_lanes(trace: Trace, moment: Moment) -> Iterator[Lane]:
    work, several = trace.activities, len(trace.processes) > 1
    of_nccl = np.array([*(NCCL in name.lower() for name in trace.names), False], np.bool_)[ints(work, "name")]
    columns = [ints(work, name) for name in ("device", "process", "context", "stream")]
    places = pd.DataFrame(
        {"place": pd.DataFrame(dict(enumerate([*columns, of_nccl]))).groupby([0, 1, 2, 3, 4]).ngroup()}
    )
    for rows in _split(places, "place", _inside(work, moment)).values():
        device, process, _, stream = (int(column[rows[0]]) for column in columns)
        whose = f", process {_pid(trace, process)}" if several else ""
        name = f"stream {stream}{' NCCL' if of_nccl[rows[0]] else ''}{whose}"
        for level, part in enumerate(_separate(work, rows)):
            group = name_device(device)
            yield Lane(kind="work", group=group, owner=device, name=_number(name, level), rows=part)


def _pid(trace: Trace, process: int) -> int:
    return pid_of(trace.processes[process]) if process >= 0 else 0


def _threads(trace: Trace) -> list[tuple[int, int]]:
    return list(zip(ints(trace.threads, "pid").tolist(), ints(trace.threads, "tid").tolist(), strict=True))


def _number(name: str, level: int) -> str:
    return name if level == 0 else f"{name} ({level + 1})"


def _split(frame: pd.DataFrame, column: str, inside: Bools) -> dict[int, Ints]:
    """Rows by a column's value."""
    rows = np.flatnonzero(inside)
    value = ints(frame, column)[rows]
    order = np.argsort(value, kind="stable")
    edges = np.flatnonzero(np.diff(value[order])) + 1
    return {int(value[part[0]]): rows[part] for part in np.split(order, edges) if len(part)}


def _separate(frame: pd.DataFrame, rows: Ints) -> Sequence[Ints]:
    """Rows in lanes in which no two cross; one for nearly everything that is recorded."""
    start, end = ints(frame, "start_ns")[rows], ints(frame, "end_ns")[rows]
    order = np.lexsort((-end, start))
    rows, start, end = rows[order], start[order], end[order]
    lanes: list[list[int]] = []
    open_ends: list[list[int]] = []
    if _nests(start, end):
        return [rows] if len(rows) else []
    for at, (begins, ends) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        for lane, stack in zip(lanes, open_ends, strict=True):
            while stack and stack[-1] <= begins:
                stack.pop()
            if not stack or ends <= stack[-1]:
                lane.append(at)
                stack.append(ends)
                break
        else:
            lanes.append([at])
            open_ends.append([ends])
    return [rows[np.array(lane)] for lane in lanes]


def _nests(start: Ints, end: Ints) -> bool:
    """Whether no two of the ordered intervals cross; only those that follow one another without a gap need a look."""
    if not len(start) or bool((start[1:] >= np.maximum.accumulate(end)[:-1]).all()):
        return True
    stack: list[int] = []
    for begins, ends in zip(start.tolist(), end.tolist(), strict=True):
        while stack and stack[-1] <= begins:
            stack.pop()
        if stack and ends > stack[-1]:
            return False
        stack.append(ends)
    return True
