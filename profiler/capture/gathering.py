"""A pass that gathers evidence: a shard's steps through one worker after the other, and what came of each, written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ...analysis.runs.records import CountedStep, CountersRecord
from ...analysis.runs.writing import write_record
from ...analysis.words import OUT_OF_TIME
from ...scenarios.plan.step import Step
from ..errors import Interrupted
from .budget import Uncounted
from .worker_process import ShardContext, WorkerOutcome, run_worker

WORTH_A_START = 0.5
"""Of what the last worker took: with less time left another would hardly begin before it is over."""


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
    """Why there is nothing of the steps that no worker came to though there was time."""
    worker_share: float = 1.0
    """Of the time that is left when a worker begins: what its steps may take, the rest is for reading what it says."""

    def end_worker(self, ends_at: float | None) -> float | None:
        """Until when a worker that begins now may begin a step."""
        if ends_at is None:
            return None
        now = time.monotonic()
        return now + self.worker_share * (ends_at - now)


def gather_evidence(uncounted: Uncounted, context: ShardContext, how: EvidencePass) -> None:
    """Gather it of the steps and write it into the run. Raises Interrupted, DiskFullError."""
    began, shard = time.monotonic(), uncounted.shard
    ends_at = None if uncounted.seconds is None else began + uncounted.seconds
    found: dict[str, CountedStep] = {}
    todo, attempt, has_time = list(shard.steps), 0, True
    while todo and has_time and attempt < how.most_workers:
        attempt += 1
        label = f"{how.which}-{shard.parts + 1}-{attempt}"
        outcome = run_worker(
            shard, how.which, todo, context, reps={}, label=label, ends_at=how.end_worker(ends_at)
        )
        if outcome.interrupted:
            raise Interrupted
        found |= how.settle(outcome, todo)
        todo = [step for step in todo if step.key not in found]
        has_time = ends_at is None or ends_at - time.monotonic() > WORTH_A_START * outcome.seconds
    left = how.left if has_time else OUT_OF_TIME
    for step in todo:
        found[step.key] = CountedStep(key=step.key, reason=left)
    record = CountersRecord(
        backend=shard.backend,
        device=shard.device,
        part=shard.parts + 1,
        source=how.source,
        tool=how.tool,
        seconds=time.monotonic() - began,
        steps=[found[step.key] for step in shard.steps],
    )
    (context.run / "counters").mkdir(exist_ok=True)
    write_record(context.run / "counters" / f"{shard.name}-{shard.parts + 1}.json", record)
