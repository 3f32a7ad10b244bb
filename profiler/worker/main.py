"""A worker process: one pass of one shard, step by step. Run as ``-m flopprof.profiler.worker.main JOB.json``."""

from __future__ import annotations

import faulthandler
import math
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...analysis.runs.records import NOT_IN_TURN, StepRecord, Surroundings
from ...analysis.words import SAMPLED
from ...scenarios.errors import StepFailure
from ...scenarios.libraries.backend import Backend
from ...scenarios.libraries.failures import step_failures
from ...scenarios.libraries.opening import open_backend
from ...scenarios.plan.step import Step
from ..machine.disk import is_disk_full
from ..machine.surroundings import Watch
from ..recorders.lifeline import Lifeline
from .call_costs import measure_call, measure_range
from .counting import count_step
from .interleave import measure_point, points_of, why_not_in_turn
from .job import DISK_FULL, NEW_WORKER, Begun, Finished, Job, Opened, Started, write_message
from .measure import measure_step
from .own_trace import OwnTrace, load_libraries, open_trace
from .range_writer import RangeWriter
from .sampling import sample_step, settle


def main(job_path: Path) -> int:
    """Run the job; every outcome is a message, so the exit code only says whether the worker itself lived."""
    faulthandler.enable()
    # A scenario's own functions may be here; behind everything that is installed.
    sys.path.append(str(Path.cwd()))
    job = Job.model_validate_json(job_path.read_text(encoding="utf-8"))
    try:
        return run_job(job, Lifeline(Path(job.lifeline)))
    except (OSError, sqlite3.OperationalError) as error:
        # A step's own errors are its failure; these are of writing messages and ranges.
        if not is_disk_full(error):
            raise
        sys.stderr.write(f"{error}\n")
        return DISK_FULL


def run_job(job: Job, lifeline: Lifeline) -> int:
    """Step by step, as long as the run is alive."""
    messages = Path(job.messages)
    write_message(messages, Begun(pid=os.getpid()))
    with open_trace(job) as own:
        try:
            backend = open_backend(job.backend, job.device, folder=Path(job.folder) if job.folder else None)
        except StepFailure as failure:
            fail_all(job, messages, failure)
            return 0
        write_message(messages, describe_opening(job, backend, own))
        with sampled_range(job, own.ranges):
            for record in run_steps(job, backend, own, lifeline):
                own.flush()
                write_message(messages, Finished(record=record))
                if record.status == "failed" and not recovers(backend):
                    return NEW_WORKER
                backend.release()
    return 0


def describe_opening(job: Job, backend: Backend, own: OwnTrace) -> Opened:
    """What a worker says before its first step; what the measured calls cost includes being recorded."""
    opened = Opened(versions=backend.versions(), settings=backend.settings())
    if job.which in ("counters", "metrics"):
        return opened
    if own.activity is not None:
        load_libraries(backend)
    with own.session():
        costs = {"range_ns": measure_range(own.ranges), "call_ns": measure_call(backend, own.ranges)}
    own.forget()
    return opened.model_copy(update=costs)


@contextmanager
def sampled_range(job: Job, ranges: RangeWriter) -> Iterator[None]:
    """What is recorded of a sampled pass: from the first step to the last, without the libraries' loading."""
    if job.which != "metrics":
        yield
        return
    with ranges.range(SAMPLED):
        settle()
        yield


def run_steps(job: Job, backend: Backend, own: OwnTrace, lifeline: Lifeline) -> Iterator[StepRecord]:
    """The records of the job's steps as they end; in turn, those of a point end together."""

    def enter(step: Step) -> None:
        write_message(Path(job.messages), Started(key=step.key))

    watch = Watch(gpu=job.device == "cuda")
    steps = [Step.from_json(plain) for plain in job.steps]
    times = StepTimes(job)
    for point in points_of(steps) if job.interleave else [(step,) for step in steps]:
        todo = list(point)
        while todo and lifeline.is_held and times.allow_another():
            why = why_not_in_turn(backend, todo) if job.interleave else None
            watch.begin()
            if job.interleave and why is None:
                records = measure_point(backend, todo, check=job.check, seed=job.seed, on_enter=enter)
            else:
                enter(todo[0])
                with own.session():
                    record = run_step(job, backend, own.ranges, todo[0])
                records = [record.model_copy(update={"notes": [f"{NOT_IN_TURN}{why}"]}) if why else record]
            seen = watch.end()
            yield from (note_surroundings(record, seen) for record in records)
            ended = {record.key for record in records}
            todo = [step for step in todo if step.key not in ended]


class StepTimes:
    """How long a job's steps took, and whether there is time for another one."""

    def __init__(self, job: Job) -> None:
        self._began: float | None = None
        self._longest = 0.0
        self._left_at = math.inf if job.most_seconds is None else time.monotonic() + job.most_seconds
        self._ends_at = math.inf if job.ends_at is None else job.ends_at

    def allow_another(self) -> bool:
        """Asked before every step; it is taken to last as long as the longest before it."""
        now = time.monotonic()
        is_first = self._began is None
        if self._began is not None:
            self._longest = max(self._longest, now - self._began)
        self._began = now
        return now < self._left_at and (is_first or now + self._longest <= self._ends_at)


def note_surroundings(record: StepRecord, seen: Surroundings) -> StepRecord:
    """The record with what was around while its pass was measured."""
    passes = {"control": record.control, "traced": record.traced}
    return record.model_copy(
        update={
            name: one.model_copy(update={"surroundings": seen})
            for name, one in passes.items()
            if one is not None
        }
    )


def recovers(backend: Backend) -> bool:
    """Whether the device still works after a failure; some CUDA errors stay until the process ends."""
    try:
        with step_failures():
            backend.synchronize()
    except StepFailure:
        return False
    return True


def run_step(job: Job, backend: Backend, ranges: RangeWriter, step: Step) -> StepRecord:
    """One step; a failure is its record."""
    try:
        with step_failures():
            if job.which == "counters":
                return count_step(backend, step, ranges, seed=job.seed)
            if job.which == "metrics":
                return sample_step(backend, step, ranges, seed=job.seed)
            record, timed = measure_step(
                backend, step, ranges, reps=job.reps.get(step.key), check=job.check, seed=job.seed
            )
    except StepFailure as failure:
        return failed(step.key, failure)
    return record.model_copy(update={job.which: timed})


def failed(key: str, failure: StepFailure) -> StepRecord:
    """The record of a step that failed."""
    return StepRecord(key=key, status="failed", reason=str(failure))


def fail_all(job: Job, messages: Path, failure: StepFailure) -> None:
    """Every step of the job fails for one reason."""
    for step in job.steps:
        write_message(messages, Finished(record=failed(str(step["key"]), failure)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
