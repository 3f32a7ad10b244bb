"""What a run itself reached: a calibrated ceiling that a step passes on a CPU is no ceiling, and on a GPU no kernel
comes to the memory rate of a data sheet.

The roof is the highest rate seen, at working sets well beyond the last level of cache; what fits into it is fast for
another reason, and where its size is not known nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...scenarios.operations.ops import Function
from ...scenarios.plan.step import Step
from ...scenarios.plan.work import OpWork, step_work
from ..hardware.data_sheets import ATTAINABLE, Rate
from .peaks import bandwidth_text
from .results import OpResult, RoofLine
from .roof import Peaks
from .step_windows import StepWindow

BEYOND_CACHE = 2
"""A working set of this many last levels of cache is read from memory, or nearly."""

NEAR_ITS_PEAK = 0.8


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


def list_roof_lines(
    placed: Sequence[tuple[Step, Peaks, Sequence[OpWork]]], ops: Sequence[OpResult]
) -> tuple[RoofLine, ...]:
    """One line per device, dtype and unit that computing ops of the steps use, with what ``ops`` reached there."""
    l2_bytes = {
        step.key: peaks.l2_bytes
        for step, peaks, _ in placed
        if step.device == "cuda" and not any(isinstance(op, Function) for op in step.ops)
    }
    rate = find_reached_rate(ops, l2_bytes)
    lines: dict[tuple[str, str, str], RoofLine] = {}
    for step, peaks, work in placed:
        for op in work:
            if op.flops:
                reached = rate if step.device == "cuda" else None
                lines.setdefault((step.device, op.dtype, op.unit), _line(step.device, peaks, op, reached))
    return tuple(lines.values())


def _line(device: str, peaks: Peaks, op: OpWork, reached: float | None) -> RoofLine:
    return RoofLine(
        device=device,
        dtype=op.dtype,
        unit=op.unit,
        flops_per_s=peaks.flops_rate(op.dtype, op.unit),
        bytes_per_s=peaks.bytes_per_s,
        source=peaks.source,
        attainable_bytes_per_s=peaks.bytes_per_s if device == "cpu" else find_attainable(peaks, reached),
    )


def find_attainable(peaks: Peaks, reached: float | None) -> float:
    """The rate that kernels get of a GPU's memory: the highest that was seen, here or when it was calibrated.

    What a run reaches is taken for it only near the peak: else its fastest kernel may be slow itself.
    """
    if reached is not None and reached >= NEAR_ITS_PEAK * peaks.bytes_per_s:
        return min(reached, peaks.bytes_per_s) if not peaks.measured else max(reached, peaks.bytes_per_s)
    return peaks.bytes_per_s if peaks.measured else ATTAINABLE * peaks.bytes_per_s


def find_reached_rate(ops: Iterable[OpResult], l2_bytes: Mapping[str, int | None]) -> float | None:
    """The most bytes a second that an op moved on a GPU, as counted, else its least; ``l2_bytes`` by the step's key."""
    rates: list[float] = []
    for op in ops:
        cache, least = l2_bytes.get(op.key), op.costs.bytes
        if cache is None or not least or least <= BEYOND_CACHE * cache:
            continue
        moved = op.counters.moved_bytes if op.counters is not None else None
        kernel_ns = op.per_rep.kernel_ns if op.per_rep is not None else None
        if kernel_ns and op.costs.roof_note is None:
            rates.append((moved if moved is not None else least) / kernel_ns * 1e9)
    return max(rates, default=None)
