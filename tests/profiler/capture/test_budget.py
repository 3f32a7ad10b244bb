"""Evidence is gathered of what has none, what matters most first, in less time than the timed passes took."""

from __future__ import annotations

import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.runs.folder import RunFolder, read_run_folder
from flopprof.analysis.runs.records import CountedStep, CountersRecord, StepRecord
from flopprof.analysis.words import OUT_OF_TIME
from flopprof.profiler.capture.budget import Uncounted, find_uncounted, spread
from flopprof.profiler.capture.gathering import EvidencePass, gather_evidence
from flopprof.profiler.capture.resume import CannotResume, asked_evidence, read_resumable
from flopprof.profiler.capture.run import CaptureOptions, look_again, shards_of
from flopprof.profiler.capture.worker_process import Shard, ShardContext, WorkerOutcome
from flopprof.profiler.recorders.ncu import NcuRecorder
from flopprof.profiler.recorders.recorder import EmbeddedRecorder
from flopprof.profiler.worker.job import Job
from flopprof.profiler.worker.main import StepTimes
from flopprof.scenarios.plan.expansion import Plan
from flopprof.scenarios.plan.step import Step


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of CuPy and PyTorch on an H200 that counted nothing and did not keep its passes' times."""
    folder = tmp_path_factory.mktemp("h200")
    with tarfile.open(DATA / "h200_sum_axes.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    (plan,) = folder.rglob("plan.json")
    return plan.parent


@pytest.fixture
def folder(run: Path) -> RunFolder:
    return read_run_folder(run)


def timed(folder: RunFolder, seconds: float) -> RunFolder:
    shards = [
        replace(
            one, record=one.record.model_copy(update={"seconds": {"untraced": seconds, "traced": seconds}})
        )
        for one in folder.shards
    ]
    return replace(folder, shards=tuple(shards))


def counted(folder: RunFolder, seconds: float, reasons: dict[str, str | None]) -> RunFolder:
    steps = [CountedStep(key=key, reason=reason) for key, reason in reasons.items()]
    backend = folder.steps[0].backend
    record = CountersRecord(backend=backend, device="cuda", seconds=seconds, steps=steps)
    return replace(folder, counters=(*folder.counters, record))


def points(steps: tuple[Step, ...]) -> list[dict[str, int]]:
    return [dict(step.params) for step in steps]


def test_what_a_report_leads_with_is_counted_first_and_then_sizes_far_apart(folder: RunFolder):
    first = find_uncounted(folder)[0].shard
    mine = [step for step in folder.steps if step.backend == first.backend]
    assert sorted(step.key for step in first.steps) == sorted(step.key for step in mine)
    assert points(first.steps)[0] == points(tuple(mine))[-1]
    assert points(first.steps)[1] == points(tuple(mine))[0]


def test_all_variants_of_a_point_come_together(folder: RunFolder):
    steps = [step for step in folder.steps if step.backend == folder.steps[0].backend]
    pairs = [replace(step, variant=variant) for step in steps for variant in ("a", "b")]
    assert [step.variant for step in spread(pairs)] == ["a", "b"] * len(steps)


def test_the_bound_is_a_part_of_the_timed_passes_less_what_was_spent(folder: RunFolder):
    assert [one.seconds for one in find_uncounted(folder)] == [None, None]  # such a run knows no times
    some = timed(folder, 10.0)
    assert [one.seconds for one in find_uncounted(some)] == [17.0, 17.0]
    first = some.steps[0].key
    assert [one.seconds for one in find_uncounted(counted(some, 5.0, {first: None}))] == [12.0, 17.0]
    assert [one.seconds for one in find_uncounted(counted(some, 50.0, {first: None}))] == [0.0, 17.0]


def test_what_had_no_time_is_left_only_where_nothing_bounds(folder: RunFolder):
    first, second = (step.key for step in folder.steps[:2])
    known = counted(folder, 1.0, {first: OUT_OF_TIME, second: "no permission"})
    bounded = {step.key for one in find_uncounted(known) for step in one.shard.steps}
    unbounded = {step.key for one in find_uncounted(known, bounded=False) for step in one.shard.steps}
    assert bounded & {first, second} == set()
    assert unbounded & {first, second} == {first}
    assert [one.shard.parts for one in find_uncounted(known)] == [1, 0]


def test_steps_that_were_not_measured_are_not_counted(folder: RunFolder):
    shard = folder.shards[0]
    failed = [step.model_copy(update={"status": "failed"}) for step in shard.record.steps]
    broken = replace(shard, record=shard.record.model_copy(update={"steps": failed}))
    left = find_uncounted(replace(folder, shards=(broken, *folder.shards[1:])))
    assert [one.shard.backend for one in left] == [folder.shards[1].record.backend]


# The pass itself, by a clock of its own


def context_of(run: Path) -> ShardContext:
    return ShardContext(
        run=run,
        staging=run,
        temporary=run,
        lifeline=run,
        recorder=EmbeddedRecorder(),
        scenario_folder=None,
        control=True,
        interleave=False,
        seed=0,
        environment={},
        on_message=lambda *_: None,
    )


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def settle(outcome: WorkerOutcome, _todo: object) -> dict[str, CountedStep]:
    return {key: CountedStep(key=key) for key in outcome.records}


def gather(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    steps: tuple[Step, ...],
    *,
    seconds: float | None,
    start: float = 5.0,
    step_seconds: float = 0.4,
) -> tuple[CountersRecord, int]:
    """What is written by workers that take so long to start and for each step; and how many there were."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    workers = 0

    def work(shard: Shard, which: str, todo: list[Step], *_: object, ends_at: float | None, **__: object):
        nonlocal workers
        workers += 1
        began = clock.now
        job = Job(
            which="counters",
            ranges="none",
            backend=shard.backend,
            device=shard.device,
            steps=[],
            messages="",
            lifeline="",
            ends_at=ends_at,
        )
        clock.now += start
        outcome = WorkerOutcome(folder=tmp_path, exit_code=0)
        times = StepTimes(job)
        for step in todo:
            if not times.allow_another():
                break
            clock.now += step_seconds
            outcome.records[step.key] = StepRecord(key=step.key, status="done")
        outcome.seconds = clock.now - began
        return outcome

    monkeypatch.setattr("flopprof.profiler.capture.gathering.run_worker", work)
    how = EvidencePass(
        which="counters", source="ncu", tool=None, most_workers=5, settle=settle, left="they died"
    )
    shard = Shard(backend="torch", device="cuda", steps=steps)
    gather_evidence(Uncounted(shard=shard, seconds=seconds), context_of(tmp_path), how)
    (path,) = (tmp_path / "counters").glob("*.json")
    return CountersRecord.model_validate_json(path.read_text()), workers


@pytest.mark.parametrize("timed_seconds", [8.0, 12.0, 37.0, 200.0])
def test_evidence_takes_less_time_than_the_timed_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: RunFolder, timed_seconds: float
):
    steps = tuple(replace(step, variant=f"{n}") for n in range(20) for step in folder.steps)
    record, workers = gather(tmp_path, monkeypatch, steps, seconds=0.85 * timed_seconds)
    assert record.seconds <= 0.85 * timed_seconds < timed_seconds
    assert workers == 1


def test_the_steps_without_time_say_so_and_one_is_counted_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: RunFolder
):
    record, workers = gather(tmp_path, monkeypatch, folder.steps[:4], seconds=1.0)
    assert [step.reason for step in record.steps] == [None, OUT_OF_TIME, OUT_OF_TIME, OUT_OF_TIME]
    assert workers == 1


def test_without_a_bound_every_step_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: RunFolder
):
    record, _ = gather(tmp_path, monkeypatch, folder.steps, seconds=None)
    assert {step.reason for step in record.steps} == {None}


# A run that is taken up for its evidence


def test_a_complete_run_is_taken_up_for_its_counters_alone(run: Path):
    with pytest.raises(CannotResume, match="8 have no counters, and --evidence counters goes on with that"):
        read_resumable(run, counting=False)
    assert read_resumable(run, counting=True).has_all


def test_a_run_goes_on_with_the_evidence_that_it_was_begun_with(folder: RunFolder):
    def begun(*words: str):
        return folder.plan.model_copy(
            update={
                "run": folder.plan.run.model_copy(update={"command": ["flopprof", "run", "outer", *words]})
            }
        )

    assert asked_evidence(begun()) == "auto"
    assert asked_evidence(begun("--evidence=none")) == "none"


@pytest.mark.parametrize("complete", [False, True])
def test_steps_of_a_run_that_was_killed_before_its_evidence_are_counted(
    run: Path, monkeypatch: pytest.MonkeyPatch, complete: bool
):
    """Killed between trace and evidence it has its times and nothing is run again: only the evidence is missing."""
    asked: list[tuple[str, int]] = []

    def count(uncounted: Uncounted, *_: object) -> None:
        asked.append((uncounted.shard.backend, len(uncounted.shard.steps)))

    monkeypatch.setattr("flopprof.profiler.capture.run.count_shard", count)
    folder = read_run_folder(run)
    status = folder.plan.run.model_copy(update={"status": "complete" if complete else "interrupted"})
    killed = replace(folder, plan=folder.plan.model_copy(update={"run": status}))
    ncu = NcuRecorder(path=Path("/nowhere/ncu"), version=None, metrics=("a",))
    options = CaptureOptions(recorder=EmbeddedRecorder(), counter=ncu, resumed=killed)
    assert (
        shards_of(Plan(path="x", name="x", about="", steps=folder.steps, skipped=(), baseline=None), killed)
        == []
    )
    look_again(context_of(run), options)
    assert asked == [("cupy", 4), ("torch", 4)]
    assert options.only_counts == complete
