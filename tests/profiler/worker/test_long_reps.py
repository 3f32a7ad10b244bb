"""Long reps on a CPU are too dear to be run for one purpose only: they warm up, are checked, timed and charged."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest
from drawing.scenario_steps import make_step
from flopprof.analysis.runs.records import StepRecord
from flopprof.profiler.worker import measure
from flopprof.profiler.worker.measure import LEAST_REPS, measure_step
from flopprof.profiler.worker.range_writer import MemoryRanges, NoRanges, RangeWriter
from flopprof.scenarios.language.schema import Reps
from flopprof.scenarios.libraries.numpy_backend import NumpyBackend
from flopprof.scenarios.operations.ops import Matvec


class Counting(NumpyBackend):
    """NumPy, whose products take a while and are counted."""

    def __init__(self, seconds: float) -> None:
        super().__init__("cpu")
        self.calls, self._seconds = Counter[str](), seconds

    def operation(self, op):
        real = super().operation(op)

        def call(*operands):
            self.calls[op.kind] += 1
            time.sleep(self._seconds)
            return real(*operands)

        return call


def measured(seconds: float, ranges: RangeWriter, reps: int | None, *, check: bool) -> tuple[int, StepRecord]:
    """How often the product ran, and what became of it; nothing is left of the time after the first rep."""
    step = replace(make_step(Matvec(), n=8), reps=Reps(count=1000, warmup=3, max_seconds=0.001))
    backend = Counting(seconds)
    record, timed = measure_step(backend, step, ranges, reps=reps, check=check, seed=0)
    return backend.calls["matvec"], record.model_copy(update={"control": timed})


@pytest.fixture(autouse=True)
def long_is_short(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measure, "LONG_SECONDS", 0.003)
    monkeypatch.setattr(measure, "CHARGED_SECONDS", 0.002)


def test_a_long_rep_that_was_checked_is_the_warm_up_and_the_timed_ones_are_charged():
    calls, record = measured(0.004, NoRanges(), None, check=True)
    assert (calls, record.reps, record.warmup, record.checked) == (1 + LEAST_REPS, LEAST_REPS, 1, True)
    assert record.cpu is not None
    assert record.control is not None
    assert record.cpu.reps == LEAST_REPS == len(record.control.samples_ns)
    assert record.cpu.wall_ns == sum(record.control.samples_ns)
    assert record.cpu.wall_ns >= sum(op.wall_ns for op in record.cpu.ops) >= LEAST_REPS * 4_000_000


def test_a_short_rep_is_charged_by_itself_after_those_that_are_timed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measure, "LONG_SECONDS", float("inf"))
    monkeypatch.setattr(measure, "CHARGED_SECONDS", float("inf"))
    calls, record = measured(0.0, NoRanges(), None, check=True)
    assert record.cpu is not None
    assert record.control is not None
    assert record.cpu.reps >= 1
    assert record.warmup is not None
    assert calls >= 1 + record.warmup + record.control.reps + record.cpu.reps


def test_a_rep_that_is_long_for_the_clocks_alone_is_warmed_up_and_charged_as_it_is_timed(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(measure, "LONG_SECONDS", float("inf"))
    calls, record = measured(0.004, NoRanges(), None, check=True)
    assert record.cpu is not None
    assert record.control is not None
    assert record.warmup is not None
    assert record.cpu.wall_ns == sum(record.control.samples_ns)
    assert (record.cpu.reps, calls) == (LEAST_REPS, 1 + record.warmup + LEAST_REPS)


def test_a_traced_pass_has_the_reps_that_it_is_given_and_no_charge():
    calls, record = measured(0.004, MemoryRanges(), 3, check=False)
    assert (calls, record.reps, record.checked, record.cpu) == (1 + 3, 3, False, None)
