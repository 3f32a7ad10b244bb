"""An untraced pass is repeated while its median is not sure and its time lasts, on a clock of the test's own."""

from __future__ import annotations

import random

import pytest
from flopprof.analysis.runs.records import MOST_PASSES, Pass
from flopprof.profiler.worker import until_sure
from flopprof.profiler.worker.until_sure import is_wide, repeat_until_sure


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
