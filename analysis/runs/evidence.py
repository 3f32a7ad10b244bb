"""The evidence of a run: what was counted of its steps and ops, set beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..evidence.counters import CountedLaunch, Counters, add_launches, count_kernels
from ..evidence.cpu_use import CpuUse
from .records import CountedKernel, CountedStep, CountersRecord, CpuPass, SampledOp, ShardRecord, StepRecord
from .results import OpResult, StepResult

EVIDENCE_PASSES = {"ncu": "counters", "gpu_metrics": "metrics"}
"""What a pass is called where it is asked for."""

FEW_SAMPLES = "too few samples are its own"


def cpu_use(record: CpuPass | None) -> CpuUse | None:
    """A pass as what one rep took."""
    if record is None or not record.reps:
        return None
    return charged_use(record).without_late_charges()


def charged_use(record: CpuPass) -> CpuUse:
    """A pass of some reps as the system charged one of them."""
    reps = record.reps
    return CpuUse(
        wall_ns=record.wall_ns / reps,
        user_ns=record.user_ns / reps,
        system_ns=record.system_ns / reps,
        minor_faults=record.minor_faults / reps,
        major_faults=record.major_faults / reps,
        voluntary_switches=record.voluntary_switches / reps,
        involuntary_switches=record.involuntary_switches / reps,
        page_bytes=record.page_bytes,
        cores_allowed=record.cores_allowed,
        cycles=None if record.cycles is None else record.cycles / reps,
        instructions=None if record.instructions is None else record.instructions / reps,
    )


def add_seconds(shards: Iterable[ShardRecord], counted: Iterable[CountersRecord]) -> dict[str, float]:
    """How long the passes of all shards took, by what they are for; none of a run that did not keep it."""
    total: dict[str, float] = {}
    passes = [pair for shard in shards for pair in shard.seconds.items()]
    for name, seconds in [*passes, *((EVIDENCE_PASSES[one.source], one.seconds) for one in counted)]:
        total[name] = total.get(name, 0.0) + seconds
    return total


def add_timed(steps: Iterable[StepRecord]) -> dict[str, float]:
    """How long the timed reps of all steps took, by their pass."""
    total: dict[str, float] = {}
    for step in steps:
        for name, one in (("untraced", step.control), ("traced", step.traced)):
            if one is not None:
                total[name] = total.get(name, 0.0) + one.total_ns / 1e9
    return total


def by_step(records: Iterable[CountersRecord]) -> dict[str, CountedStep]:
    """Every counted step by its key."""
    return {step.key: step for record in records for step in record.steps}


def with_counters(step: StepResult, counted: CountedStep | None) -> StepResult:
    """A step with what was counted of all its ops."""
    if counted is None:
        return step
    if counted.sampled:
        sampled = _sum_samples(counted.sampled)
        return replace(step, counters=sampled, evidence_note=None if sampled else FEW_SAMPLES)
    if counted.reason is not None or not counted.kernels:
        return replace(step, evidence_note=counted.reason or "none of its kernels was counted")
    return replace(step, counters=add_launches([_launch(kernel) for kernel in counted.kernels]))


def op_with_counters(op: OpResult, counted: CountedStep | None) -> OpResult:
    """An op with what was counted of it; nothing where not one kernel was its own."""
    launches = [_launch(kernel) for kernel in counted.kernels if kernel.op == op.index] if counted else []
    sampled = [one for one in counted.sampled if one.op == op.index] if counted else []
    if sampled:
        return replace(op, counters=_sum_samples(sampled))
    if not launches:
        return op
    return replace(op, counters=add_launches(launches), kernel_counters=count_kernels(launches))


def _sum_samples(sampled: Sequence[SampledOp]) -> Counters | None:
    """What ops moved together; unknown where one of them is."""
    reads = [one.dram_read_bytes for one in sampled if one.dram_read_bytes is not None]
    writes = [one.dram_write_bytes for one in sampled if one.dram_write_bytes is not None]
    if not len(reads) == len(writes) == len(sampled):
        return None
    return Counters(source="gpu_metrics", dram_read_bytes=sum(reads), dram_write_bytes=sum(writes))


def _launch(kernel: CountedKernel) -> CountedLaunch:
    return CountedLaunch(
        kernel=kernel.kernel, ranges=(), grid=kernel.grid, block=kernel.block, metrics=kernel.metrics
    )
