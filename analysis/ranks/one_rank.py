"""One rank: what its trace says alone, and, when its waits are known from the others, where its steps' time went.

    read_ranks(path, …)   -> RankSummary of every rank in the trace (mostly one)
    sum_steps(path, …)    -> StepSums of one of them

A worker reads the trace for each of the two and keeps nothing in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..errors import TraceError
from ..export.identity import pid_of
from ..export.nccl_payload import NcclRanges, read_nccl_ranges
from ..labelling.labelled import Labelled, label_trace
from ..tables.joined import open_tables
from ..trace.open import open_trace_file
from ..trace.reading import read_opened
from ..trace.trace import Trace
from ..words import known_device
from .collectives import find_collectives, read_collectives
from .step_ranges import find_steps, list_candidates
from .step_sums import sum_steps_of
from .summaries import RankSummary, StepChoice, StepSums
from .waiting import label_rank


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """A rank inside a trace: a process on a device, and its collectives as rows of trace.activities."""

    process: int
    device: int | None
    rows: Ints
    family: Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A trace that has been read, and the ranks in it."""

    labelled: Labelled
    nccl: NcclRanges
    families: tuple[str, ...]
    units: tuple[_Unit, ...]
    version: tuple[int, int]


def read_ranks(path: Path, glob: str | None = None) -> tuple[RankSummary, ...]:
    """Every rank of a trace: those with collectives, else the process that used a device most. Raises TraceError.

    `glob` names the ranges that are steps; without it all that repeat are offered.
    """
    with _read(path) as read:
        return tuple(_summarise(read, at, glob) for at in range(len(read.units)))


def sum_steps(path: Path, unit: int, choice: StepChoice, wait_ns: Ints, version: tuple[int, int]) -> StepSums:
    """The steps of a rank, whose collectives waited `wait_ns`. Raises TraceError, also for a file that has changed."""
    with _read(path) as read:
        if read.version != version:
            raise TraceError(path, "has changed while it was read; analyse it again when it is whole")
        one = read.units[unit]
        steps = find_steps(read.labelled, one.process, choice)
        thread = int(ints(read.labelled.trace.ranges, "thread")[steps[0]]) if len(steps) else NONE
        timeline = label_rank(read.labelled, one.device, one.rows, wait_ns, thread)
        return sum_steps_of(read.labelled, timeline, steps, one.rows, device=one.device, window=choice.window)


@contextmanager
def _read(path: Path) -> Iterator[_Read]:
    with open_trace_file(path, cores=1) as opened:  # other ranks are read by the other cores
        version = _version_of(path)
        trace = read_opened(opened, path)
        with open_tables(opened) as file:
            nccl = read_nccl_ranges(file)
        rows, family, families = find_collectives(trace)
        yield _Read(
            labelled=label_trace(trace),
            nccl=nccl,
            families=families,
            units=_find_units(trace, rows, family),
            version=version,
        )


def _version_of(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _find_units(trace: Trace, rows: Ints, family: Codes) -> tuple[_Unit, ...]:
    """The processes with collectives on each device, by device and process; else where most work was."""
    process, device = ints(trace.activities, "process"), ints(trace.activities, "device")
    pairs = sorted(set(zip(device[rows].tolist(), process[rows].tolist(), strict=True)))
    if pairs:
        of = [(d, p, (device[rows] == d) & (process[rows] == p)) for d, p in pairs]
        return tuple(_Unit(process=p, device=d, rows=rows[mine], family=family[mine]) for d, p, mine in of)
    busiest = _busiest(trace)
    return (_Unit(process=busiest[0], device=busiest[1], rows=rows, family=family),)


def _busiest(trace: Trace) -> tuple[int, int | None]:
    """The process and device with most device time; without any, the process with most ranges."""
    if len(trace.activities):
        length = ints(trace.activities, "end_ns") - ints(trace.activities, "start_ns")
        sums = length.astype("float64")
        frame = trace.activities[["process", "device"]].assign(ns=sums)
        process, device = frame.groupby(["process", "device"])["ns"].sum().idxmax()  # pyright: ignore
        return int(process), int(device)
    if not len(trace.ranges):
        return 0, None
    process = ints(trace.threads, "process")[ints(trace.ranges, "thread")]
    return int(np.bincount(process).argmax()), None


def _summarise(read: _Read, at: int, glob: str | None) -> RankSummary:
    trace, unit = read.labelled.trace, read.units[at]
    collectives = read_collectives(trace, unit.rows, unit.family, read.families, read.nccl)
    told_rank, told_size = _what_nccl_said(trace, read.nccl, unit.process)
    mine = ints(trace.activities, "process") == unit.process
    mine &= ints(trace.activities, "device") == (NONE if unit.device is None else unit.device)
    length = ints(trace.activities, "end_ns") - ints(trace.activities, "start_ns")
    return RankSummary(
        unit=at,
        units=len(read.units),
        told_rank=told_rank,
        told_size=told_size,
        pid=pid_of(trace.processes[unit.process]) if unit.process < len(trace.processes) else None,
        device=None if unit.device is None else known_device(unit.device),
        device_name=_device_name(trace, unit),
        utc_epoch_ns=trace.metadata.utc_epoch_ns,
        device_ns=int(length[mine].sum()),
        collectives=collectives,
        candidates=list_candidates(read.labelled, unit.process, glob),
        quality=trace.quality,
        version=read.version,
    )


def _what_nccl_said(trace: Trace, nccl: NcclRanges, process: int) -> tuple[int | None, int | None]:
    """Rank and number of ranks in the largest communicator that a process began."""
    if process >= len(trace.processes):
        return None, None
    told = np.flatnonzero((nccl.size > 0) & (nccl.rank >= 0))
    mine = [
        at for at in told.tolist() if pid_of(int(nccl.global_tid[at])) == pid_of(trace.processes[process])
    ]
    if not mine:
        return None, None
    largest = max(mine, key=lambda at: (nccl.size[at], -nccl.start[at]))
    return int(nccl.rank[largest]), int(nccl.size[largest])


def _device_name(trace: Trace, unit: _Unit) -> str | None:
    names = [d.name for d in trace.devices if d.process == unit.process and d.device == unit.device]
    return names[0] if names else None
