"""One shard: the steps of one (backend, device), each in a control pass and in a traced pass.

A worker that dies fails the step it was in and is started again at the next one; every traced worker is a part of
its own, published by one rename when its trace has been scrubbed.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ...analysis.errors import TraceError
from ...analysis.runs.files import write_record
from ...analysis.runs.records import ShardRecord, StepRecord
from ...analysis.trace.scrub import ScrubError, scrub_trace
from ...scenarios.errors import FlopprofError
from ...scenarios.plan.step import Step
from ..errors import CaptureError, Interrupted
from ..machine.disk import DiskFullError, has_no_room, is_disk_full, is_nearly_full
from ..recorders.child import run_child
from ..recorders.environment import allowed_environment
from ..recorders.folders import publish_shard
from ..recorders.ncu import NcuRecorder
from ..recorders.recorder import EmbeddedRecorder, Recorder, last_line
from ..worker.job import (
    DISK_FULL,
    NEW_WORKER,
    Finished,
    Job,
    Message,
    MessageReader,
    Opened,
    PassName,
    Started,
)

WORKER = (sys.executable, "-P", "-m", "flopprof.profiler.worker.main")
"""-P: a queue.py in the current folder is not what libraries mean when they import queue."""

MOST_STARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardContext:
    """What all shards of a run share."""

    run: Path
    staging: Path
    temporary: Path
    """TMPDIR of everything that is started."""
    lifeline: Path
    """What a worker lives on (lifeline.py)."""
    recorder: Recorder
    scenario_folder: str | None
    """Where the scenario's own functions are."""
    control: bool
    interleave: bool
    """Whether the control pass measures the variants of a point in turn."""
    seed: int
    environment: Mapping[str, str]
    on_message: Callable[[PassName, Message], None]
    counter: NcuRecorder | None = None
    """What is around a worker of the counters pass."""


@dataclass(slots=True, kw_only=True)
class WorkerOutcome:
    """What became of one worker."""

    folder: Path
    exit_code: int | None = None
    opened: Opened | None = None
    records: dict[str, StepRecord] = field(default_factory=dict)
    died_in: str | None = None
    """The step that was started and not finished."""
    recorder_failed: bool = False
    """Whether the recorder never got as far as the worker."""

    @property
    def has_run(self) -> bool:
        """Whether the worker said anything."""
        return self.opened is not None or bool(self.records)

    @property
    def interrupted(self) -> bool:
        """Whether the user ended it."""
        return self.exit_code is None

    def hear(self, message: Message) -> None:
        """Take note of a message."""
        if isinstance(message, Opened):
            self.opened = message
        elif isinstance(message, Started):
            self.died_in = message.key
        else:
            self.records[message.record.key] = message.record
            self.died_in = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Steps that share a worker."""

    backend: str
    device: str
    steps: tuple[Step, ...]
    parts: int = 0
    """Parts that an earlier process published."""

    @property
    def name(self) -> str:
        """The shard's folder name."""
        return f"{self.backend}-{self.device}"


def capture_shard(shard: Shard, context: ShardContext) -> list[Opened]:
    """Measure and record every step of a shard and publish it; what the workers said of themselves.

    Raises Interrupted after publishing what was complete, DiskFullError.
    """
    openings: list[Opened] = []
    control = _control_pass(shard, context, openings) if context.control else {}
    todo = [s for s in shard.steps if not context.control or control[s.key].status == "done"]
    records = {key: record for key, record in control.items() if record.status == "failed"}
    part = shard.parts
    while todo or part == shard.parts:
        part += 1
        outcome = run_worker(shard, "traced", todo, context, reps=_reps(control), label=f"traced-{part}")
        openings += [outcome.opened] if outcome.opened else []
        finished = settle_worker(outcome, todo, "traced", context)
        records |= {key: merge_passes(control.get(key), record) for key, record in finished.items()}
        publish_part(shard, part, list(records.values()), outcome, context)
        records = {}
        todo = [s for s in todo if s.key not in finished]
        if outcome.interrupted:
            raise Interrupted
    return openings


def _control_pass(shard: Shard, context: ShardContext, openings: list[Opened]) -> dict[str, StepRecord]:
    records: dict[str, StepRecord] = {}
    todo, attempt = list(shard.steps), 0
    while todo:
        attempt += 1
        outcome = run_worker(shard, "control", todo, context, reps={}, label=f"control-{attempt}")
        openings += [outcome.opened] if outcome.opened else []
        if outcome.interrupted:
            raise Interrupted
        finished = settle_worker(outcome, todo, "control", context)
        records |= finished
        todo = [s for s in todo if s.key not in finished]
    return records


def run_worker(
    shard: Shard,
    which: PassName,
    steps: Sequence[Step],
    context: ShardContext,
    *,
    reps: dict[str, int],
    label: str,
) -> WorkerOutcome:
    """Start a worker over ``steps`` and listen until it ends; Ctrl-C ends it and is told in the outcome.

    Starts it again when its recorder failed before the worker ran. Raises DiskFullError.
    """
    for attempt in count(1):
        folder = context.staging / f"{shard.name}-{label}{'' if attempt == 1 else f'-again-{attempt}'}"
        outcome = start_worker(shard, which, steps, context, reps=reps, folder=folder)
        has_failed = outcome.exit_code not in (0, NEW_WORKER, None)
        if has_failed and (outcome.exit_code == DISK_FULL or is_nearly_full(folder, context.temporary)):
            raise DiskFullError(context.run)
        has_begun = outcome.has_run or outcome.interrupted or not context.recorder.failed_to_start(folder)
        outcome.recorder_failed = not has_begun
        if has_begun or attempt == MOST_STARTS:
            return outcome
    raise AssertionError("count() does not end")


def start_worker(
    shard: Shard,
    which: PassName,
    steps: Sequence[Step],
    context: ShardContext,
    *,
    reps: dict[str, int],
    folder: Path,
) -> WorkerOutcome:
    """One start of a worker, with a new staging folder."""
    folder.mkdir()
    recorder = recorder_of(which, context)
    job = Job(
        which=which,
        ranges="none" if which == "control" else recorder.ranges,
        backend=shard.backend,
        device=shard.device,
        steps=[step.to_json() for step in steps],
        reps=reps,
        interleave=context.interleave and which == "control",
        check=which == "control" or (which == "traced" and not context.control),
        folder=context.scenario_folder,
        seed=context.seed,
        messages=str(folder / "messages.jsonl"),
        trace=str(folder / "raw.sqlite") if which == "traced" and recorder.name == "embedded" else None,
        lifeline=str(context.lifeline),
    )
    write_record(folder / "job.json", job)
    outcome = WorkerOutcome(folder=folder)
    reader = MessageReader(Path(job.messages))

    def listen() -> None:
        for message in reader.read():
            outcome.hear(message)
            context.on_message(which, message)

    command = recorder.command([*WORKER, str(folder / "job.json")], folder)
    environment = allowed_environment(context.environment, context.temporary)
    try:
        outcome.exit_code = run_child(
            command, environment, output=folder / "output.txt", while_waiting=listen
        )
    except KeyboardInterrupt:
        listen()
    return outcome


def recorder_of(which: PassName, context: ShardContext) -> Recorder | NcuRecorder:
    """What is around a worker: nothing in the control pass."""
    if which == "counters":
        assert context.counter is not None, "a counters pass has what counts"
        return context.counter
    return context.recorder if which == "traced" else EmbeddedRecorder()


def settle_worker(
    outcome: WorkerOutcome, todo: Sequence[Step], which: PassName, context: ShardContext
) -> dict[str, StepRecord]:
    """What became of the steps of a worker that ended; those it could not tell the end of are told here."""
    records = settle_deaths(outcome, todo)
    for key, record in records.items():
        if key not in outcome.records:
            context.on_message(which, Finished(record=record))
    return records


def settle_deaths(outcome: WorkerOutcome, todo: Sequence[Step]) -> dict[str, StepRecord]:
    """The worker's records, and a failure for the step it died in.

    A worker that died before its first step would do so again: then all its steps have failed.
    """
    records = dict(outcome.records)
    missing = [step.key for step in todo if step.key not in records]
    if outcome.interrupted or not missing or (outcome.exit_code == NEW_WORKER and records):
        return records
    reason = explain_death(outcome)
    victims = [outcome.died_in] if outcome.died_in else missing if not records else missing[:1]
    return records | {key: StepRecord(key=key, status="failed", reason=reason) for key in victims}


def explain_death(outcome: WorkerOutcome) -> str:
    """Why a worker ended before its steps had, or was never started."""
    words = last_line(outcome.folder / "output.txt")
    if outcome.recorder_failed:
        said = words.rstrip(".")
        return (
            f"Nsight Systems did not start ({said}); see docs/troubleshooting.md, or use --recorder embedded"
        )
    return f"{describe_death(outcome.exit_code or 0)}; its last words: {words}"


def describe_death(exit_code: int) -> str:
    """How a worker ended, from its exit code or its recorder's (128 + signal).

    >>> describe_death(-9), describe_death(139)
    ('the worker was killed by SIGKILL (out of memory?)', 'the worker was killed by SIGSEGV')
    """
    number = -exit_code if exit_code < 0 else exit_code - 128
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"the worker ended with exit code {exit_code}"
    return f"the worker was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


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
    shard: Shard, part: int, records: list[StepRecord], outcome: WorkerOutcome, context: ShardContext
) -> None:
    """Scrub the part's trace and rename it into the run; steps whose trace was lost have failed."""
    name = shard.name if part == 1 else f"{shard.name}-{part}"
    prepared = context.staging / "publish" / name
    prepared.mkdir(parents=True)
    try:
        if any(record.status == "done" for record in records):
            raw = context.recorder.collect(outcome.folder)
            scrub_trace(raw, prepared / "trace.sqlite")
    except (CaptureError, TraceError, ScrubError) as error:
        if is_disk_full(error) or has_no_room(outcome.folder, context.temporary):
            raise DiskFullError(context.run) from error
        records = [lose_trace(record, error) for record in records]
    record = ShardRecord(
        backend=shard.backend, device=shard.device, part=part, recorder=context.recorder.name, steps=records
    )
    write_record(prepared / "control.json", record)
    publish_shard(context.run, prepared, name)


def lose_trace(record: StepRecord, error: FlopprofError) -> StepRecord:
    """A done step without its trace is a failed one; its untraced time stays."""
    if record.status == "failed":
        return record
    return record.model_copy(update={"status": "failed", "reason": f"its trace was lost: {error}"})


def _reps(control: Mapping[str, StepRecord]) -> dict[str, int]:
    return {key: record.reps for key, record in control.items() if record.reps is not None}
