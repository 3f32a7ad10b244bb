"""A pass that gathers evidence: a shard's steps through one worker after the other, and what came of each, written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ...analysis.runs.records import CountedStep, CountersRecord
from ...analysis.runs.writing import write_record
from ...scenarios.plan.step import Step
from ..errors import Interrupted
from .worker_process import Shard, ShardContext, WorkerOutcome, run_worker


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePass:
    """How one kind of evidence is gathered."""

    which: Literal["counters", "metrics"]
    source: Literal["ncu", "gpu_metrics"]
    tool: str | None
    """Its version."""
    most_workers: int
    settle: Callable[[WorkerOutcome, Sequence[Step]], dict[str, CountedStep]]
    """What became of the steps that a worker was given; it knows something of at least one."""
    left: str
    """Why there is nothing of the steps that no worker came to."""


def gather_evidence(shard: Shard, steps: Sequence[Step], context: ShardContext, how: EvidencePass) -> None:
    """Gather it of `steps` and write it into the run. Raises Interrupted, DiskFullError."""
    began = time.monotonic()
    found: dict[str, CountedStep] = {}
    todo = list(steps)
    for attempt in range(1, how.most_workers + 1):
        if not todo:
            break
        outcome = run_worker(shard, how.which, todo, context, reps={}, label=f"{how.which}-{attempt}")
        if outcome.interrupted:
            raise Interrupted
        found |= how.settle(outcome, todo)
        todo = [step for step in todo if step.key not in found]
    for step in todo:
        found[step.key] = CountedStep(key=step.key, reason=how.left)
    record = CountersRecord(
        backend=shard.backend,
        device=shard.device,
        part=shard.parts + 1,
        source=how.source,
        tool=how.tool,
        seconds=time.monotonic() - began,
        steps=[found[step.key] for step in steps],
    )
    (context.run / "counters").mkdir(exist_ok=True)
    write_record(context.run / "counters" / f"{shard.name}-{shard.parts + 1}.json", record)
