"""What the system charged for a rep, op by op: by a clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flopprof.profiler.worker import cpu_use
from flopprof.profiler.worker.cpu_use import charge_reps, read_thread_clocks, time_of_threads
from flopprof.scenarios.libraries.program import Call, Program

MS = 1_000_000


class Machine:
    """A clock that goes on by what runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, charged_late: float = 1.0) -> None:
        self.wall = self.cpu = self.exact = 0
        self._late = charged_late
        monkeypatch.setattr(cpu_use, "_read", lambda: cpu_use._Reading(self.wall, self.cpu, 0, (0, 0, 0, 0)))
        monkeypatch.setattr(cpu_use, "read_thread_clocks", lambda: {1: self.exact})
        monkeypatch.setattr(cpu_use, "_count_events", lambda *_: {})
        monkeypatch.setattr(cpu_use.time, "perf_counter_ns", lambda: self.wall)
        monkeypatch.setattr(cpu_use.time, "perf_counter", lambda: self.wall / 1e9)

    def work(self, ms: int) -> None:
        self.wall += ms * MS
        self.exact += ms * MS
        self.cpu += round(ms * MS * self._late)


class Result:
    """Something that takes time to give back."""

    def __init__(self, machine: Machine, ms: int) -> None:
        self._machine, self._ms = machine, ms

    def __del__(self) -> None:
        self._machine.work(self._ms)


def program(machine: Machine, *ops: tuple[int, int]) -> Program:
    """Ops that take so long, with results that take so long to give back."""

    def make(takes: int, gives_back: int) -> Callable[[Any], Result]:
        def run(_: Any) -> Result:
            machine.work(takes)
            return Result(machine, gives_back)

        return run

    return Program(calls=tuple(Call(f"op{i}", make(*op)) for i, op in enumerate(ops)), inputs=())


def test_to_give_a_result_back_is_charged_to_the_op_that_made_it(monkeypatch: pytest.MonkeyPatch):
    machine = Machine(monkeypatch)
    charged = charge_reps(program(machine, (5, 10), (3, 1), (2, 4)), reps=4, max_seconds=60)
    assert [op.wall_ns for op in charged.ops] == [4 * 15 * MS, 4 * 4 * MS, 4 * 6 * MS]
    assert charged.wall_ns == sum(op.wall_ns for op in charged.ops)


def test_the_threads_own_clocks_say_how_much_was_used(monkeypatch: pytest.MonkeyPatch):
    """A loop of some ms was charged 39.8 of 16 cores: other cores' threads, for what had run before."""
    machine = Machine(monkeypatch, charged_late=2.5)
    charged = charge_reps(program(machine, (5, 0), (3, 0)), reps=2, max_seconds=60)
    assert charged.user_ns == charged.wall_ns == 16 * MS
    assert [op.user_ns for op in charged.ops] == [10 * MS, 6 * MS]


def test_a_thread_that_ended_took_its_clock_with_it():
    assert time_of_threads({1: 0, 2: 50}, {1: 10}) is None
    assert time_of_threads({1: 0}, {1: 40, 2: 10}) == 50
    assert time_of_threads({}, {}) is None


def test_this_process_has_a_clock_for_each_thread():
    before = read_thread_clocks()
    sum(range(100_000))
    after = read_thread_clocks()
    assert before and all(after[thread] >= used for thread, used in before.items() if thread in after)
