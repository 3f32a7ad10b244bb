"""A trace without ranges as things to compare: its kernels, each launch a sample."""

from __future__ import annotations

import numpy as np

from ..arithmetic.arrays import Ints, ints
from ..breakdown.kernels import kernel_rows
from ..breakdown.rows import KernelRow
from ..trace.trace import Trace
from ..words import KERNEL, PARTS, known_device
from .measured import Measured, MeasuredOp
from .range_times import name_gpu


def measure_kernels(trace: Trace) -> list[Measured]:
    """Every kernel of the trace on every device, in the order of their first launches."""
    frame = trace.activities
    order = trace.by_start[ints(frame, "layer")[trace.by_start] == KERNEL]
    if not len(order):
        return []
    rows = sorted(kernel_rows(trace, np.sort(order)), key=lambda row: row.first_ns or 0)
    groups = _group(trace, order)
    things = [_measure(row, groups[row.kernel, row.device]) for row in rows]
    return [name_gpu(thing) for thing in things] if len({row.device for row in rows}) > 1 else things


def _group(trace: Trace, order: Ints) -> dict[tuple[str, int | None], Ints]:
    """The durations of each kernel's launches, in the order of time."""
    frame = trace.activities
    name, device = ints(frame, "name")[order], ints(frame, "device")[order]
    duration = ints(frame, "end_ns")[order] - ints(frame, "start_ns")[order]
    pairs, inverse = np.unique(np.stack([name, device]), axis=1, return_inverse=True)
    inverse = inverse.ravel()
    by_pair = np.argsort(inverse, kind="stable")
    parts = np.split(duration[by_pair], np.cumsum(np.bincount(inverse, minlength=pairs.shape[1]))[:-1])
    return {
        (trace.name(int(code)), known_device(int(one))): part
        for (code, one), part in zip(pairs.T.tolist(), parts, strict=True)
    }


def _measure(row: KernelRow, durations: Ints) -> Measured:
    median = float(np.median(durations))
    return Measured(
        key=row.kernel,
        label=row.kernel,
        names={"kernel": row.kernel},
        reps=len(durations),
        device=row.device,
        traced_samples_ns=tuple(durations.astype(float).tolist()),
        wall_ns=median,
        layers={part: median if part == "kernel" else None for part in PARTS},
        ops=(MeasuredOp(op="launch", executions=row.instances, kernels=(row,)),),
    )
