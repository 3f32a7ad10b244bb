"""What is compared where nothing was marked: kernels of a trace, each launch a sample; else a program's functions.

A program that used no GPU and has no ranges is compared as a whole, and by the functions of its own that its Python
was seen in. Those share out the time of the main thread: what a library does, the function has that called it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arithmetic.arrays import Ints, ints
from ..breakdown.kernels import kernel_rows
from ..breakdown.rows import KernelRow
from ..trace.trace import Trace
from ..words import KERNEL, PARTS, known_device
from .measured import Measured, MeasuredOp
from .range_times import name_gpu

if TYPE_CHECKING:  # pydantic, which comparing traces does without
    from ..programs.folder import ProgramFolder
    from ..programs.samples import Function

WHOLE, ELSEWHERE = "(whole program)", "(elsewhere)"


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


def measure_program(program: ProgramFolder) -> list[Measured]:
    """A recorded program's whole time, and that of the functions its main thread was in, the longest first."""
    whole = _measure_part(WHOLE, program.record.wall_seconds * 1e9, None)
    thread = None if program.samples is None else program.samples.main_thread
    if program.samples is None or thread is None:
        return [whole]
    known = all(stack.cpu_ns is not None for stack in thread.stacks)
    spent: dict[str, list[int]] = {}
    for functions, stack in program.samples.stacks(thread):
        times = spent.setdefault(_name_innermost(functions), [0, 0])
        times[0] += stack.ns
        times[1] += min(stack.cpu_ns or 0, stack.ns)
    longest = sorted(spent.items(), key=lambda item: -item[1][0])
    return [whole, *(_measure_part(name, ns, cpu if known else None) for name, (ns, cpu) in longest if ns)]


def _name_innermost(functions: Sequence[Function]) -> str:
    """The program's own function that ran or had called what ran; its line may be another on the other side."""
    own = next((function for function in reversed(functions) if function.own), None)
    return ELSEWHERE if own is None else f"{own.name} ({own.file})"


def _measure_part(name: str, ns: float, cpu_ns: float | None) -> Measured:
    layers: dict[str, float | None] = dict.fromkeys(PARTS)
    if cpu_ns is not None:
        layers |= {"compute": float(cpu_ns), "host": float(ns - cpu_ns)}
    return Measured(
        key=name,
        label=name,
        names={"function": name},
        reps=1,
        traced_samples_ns=(float(ns),),
        wall_ns=float(ns),
        layers=layers,
    )
