"""One worker of a shard: started over some steps, listened to until it ends, started again where nsys failed it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ...analysis.runs.records import StepRecord
from ...analysis.runs.writing import write_record
from ...scenarios.plan.step import Step
from ..machine.disk import DiskFullError, is_nearly_full
from ..recorders.child import run_child
from ..recorders.environment import allowed_environment
from ..recorders.hanging import HangWatch, ProcessLife, RecorderHangs
from ..recorders.ncu import NcuRecorder
from ..recorders.recorder import EmbeddedRecorder, NsysRecorder, Recorder
from ..recorders.turns import Turn, clear_failed_start, turn_to_start
from ..worker.job import (
    DISK_FULL,
    NEW_WORKER,
    Begun,
    Job,
    Message,
    MessageReader,
    Opened,
    PassName,
    Started,
)
from ..worker.sampling import MOST_SECONDS

WORKER = (sys.executable, "-P", "-m", "flopprof.profiler.worker.main")
"""-P: a queue.py in the current folder is not what libraries mean when they import queue."""

MOST_STARTS = 4

MESSAGES = "messages.jsonl"

HUNG = -int(signal.SIGKILL)
"""The exit code of a worker whose recorder was ended because it did not answer."""


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
    meanwhile: Callable[[], None] | None = None
    """Called while the recorder of a worker that has ended writes what it recorded."""


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


@dataclass(slots=True, kw_only=True)
class WorkerOutcome:
    """What became of one worker."""

    folder: Path
    around: Path | None = None
    """The program that is to start it, if any is."""
    exit_code: int | None = None
    opened: Opened | None = None
    records: dict[str, StepRecord] = field(default_factory=dict)
    died_in: str | None = None
    """The step that was started and not finished."""
    seconds: float = 0.0
    """How long it took, its start and its recorder's included."""
    recorder_failed: bool = False
    """Whether the recorder never got as far as the worker."""
    hang: str | None = None
    """That the recorder does not answer, and so was ended."""
    life: ProcessLife = field(default_factory=ProcessLife)
    """Whether the worker itself, which its recorder started, still is."""

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
        if isinstance(message, Begun):
            self.life.begin(message.pid)
        elif isinstance(message, Opened):
            self.opened = message
        elif isinstance(message, Started):
            self.died_in = message.key
        else:
            self.records[message.record.key] = message.record
            self.died_in = None


def run_worker(
    shard: Shard,
    which: PassName,
    steps: Sequence[Step],
    context: ShardContext,
    *,
    reps: dict[str, int],
    label: str,
    ends_at: float | None = None,
) -> WorkerOutcome:
    """Start a worker over ``steps`` and listen until it ends; Ctrl-C ends it and is told in the outcome.

    ``ends_at``, by the monotonic clock, is when its steps have to be over. It is started again when its recorder
    failed before it ran. Raises DiskFullError.
    """
    for attempt in count(1):
        folder = context.staging / f"{shard.name}-{label}{'' if attempt == 1 else f'-again-{attempt}'}"
        outcome = start_worker(shard, which, steps, context, reps=reps, folder=folder, ends_at=ends_at)
        has_failed = outcome.exit_code not in (0, NEW_WORKER, None)
        if has_failed and (outcome.exit_code == DISK_FULL or is_nearly_full(folder, context.temporary)):
            raise DiskFullError(context.run)
        has_begun = outcome.has_run or outcome.interrupted or not context.recorder.failed_to_start(folder)
        outcome.recorder_failed = not has_begun
        if has_begun or outcome.hang or attempt == MOST_STARTS:
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
    ends_at: float | None = None,
) -> WorkerOutcome:
    """One start of a worker, with a new staging folder."""
    folder.mkdir()
    recorder = recorder_of(which, context)
    embedded = recorder if which == "traced" and isinstance(recorder, EmbeddedRecorder) else None
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
        most_seconds=MOST_SECONDS if which == "metrics" else None,
        ends_at=ends_at,
        messages=str(folder / MESSAGES),
        trace=str(folder / "raw.sqlite") if embedded else None,
        activity=str(folder) if embedded and embedded.device_recorder and shard.device == "cuda" else None,
        lifeline=str(context.lifeline),
    )
    write_record(folder / "job.json", job)
    command = recorder.command([*WORKER, str(folder / "job.json")], folder)
    around = None if isinstance(recorder, EmbeddedRecorder) else Path(command[0])
    outcome = WorkerOutcome(folder=folder, around=around)
    hear = _listener(which, outcome, context)
    began = time.monotonic()
    try:
        with turn_to_start(recorder.nsys.path if isinstance(recorder, NsysRecorder) else None) as turn:
            outcome.exit_code = run_child(
                command,
                allowed_environment(context.environment, context.temporary),
                output=folder / "output.txt",
                while_waiting=watch_worker(hear, turn, recorder, Path(command[0]), outcome, context),
            )
            if recorder.failed_to_start(folder):
                clear_failed_start(context.temporary)
    except KeyboardInterrupt:
        pass
    except RecorderHangs as error:
        outcome.hang, outcome.exit_code = str(error), HUNG
    finally:
        hear()
        outcome.life.close()
    outcome.seconds = time.monotonic() - began
    return outcome


def _listener(which: PassName, outcome: WorkerOutcome, context: ShardContext) -> Callable[[], None]:
    """Hears what the worker has said since."""
    reader = MessageReader(outcome.folder / MESSAGES)

    def hear() -> None:
        for message in reader.read():
            outcome.hear(message)
            context.on_message(which, message)

    return hear


def watch_worker(
    hear: Callable[[], None],
    turn: Turn,
    recorder: Recorder | NcuRecorder,
    program: Path,
    outcome: WorkerOutcome,
    context: ShardContext,
) -> Callable[[], None]:
    """Hears the worker, and sees to it that the recorder around it works, where there is one."""
    if isinstance(recorder, EmbeddedRecorder):
        return hear
    watch = HangWatch(
        program=program,
        private=context.temporary,
        output=outcome.folder / "output.txt",
        written=(outcome.folder,),
    )

    def listen() -> None:
        hear()
        state = outcome.life.state()
        if state != "to come":
            turn.end()
        watch.check(state)
        if state == "gone" and context.meanwhile is not None:
            context.meanwhile()

    return listen


def recorder_of(which: PassName, context: ShardContext) -> Recorder | NcuRecorder:
    """What is around a worker: nothing in the control pass."""
    if which == "counters":
        assert context.counter is not None, "a counters pass has what counts"
        return context.counter
    return context.recorder if which in ("traced", "metrics") else EmbeddedRecorder()
