"""Variants measured in turn: drift cancels, failures stay with their step, the run says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from drawing.scenario_steps import make_step
from flopprof.analysis.runs.records import MOST_PASSES
from flopprof.profiler.worker.interleave import (
    ALONE,
    Prepared,
    list_turns,
    measure_point,
    points_of,
    spread_reps,
    time_in_turn,
    why_not_in_turn,
)
from flopprof.profiler.worker.measure import MOST_BLOCKS, time_silently
from flopprof.scenarios.errors import StepFailure
from flopprof.scenarios.libraries.backend import Backend
from flopprof.scenarios.libraries.program import Call, Program
from flopprof.scenarios.operations.ops import Matvec, Outer, Sum
from flopprof.scenarios.plan.step import Step
from hypothesis import given
from hypothesis import strategies as st
from running.commands import run_here
from running.patience import PATIENCE_SECONDS

MATVEC = make_step(Matvec(), n=8)
OUTER_SUM = make_step(Outer(), Sum(axis=0), n=8)


class DriftingDevice:
    """A device whose every rep takes longer than the one before, by a clock of its own."""

    device = "cuda"

    def __init__(self, *, drift: float = 0.0, needed: int = 1, free: int = 1000) -> None:
        self.now = 0.0
        self.drift, self.needed, self.free = drift, needed, free
        self.failing: str | None = None
        self.built: list[str] = []

    def rep(self, cost: float) -> Callable[[], None]:
        def run() -> None:
            self.now += cost * (1 + self.drift * self.now)

        return run

    def record_event(self) -> float:
        return self.now

    def elapsed_ns(self, start: float, end: float) -> float:
        return end - start

    def synchronize(self) -> None:
        pass

    def needed_bytes(self, step: Step) -> int:
        return self.needed

    def free_bytes(self) -> int:
        return self.free

    def build(self, step: Step, seed: int) -> Program:
        self.built.append(step.key)
        rep = self.rep(100.0 if step.key == MATVEC.key else 200.0)

        def run(_: Any) -> None:
            if step.key == self.failing:
                raise StepFailure("broken")
            rep()

        return Program((Call("op", run),), ())


def backend(device: DriftingDevice) -> Backend:
    return cast("Backend", device)


def prepared(run: Callable[[], None], *, reps: int, step: Step = MATVEC) -> Prepared:
    return Prepared(step=step, run=run, reps=reps, warmup=0, checked=False)


def median(samples: list[float]) -> float:
    ordered = sorted(samples)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def ignore(_: Step) -> None:
    return


def test_drift_looks_like_a_difference_in_the_planned_order_and_cancels_in_turn():
    """Two variants of equal cost on a device that becomes half as fast again while they run."""
    planned = DriftingDevice(drift=4e-6)
    first, second = (time_silently(backend(planned), planned.rep(100.0), 500) for _ in range(2))
    assert median(second.samples_ns) / median(first.samples_ns) > 1.2

    device = DriftingDevice(drift=4e-6)
    ready = [prepared(device.rep(100.0), reps=500) for _ in range(2)]
    a, b = time_in_turn(backend(device), ready, ignore)
    assert median(b.samples_ns) / median(a.samples_ns) == pytest.approx(1, abs=1e-3)
    assert b.total_ns / a.total_ns == pytest.approx(1, abs=1e-3)


def test_a_real_difference_survives_the_drift():
    device = DriftingDevice(drift=4e-6)
    ready = [prepared(device.rep(cost), reps=500) for cost in (100.0, 103.0, 200.0)]
    a, b, c = (median(one.samples_ns) for one in time_in_turn(backend(device), ready, ignore))
    assert (b / a, c / a) == (pytest.approx(1.03, abs=2e-3), pytest.approx(2, abs=4e-3))


def test_blocks_go_forward_and_backward():
    assert "".join("ABC"[which] for which, _ in list_turns([4, 4, 4])) == "ABCCBAABCCBA"
    assert "".join("AB"[which] for which, _ in list_turns([1000, 1000])) == "ABBA" * (MOST_BLOCKS // 2)


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=5))
def test_every_rep_has_its_place_in_at_most_50_blocks(reps: list[int]):
    done: Counter[int] = Counter()
    blocks: Counter[int] = Counter()
    for which, size in list_turns(reps):
        assert size > 0
        done[which] += size
        blocks[which] += 1
    assert [done[which] for which in range(len(reps))] == reps
    assert all(blocks[which] == min(count, max(blocks.values())) for which, count in enumerate(reps))
    assert max(blocks.values()) <= MOST_BLOCKS


@given(st.integers(1, 5000), st.integers(1, 50))
def test_spread_reps_differ_by_at_most_one(reps: int, blocks: int):
    sizes = spread_reps(reps, blocks)
    assert (len(sizes), sum(sizes)) == (blocks, reps)
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.integers(1, 25).map(lambda half: 2 * half), min_size=2, max_size=4))
def test_equal_even_blocks_lie_around_the_same_instant(seeds: list[int]):
    turns = list(list_turns([seeds[0]] * len(seeds)))
    places = [[at for at, (which, _) in enumerate(turns) if which == one] for one in range(len(seeds))]
    assert len({sum(place) / len(place) for place in places}) == 1


def test_the_rep_after_another_variant_is_not_timed():
    """Its first rep after another variant costs ten times as much; no sample shows it."""
    device = DriftingDevice()
    last: list[str] = []

    def variant(name: str) -> Callable[[], None]:
        def run() -> None:
            device.now += 100.0 if last and last[-1] == name else 1000.0
            last.append(name)

        return run

    passes = time_in_turn(backend(device), [prepared(variant(name), reps=8) for name in "AB"], ignore)
    assert [one.samples_ns for one in passes] == [[100.0] * 8] * 2
    assert [(one.total_ns, one.reps) for one in passes] == [(800.0, 8)] * 2


def test_points_are_steps_equal_in_all_but_their_variant():
    steps = [make_step(*ops, n=n) for n in (8, 16) for ops in ((Matvec(),), (Outer(), Sum(axis=0)))]
    doubles = [make_step(Matvec(), n=16, dtype="float64")]
    assert points_of([*steps, *doubles]) == [tuple(steps[:2]), tuple(steps[2:]), tuple(doubles)]


def test_all_variants_of_a_point_must_fit_together():
    roomy, full = (DriftingDevice(needed=400, free=free) for free in (1000, 999))
    assert why_not_in_turn(backend(roomy), [MATVEC, OUTER_SUM]) is None
    reason = why_not_in_turn(backend(full), [MATVEC, OUTER_SUM])
    assert reason == "the variants of its point need 0.0 GB together, 0.0 GB are free"
    assert why_not_in_turn(backend(roomy), [MATVEC]) == ALONE


def test_a_point_has_a_record_for_every_step():
    device = DriftingDevice()
    entered: list[str] = []
    records = measure_point(
        backend(device), [MATVEC, OUTER_SUM], check=False, seed=0, on_enter=lambda s: entered.append(s.key)
    )
    assert [(record.key, record.status) for record in records] == [
        (MATVEC.key, "done"),
        (OUTER_SUM.key, "done"),
    ]
    for record, cost in zip(records, (100.0, 200.0), strict=True):
        assert record.control is not None and record.reps == record.control.reps
        assert record.control.total_ns == pytest.approx(cost * record.control.reps)
        assert len(record.control.samples_ns) == min(record.control.reps, MOST_BLOCKS)
    # Once to prepare each, then for every block.
    assert entered[:6] == [s.key for s in (MATVEC, OUTER_SUM, MATVEC, OUTER_SUM, OUTER_SUM, MATVEC)]


def test_a_failure_is_of_the_step_whose_turn_it_was():
    device = DriftingDevice()
    device.failing = OUTER_SUM.key
    (record,) = measure_point(backend(device), [MATVEC, OUTER_SUM], check=False, seed=0, on_enter=ignore)
    assert (record.key, record.status, record.reason) == (OUTER_SUM.key, "failed", "broken")


FUNCTIONS = """\
import os, signal
calls = 0

def double(x): return x + x
def triple(x): return x + x + x
def die(x): os.kill(os.getpid(), signal.SIGKILL)
def fail(x): raise RuntimeError("the backend says no")
def die_in_turn(x):
    global calls
    calls += 1
    if calls > 16: os.kill(os.getpid(), signal.SIGKILL)
    return x
"""


def run_functions(folder: Path, *names: str, code: int = 0) -> Any:
    (folder / "functions.py").write_text(FUNCTIONS, encoding="utf-8")
    variants = "\n".join(
        f"  {name}: [{{function: 'functions:{name}', inputs: {{x: [n, n]}}, flops: 'n**2', bytes: '8*n**2'}}]"
        for name in names
    )
    (folder / "s.yaml").write_text(
        f"name: functions\nvariants:\n{variants}\nbackends: [numpy]\ndevices: [cpu]\ndtypes: [float32]\n"
        "sweep: {n: [16, 24]}\nreps: {count: 6, warmup: 1, max_seconds: 60}\n",
        encoding="utf-8",
    )
    done = flopprof(
        folder, "run", "s.yaml", "--recorder", "embedded", "--interleave", "--out", "run", "--json"
    )
    assert done.returncode == code, (done.returncode, done.stderr)
    return json.loads(done.stdout)


def flopprof(folder: Path, *arguments: str) -> SimpleNamespace:
    done = subprocess.run(
        [sys.executable, "-m", "flopprof.profiler", *arguments],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return SimpleNamespace(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


def outcomes(report: Any) -> dict[tuple[str, int], str]:
    return {(step["variant"], step["params"]["n"]): step["status"] for step in report["steps"]}


@pytest.fixture(scope="module")
def interleaved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("interleaved")
    return folder, run_functions(folder, "double", "triple")


@pytest.mark.slow
def test_a_run_says_in_which_order_it_was_measured(interleaved: tuple[Path, Any]):
    folder, report = interleaved
    assert report["run"]["order"] == "interleaved"
    assert report["run"]["command"][-1] == "--interleave"
    text = (folder / "run" / "report.txt").read_text(encoding="utf-8")
    assert "order: interleaved: the variants of a size in turn (ABBA), so that drift cancels" in text


def test_an_interleaved_run_has_both_passes_of_every_step(interleaved: tuple[Path, Any]):
    folder, report = interleaved
    assert set(outcomes(report).values()) == {"done"}
    record = json.loads(
        (folder / "run" / "shards" / "numpy-cpu" / "control.json").read_text(encoding="utf-8")
    )
    for step in record["steps"]:
        assert step["traced"]["reps"] == 6
        assert step["control"]["reps"] == len(step["control"]["samples_ns"])
        assert step["control"]["reps"] in [6 * times for times in range(1, MOST_PASSES + 1)]
        assert step["control"]["total_ns"] >= sum(step["control"]["samples_ns"])
        assert step["notes"] == []


@pytest.mark.slow
def test_a_failed_variant_leaves_the_others_of_its_point(tmp_path: Path):
    report = run_functions(tmp_path, "double", "fail", "triple", code=3)
    expected = {"double": "done", "fail": "failed", "triple": "done"}
    assert outcomes(report) == {(name, n): status for name, status in expected.items() for n in (16, 24)}


@pytest.mark.slow
def test_a_variant_that_kills_the_worker_in_its_turn_is_the_one_that_failed(tmp_path: Path):
    report = run_functions(tmp_path, "double", "die_in_turn", code=3)
    expected = {"double": "done", "die_in_turn": "failed"}
    assert outcomes(report) == {(name, n): status for name, status in expected.items() for n in (16, 24)}
    notes = {note for step in report["steps"] for note in step["notes"] if step["variant"] == "double"}
    assert notes == {f"not in turn: {ALONE}"}
    (note,) = [note for note in report["quality"] if note["code"] == "not_in_turn"]
    assert (note["severity"], note["count"]) == ("info", 2)


def test_there_is_nothing_to_order_without_the_control_pass(tmp_path: Path):
    arguments = ("run", "smoke", "--interleave", "--no-control", "--out", "run")
    out, err = run_here(*arguments, code=2, folder=tmp_path)
    assert (out, err.count("\n")) == ("", 1)
    assert "--no-control" in err
    assert not (tmp_path / "run").exists()
