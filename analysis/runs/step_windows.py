"""What a shard's trace says of its steps: each window broken down, and the same for each op of the step.

A step's window is its range ``measure``. An op's part of it is what its own ranges own: the op calls of all reps
together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Ints, ints
from ..attribution.attribution import Attribution
from ..attribution.own_ranges import StepRanges, find_step_ranges
from ..breakdown.kernels import copy_rows, kernel_rows
from ..breakdown.queue import Queue, measure_queue
from ..breakdown.rows import CopyRow, KernelRow, WindowTimes
from ..breakdown.windows import sum_slices, window_times
from ..export.devices import GpuInfo
from ..labelling.labelled import Labelled, label_trace
from ..trace.reading import read_trace
from ..trace.trace import Trace
from ..words import OWN_DOMAIN, QualityNote


@dataclass(frozen=True, slots=True, kw_only=True)
class OpWindow:
    """One op of a step, over all its reps."""

    calls: int
    """Ranges found; reps, unless ranges were lost."""
    host_ns: float
    """Median host time of one call."""
    times: WindowTimes | None
    kernel_sum_ns: int | None = None
    launch_calls: int | None = None
    kernels: tuple[KernelRow, ...] = ()
    copies: tuple[CopyRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWindow:
    """One step's window."""

    times: WindowTimes
    ops: tuple[OpWindow, ...]
    rep_ns: tuple[float, ...] = ()
    """Every rep's time in their order, on the CPU; on a device the host only enqueues reps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardWindows:
    """A shard's steps by key."""

    steps: Mapping[str, StepWindow]
    gpu: GpuInfo | None
    """The device the shard's work ran on."""
    quality: tuple[QualityNote, ...]


def read_shard_windows(path: Path, device: str) -> ShardWindows:
    """Break down every step of a shard's trace. Raises TraceError."""
    trace = read_trace(path)
    steps = find_step_ranges(trace)
    if device == "cpu":
        windows = {key: _cpu_window(trace, step) for key, step in steps.items()}
        return ShardWindows(steps=windows, gpu=None, quality=trace.quality)
    labelled = label_trace(trace, (OWN_DOMAIN,))
    if not labelled.timelines:
        windows = {key: _unseen_window(trace, step) for key, step in steps.items()}
        return ShardWindows(steps=windows, gpu=None, quality=trace.quality)
    used = max(labelled.timelines, key=lambda one: int((ints(trace.activities, "device") == one).sum()))
    return ShardWindows(
        steps=_device_windows(labelled, used, list(steps.values())),
        gpu=trace.gpus.get(used),
        quality=(*trace.quality, *labelled.attribution.quality),
    )


def _cpu_window(trace: Trace, step: StepRanges) -> StepWindow:
    """On the CPU an op computes while its call runs; the calls of one thread do not overlap."""
    wall, durations = step.end_ns - step.start_ns, _durations(trace, step.ops)
    compute = int(durations.sum())
    ops = tuple(
        OpWindow(
            calls=len(mine),
            host_ns=float(np.median(mine)),
            times=WindowTimes(wall_ns=int(mine.sum()), compute_ns=int(mine.sum()), host_ns=0),
        )
        for mine in _by_op(step, durations)
    )
    times = WindowTimes(wall_ns=wall, compute_ns=compute, host_ns=wall - compute)
    return StepWindow(times=times, ops=ops, rep_ns=tuple(_durations(trace, step.reps).astype(float).tolist()))


def _unseen_window(trace: Trace, step: StepRanges) -> StepWindow:
    """A device's work that no recorder saw: only the host's own times are known."""
    ops = tuple(
        OpWindow(calls=len(mine), host_ns=float(np.median(mine)), times=None)
        for mine in _by_op(step, _durations(trace, step.ops))
    )
    return StepWindow(times=WindowTimes(wall_ns=step.end_ns - step.start_ns), ops=ops)


def _device_windows(labelled: Labelled, device: int, steps: list[StepRanges]) -> dict[str, StepWindow]:
    trace, spans = labelled.trace, labelled.timelines[device]
    starts = np.array([step.start_ns for step in steps], np.int64)
    ends = np.array([step.end_ns for step in steps], np.int64)
    slices = sum_slices(spans, starts, ends)
    op_of_range = np.full(len(trace.ranges) + 1, NONE, np.int64)  # the last entry stands for no owner
    for step in steps:
        op_of_range[step.ops] = step.op_index
    slices["op"] = op_of_range[ints(slices, "owner")]
    parts = dict(iter(slices.groupby("window")))
    work = _activities_by_range(labelled.attribution)
    queue = measure_queue(trace)
    return {
        step.key: StepWindow(
            times=window_times(
                step.end_ns - step.start_ns, ints(part, "layer"), ints(part, "ns"), split=spans.split
            ),
            ops=_device_ops(trace, step, part, work, queue, split=spans.split),
        )
        for step, part in ((step, parts[index]) for index, step in enumerate(steps))
    }


def _device_ops(
    trace: Trace, step: StepRanges, part: pd.DataFrame, work: _Work, queue: Queue, *, split: bool
) -> tuple[OpWindow, ...]:
    found: list[OpWindow] = []
    for index, durations in enumerate(_by_op(step, _durations(trace, step.ops))):
        mine = part[ints(part, "op") == index]
        rows = work.rows_of(step.ops[step.op_index == index])
        calls = ints(trace.activities, "call")[rows]
        kernels = kernel_rows(trace, rows, queue)
        found.append(
            OpWindow(
                calls=len(durations),
                host_ns=float(np.median(durations)),
                times=window_times(
                    int(ints(mine, "ns").sum()), ints(mine, "layer"), ints(mine, "ns"), split=split
                ),
                kernel_sum_ns=sum(kernel.total_ns for kernel in kernels),
                launch_calls=len(np.unique(calls[calls >= 0])),
                kernels=kernels,
                copies=copy_rows(trace, rows),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Work:
    """Rows of trace.activities sorted by owner."""

    rows: Ints
    owners: Ints

    def rows_of(self, ranges: Ints) -> Ints:
        """The activities that any of these ranges owns, in the order of the trace."""
        first, last = (np.searchsorted(self.owners, ranges, side=side) for side in ("left", "right"))
        pieces = [self.rows[low:high] for low, high in zip(first, last, strict=True)]
        return np.sort(np.concatenate(pieces)) if pieces else np.zeros(0, np.int64)


def _activities_by_range(attribution: Attribution) -> _Work:
    order = np.argsort(attribution.owner, kind="stable")
    return _Work(order, attribution.owner[order])


def _durations(trace: Trace, rows: Ints) -> Ints:
    """Host time of some ranges."""
    return ints(trace.ranges, "end_ns")[rows] - ints(trace.ranges, "start_ns")[rows]


def _by_op(step: StepRanges, values: Ints) -> list[Ints]:
    count = int(step.op_index.max()) + 1 if len(step.op_index) else 0
    return [values[step.op_index == index] for index in range(count)]
