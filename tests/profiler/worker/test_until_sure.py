"""An untraced pass is repeated while its median is not sure and its time lasts, on a clock of the test's own."""

from __future__ import annotations

import random

import pytest
from flopprof.analysis.runs.records import MOST_PASSES, Pass
from flopprof.profiler.worker import until_sure
from flopprof.profiler.worker.measure import LEAST_REPS, time_in_ranges, time_silently
from flopprof.profiler.worker.range_writer import NoRanges
from flopprof.profiler.worker.until_sure import is_wide, over_time, repeat_until_sure
from flopprof.scenarios.libraries.numpy_backend import NumpyBackend
from flopprof.scenarios.libraries.program import Call, Program


class Passes:
    """Passes of twelve reps that take so long, the samples spread so far around 100 ns."""

    def __init__(self, seconds: float, *spreads: float) -> None:
        self.now, self.done = 0.0, 0
        self._seconds, self._spreads, self._random = seconds, spreads, random.Random(7)

    def __call__(self) -> list[Pass]:
        self.now += self._seconds
        self.done += 1
        return [self._one(spread) for spread in self._spreads]

    def _one(self, spread: float) -> Pass:
        samples = [100 + spread * self._random.uniform(-1, 1) for _ in range(12)]
        return Pass(clock="host", total_ns=sum(samples), reps=12, samples_ns=samples)


def repeat(passes: Passes, max_seconds: float, monkeypatch: pytest.MonkeyPatch) -> list[Pass]:
    monkeypatch.setattr(until_sure.time, "perf_counter", lambda: passes.now)
    return repeat_until_sure(passes, max_seconds)


@pytest.mark.parametrize(
    ("spread", "max_seconds", "done"),
    [(0.1, 9.0, 1), (30.0, 9.0, MOST_PASSES), (30.0, 2.5, 2), (30.0, 0.5, 1)],
)
def test_passes_are_repeated_while_unsure_within_their_time(
    spread: float, max_seconds: float, done: int, monkeypatch: pytest.MonkeyPatch
):
    passes = Passes(1.0, spread)
    (joined,) = repeat(passes, max_seconds, monkeypatch)
    assert (passes.done, joined.reps, len(joined.samples_ns)) == (done, 12 * done, 12 * done)
    assert joined.total_ns == pytest.approx(sum(joined.samples_ns))


def test_the_steps_of_a_point_are_repeated_together(monkeypatch: pytest.MonkeyPatch):
    sure, unsure = repeat(Passes(1.0, 0.1, 30.0), 9.0, monkeypatch)
    assert (sure.reps, unsure.reps) == (12 * MOST_PASSES, 12 * MOST_PASSES)


def test_one_slow_rep_makes_no_median_unsure():
    assert not is_wide([100.0] * 30 + [1e6])
    assert is_wide([100.0, 110.0])


class Slowing:
    """Reps, on a clock of the test's own, that take a tenth of a second from some rep on."""

    def __init__(self, slow_from: int) -> None:
        self.now_ns, self.reps, self._slow_from = 0, 0, slow_from

    def run(self) -> None:
        self.reps += 1
        self.now_ns += 1_000_000 if self.reps < self._slow_from else 100_000_000


@pytest.mark.parametrize(
    ("slow_from", "reps"),
    [
        (1001, 500),  # half a second, as was expected
        (201, 210),  # a fifth of a second, and eight and more to a whole one, to the end of a block
        (1, 20),  # the first of two blocks of ten ends with the second, not after it
    ],
)
@pytest.mark.parametrize("traced", [False, True])
def test_reps_that_take_far_longer_than_expected_end_early(
    slow_from: int, reps: int, traced: bool, monkeypatch: pytest.MonkeyPatch
):
    machine = Slowing(slow_from)
    monkeypatch.setattr(until_sure.time, "perf_counter_ns", lambda: machine.now_ns)
    program = Program((Call("rep", lambda _: machine.run()),), ())
    backend = NumpyBackend("cpu")
    if traced:
        timed = time_in_ranges(backend, program, NoRanges(), 500, max_seconds=0.5)
    else:
        timed = time_silently(backend, machine.run, 500, max_seconds=0.5)
        assert len(timed.samples_ns) == reps
    assert (timed.reps, machine.reps, timed.total_ns) == (reps, reps, machine.now_ns)


def test_as_many_reps_as_a_verdict_needs_take_as_long_as_they_take():
    is_over = over_time(0.0, LEAST_REPS)
    later = 1 << 62
    assert [is_over(done, later) for done in (1, LEAST_REPS - 1, LEAST_REPS)] == [False, False, True]
