"""How long a step is warmed up, and how many reps it gets, on a clock of the test's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from drawing.scenario_steps import make_step
from flopprof.profiler.worker import measure
from flopprof.profiler.worker.measure import LEAST_REPS, decide_reps, warm_up
from flopprof.scenarios.language.schema import Reps
from flopprof.scenarios.libraries.backend import Backend
from flopprof.scenarios.operations.ops import Matvec
from flopprof.scenarios.plan.step import Step


class Machine:
    """A backend on which a rep takes as long as the test says, the first one longer."""

    def __init__(self, seconds: float, first: float | None = None) -> None:
        self.now, self.reps = 0.0, 0
        self._seconds, self._first = seconds, first

    def run(self) -> None:
        self.now += self._first if self._first is not None and not self.reps else self._seconds
        self.reps += 1

    def synchronize(self) -> None:
        return


def step_of(**reps: Any) -> Step:
    return replace(make_step(Matvec(), n=8), reps=Reps(**reps))


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch):
    def use(machine: Machine) -> Backend:
        monkeypatch.setattr(measure.time, "perf_counter", lambda: machine.now)
        return cast(Backend, machine)

    return use


@pytest.mark.parametrize(
    ("seconds", "warmup", "done"), [(0.001, 10, 10), (0.02, 10, 3), (2.0, 10, 1), (0.001, 0, 1)]
)
def test_warm_up_ends_with_its_reps_or_a_tenth_of_the_time(on, seconds: float, warmup: int, done: int):
    machine = Machine(seconds)
    step = step_of(count=1000, warmup=warmup, max_seconds=0.5)
    assert warm_up(on(machine), machine.run, step) == (done, pytest.approx(seconds))
    assert machine.reps == done


@pytest.mark.parametrize(
    ("seconds", "count", "reps"),
    [(1e-4, 1000, 1000), (0.001, 1000, 500), (0.09, 1000, LEAST_REPS), (0.15, 1000, LEAST_REPS), (2.0, 3, 3)],
)
def test_reps_fill_the_time_within_their_limits(on, seconds: float, count: int, reps: int):
    machine = Machine(seconds)
    step = step_of(count=count, warmup=1, max_seconds=0.5)
    assert decide_reps(on(machine), machine.run, step, seconds) == pytest.approx(reps, abs=1)


@pytest.mark.parametrize(("seconds", "batches"), [(0.09, 1), (0.11, 0), (2.0, 0)])
def test_a_warm_up_that_says_it_all_is_followed_by_no_batch(on, seconds: float, batches: int):
    machine = Machine(seconds)
    decide_reps(on(machine), machine.run, step_of(count=1000, warmup=1, max_seconds=0.5), seconds)
    assert machine.reps == batches


def test_a_warm_up_rep_twice_too_slow_changes_nothing(on):
    step = step_of(count=1000, warmup=1, max_seconds=0.5)
    quick, slow = Machine(0.1), Machine(0.1, first=0.2)
    assert decide_reps(on(quick), quick.run, step, 0.1) == LEAST_REPS
    _, seconds = warm_up(on(slow), slow.run, step)
    assert decide_reps(on(slow), slow.run, step, seconds) == LEAST_REPS
