"""One shard: the steps of one (backend, device), each in a control pass and in a traced pass.

A worker that dies fails the step it was in and is started again at the next one; every traced worker is a part of
its own, published by one rename when its trace has been scrubbed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ...analysis.archives.scrub import ScrubError, scrub_trace
from ...analysis.errors import TraceError
from ...analysis.runs.records import CallCosts, PassWithTimes, ShardRecord, StepRecord
from ...analysis.runs.writing import write_record
from ...scenarios.errors import FlopprofError
from ...scenarios.plan.step import Step
from ..errors import CaptureError, Interrupted
from ..machine.disk import DiskFullError, has_no_room, is_disk_full
from ..recorders.folders import publish_shard
from ..worker.job import Opened
from ..worker.measure import LEAST_REPS
from .deaths import settle_worker
from .worker_process import Shard, ShardContext, WorkerOutcome, run_worker

LEAST_TRACED_REPS = 3

TRACED_SHARE = 0.5
"""Of ``max_seconds``: what reps are traced for beyond the ten that a verdict on them would need."""


def capture_shard(shard: Shard, context: ShardContext) -> list[Opened]:
    """Measure and record every step of a shard and publish it; what the workers said of themselves.

    Raises Interrupted after publishing what was complete, DiskFullError.
    """
    workers: list[WorkerOutcome] = []
    control = _control_pass(shard, context, workers) if context.control else {}
    seconds: dict[PassWithTimes, float] = {"untraced": sum(one.seconds for one in workers)} if workers else {}
    todo = [s for s in shard.steps if not context.control or control[s.key].status == "done"]
    records = {key: record for key, record in control.items() if record.status == "failed"}
    part = shard.parts
    while todo or part == shard.parts:
        part += 1
        outcome = run_worker(
            shard, "traced", todo, context, reps=_reps(shard.steps, control), label=f"traced-{part}"
        )
        workers.append(outcome)
        seconds["traced"] = outcome.seconds
        finished = settle_worker(outcome, todo, "traced", context)
        records |= {key: merge_passes(control.get(key), record) for key, record in finished.items()}
        costs = cost_of_calls(_openings(workers))
        publish_part(shard, part, list(records.values()), outcome, context, costs=costs, seconds=seconds)
        records, seconds = {}, {}
        todo = [s for s in todo if s.key not in finished]
        if outcome.interrupted:
            raise Interrupted
    return _openings(workers)


def _openings(workers: Iterable[WorkerOutcome]) -> list[Opened]:
    return [one.opened for one in workers if one.opened]


def _control_pass(shard: Shard, context: ShardContext, workers: list[WorkerOutcome]) -> dict[str, StepRecord]:
    records: dict[str, StepRecord] = {}
    todo, attempt = list(shard.steps), 0
    while todo:
        attempt += 1
        outcome = run_worker(shard, "control", todo, context, reps={}, label=f"control-{attempt}")
        workers.append(outcome)
        if outcome.interrupted:
            raise Interrupted
        finished = settle_worker(outcome, todo, "control", context)
        records |= finished
        todo = [s for s in todo if s.key not in finished]
    return records


def merge_passes(control: StepRecord | None, traced: StepRecord) -> StepRecord:
    """One record of both passes; a step whose traced pass failed keeps its untraced time."""
    if control is None:
        return traced
    return traced.model_copy(
        update={
            "control": control.control,
            "reps": control.reps,
            "warmup": control.warmup,
            "checked": control.checked or traced.checked,
            "cpu": control.cpu or traced.cpu,
            "notes": [*control.notes, *traced.notes],
        }
    )


def publish_part(
    shard: Shard,
    part: int,
    records: list[StepRecord],
    outcome: WorkerOutcome,
    context: ShardContext,
    *,
    costs: CallCosts | None = None,
    seconds: Mapping[PassWithTimes, float] | None = None,
) -> None:
    """Scrub the part's trace and rename it into the run; steps whose trace was lost have failed."""
    name = shard.name if part == 1 else f"{shard.name}-{part}"
    prepared = context.staging / "publish" / name
    prepared.mkdir(parents=True)
    try:
        if any(record.status == "done" for record in records):
            if outcome.hang:
                raise CaptureError(outcome.hang)
            raw = context.recorder.collect(outcome.folder)
            scrub_trace(raw, prepared / "trace.sqlite")
    except (CaptureError, TraceError, ScrubError) as error:
        if is_disk_full(error) or has_no_room(outcome.folder, context.temporary):
            raise DiskFullError(context.run) from error
        records = [lose_trace(record, error) for record in records]
    record = ShardRecord(
        backend=shard.backend,
        device=shard.device,
        part=part,
        recorder=context.recorder.name,
        steps=records,
        call_costs=costs,
        seconds=dict(seconds or {}),
    )
    write_record(prepared / "control.json", record)
    publish_shard(context.run, prepared, name)


def cost_of_calls(openings: Sequence[Opened]) -> CallCosts | None:
    """What being recorded adds to a call: what it costs traced, less what it costs untraced."""
    traced = [one for one in openings if one.range_ns is not None]
    if not traced or traced[-1].range_ns is None:
        return None
    bare = [one.call_ns for one in openings if one.range_ns is None and one.call_ns is not None]
    mine = traced[-1].call_ns
    call_ns = max(0.0, mine - bare[0]) if bare and mine is not None else None
    return CallCosts(range_ns=traced[-1].range_ns, call_ns=call_ns)


def lose_trace(record: StepRecord, error: FlopprofError) -> StepRecord:
    """A done step without its trace is a failed one; its untraced time stays."""
    if record.status == "failed":
        return record
    return record.model_copy(update={"status": "failed", "reason": f"its trace was lost: {error}"})


def _reps(steps: Iterable[Step], control: Mapping[str, StepRecord]) -> dict[str, int]:
    found = ((step.key, decide_traced_reps(step, control[step.key])) for step in steps if step.key in control)
    return {key: reps for key, reps in found if reps is not None}


def decide_traced_reps(step: Step, control: StepRecord) -> int | None:
    """Those that half its time allows; ten where its whole time allows them, at least three, no more than untraced.

    A verdict rests on untraced samples, so only that pass has ten whatever they take. A trace says where the time of
    a rep went, which the third long rep says as well as the tenth.
    """
    if control.reps is None or control.control is None:
        return None
    rep_ns = control.control.total_ns / control.control.reps
    fitting = step.reps.max_seconds * 1e9 / rep_ns if rep_ns > 0 else control.reps
    wanted = max(TRACED_SHARE * fitting, min(fitting, LEAST_REPS), LEAST_TRACED_REPS)
    return min(math.floor(wanted), control.reps)
