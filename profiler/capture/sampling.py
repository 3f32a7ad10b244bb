"""The sampled pass of a shard: every op in a loop of its own, under Nsight Systems with GPU metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...analysis.breakdown.analyze import Analysis, analyze_file
from ...analysis.evidence.metric_rows import RangeMetrics
from ...analysis.evidence.metrics import Figures
from ...analysis.runs.records import CountedStep, SampledOp
from ...analysis.words import COUNTED_OP, STEP_PREFIX
from ...scenarios.errors import FlopprofError
from ...scenarios.plan.step import Step
from ..recorders.recorder import NsysRecorder, last_line
from .budget import Uncounted
from .gathering import EvidencePass, gather_evidence
from .worker_process import ShardContext, WorkerOutcome

MOST_WORKERS = 4
"""A worker records for some seconds; the steps that it leaves are the next one's, of which there are so many."""


SHARE_OF_RECORDING = 0.6
"""Of a worker's time; the rest is for exporting and reading its samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What one worker's recording says."""

    ops: Mapping[tuple[str, int], Figures]
    """By the key of the step and the number of the op; over all calls."""
    problem: str | None = None
    """Why an op that is not there is not."""


def sample_shard(uncounted: Uncounted, context: ShardContext, sampler: NsysRecorder) -> None:
    """Sample the steps and write what was seen into the run. Raises Interrupted, DiskFullError."""
    sampling = EvidencePass(
        which="metrics",
        source="gpu_metrics",
        tool=sampler.version,
        most_workers=MOST_WORKERS,
        settle=lambda outcome, todo: settle_sampled(outcome, todo, read_sampled(outcome, sampler)),
        left="the workers of the sampled pass did not come to it",
        worker_share=SHARE_OF_RECORDING,
    )
    gather_evidence(uncounted, replace(context, recorder=sampler), sampling)


def read_sampled(outcome: WorkerOutcome, sampler: NsysRecorder) -> Sampled:
    """The figures of the recording, whose file is no longer needed then."""
    if not outcome.has_run:
        return Sampled(ops={})
    try:
        trace = sampler.collect(outcome.folder)
        analysis = analyze_file(trace)
    except FlopprofError as error:
        return Sampled(ops={}, problem=str(error))
    trace.unlink()
    return Sampled(ops=dict(find_ops(analysis.metrics.ranges)), problem=why_few(analysis))


def find_ops(ranges: Sequence[RangeMetrics]) -> Iterator[tuple[tuple[str, int], Figures]]:
    """(key of the step, number of the op) and the figures of every op's loop; of several devices the busiest one's."""
    for row in sorted(ranges, key=lambda row: row.figures.samples):
        step, op = ("", *row.path)[-2:]
        number = op.removeprefix(COUNTED_OP)
        if step.startswith(STEP_PREFIX) and op.startswith(COUNTED_OP) and number.isdigit():
            yield (step.removeprefix(STEP_PREFIX), int(number)), row.figures


def why_few(analysis: Analysis) -> str:
    """Why an op may have no figures, as the trace itself tells it."""
    if not analysis.metrics.devices:
        lost = [entry.message for entry in analysis.quality if entry.code == "profiler_errors"]
        return f"its recording has no samples{f' ({lost[0]})' if lost else ''}"
    if all(
        row.figures.dram_read_bytes is None for row in analysis.metrics.ranges if row.figures.sm_active_pct
    ):
        return "its samples do not tell bytes: the GPU's memory bandwidth is not in the trace"
    return "too few samples are its own"


def settle_sampled(outcome: WorkerOutcome, todo: Sequence[Step], sampled: Sampled) -> dict[str, CountedStep]:
    """What became of the steps of a worker; those that it had no time for are not among them."""
    found = {
        key: _sampled_step(key, record.reason, record.reps or 1, sampled)
        for key, record in outcome.records.items()
    }
    missing = [step.key for step in todo if step.key not in found]
    if missing and (outcome.exit_code or not found):
        last = last_line(outcome.folder / "output.txt")
        victims = missing if not outcome.has_run else [outcome.died_in or missing[0]]
        found |= {
            key: CountedStep(key=key, reason=f"the sampled pass ended before it: {last}") for key in victims
        }
    return found


def _sampled_step(key: str, reason: str | None, calls: int, sampled: Sampled) -> CountedStep:
    if reason is not None:
        return CountedStep(key=key, reason=reason)
    ops = [
        SampledOp(
            op=op,
            calls=calls,
            samples=figures.samples,
            dram_read_bytes=_per_call(figures.dram_read_bytes, calls),
            dram_write_bytes=_per_call(figures.dram_write_bytes, calls),
        )
        for (of_step, op), figures in sorted(sampled.ops.items(), key=lambda item: item[0])
        if of_step == key
    ]
    if any(op.dram_read_bytes is not None and op.dram_write_bytes is not None for op in ops):
        return CountedStep(key=key, sampled=ops)
    return CountedStep(key=key, reason=sampled.problem or "it was not sampled")


def _per_call(total: float | None, calls: int) -> float | None:
    return None if total is None else total / calls
