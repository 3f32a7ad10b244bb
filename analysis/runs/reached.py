"""What a run itself reached on its CPU: a calibrated ceiling that a step passes is no ceiling.

The roof is the highest rate seen, at working sets well beyond the last level of cache; what fits into it is fast for
another reason, and where its size is not known nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...scenarios.operations.ops import Function
from ...scenarios.plan.step import Step
from ...scenarios.plan.work import step_work
from ..hardware.data_sheets import Rate
from .peaks import bandwidth_text
from .roof import Peaks
from .step_windows import StepWindow

BEYOND_CACHE = 2
"""A working set of this many last levels of cache is read from memory, or nearly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a step or an op moved and computed in its time on a CPU."""

    label: str
    bytes: int
    flops: int
    time_ns: float
    working_set_bytes: int
    lanes: frozenset[Rate]
    """Those that its FLOPs use."""


def raise_peaks(peaks: Peaks, reached: Sequence[Reached]) -> Peaks:
    """The peaks, and where something was faster at a working set well beyond the last cache, its rate instead."""
    if peaks.l3_bytes is None:
        return peaks
    beyond = [one for one in reached if one.working_set_bytes > BEYOND_CACHE * peaks.l3_bytes and one.time_ns]
    fastest = max(beyond, key=lambda one: one.bytes / one.time_ns, default=None)
    rates = dict(peaks.flops_per_s)
    for one in beyond:
        if len(one.lanes) == 1:
            (lane,) = one.lanes
            if lane in rates:
                rates[lane] = max(rates[lane], one.flops / one.time_ns * 1e9)
    raised = replace(peaks, flops_per_s=rates)
    if fastest is None or fastest.bytes / fastest.time_ns * 1e9 <= peaks.bytes_per_s:
        return raised
    rate = fastest.bytes / fastest.time_ns * 1e9
    source = f"{peaks.source}; raised to {bandwidth_text(rate)}, which {fastest.label} reached"
    return replace(raised, bytes_per_s=rate, source=source)


def list_reached(step: Step, window: StepWindow, reps: int) -> Iterator[Reached]:
    """A step whole and each of its ops; not of a user's own functions, whose FLOPs and bytes are a claim."""
    if any(isinstance(op, Function) for op in step.ops):
        return
    work = step_work(step)
    parts = [(step.label, work.ops, work.working_set_bytes, window.times)]
    for call, op in zip(work.calls, window.ops, strict=False):
        total = sum(one.bytes for one in call.ops)
        if op.times is not None and op.calls == reps:
            parts.append((f"{call.label} of {step.label}", call.ops, total, op.times))
    for label, ops, working_set, times in parts:
        yield Reached(
            label=label,
            bytes=sum(op.bytes for op in ops),
            flops=sum(op.flops for op in ops),
            time_ns=(times.compute_ns or 0) / reps,
            working_set_bytes=working_set,
            lanes=frozenset((op.dtype, op.unit) for op in ops if op.flops),
        )
