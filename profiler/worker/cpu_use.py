"""What reps on the CPU cost the operating system.

Short reps are charged by themselves, after those that are timed; long ones as they are timed. Memory that a result
gives back is charged to the op that made the result. The system knows what threads on other cores used only as of
their last tick, up to 4 ms late each, and a loop here may be as short; so the threads' own clocks, which are exact,
say how much all of them used in the loop, and the system's account how that divides.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...analysis.runs.records import CpuPass
from ...scenarios.libraries.program import Program
from .cpu_events import count_cpu
from .until_sure import IsOver

MOST_REPS = 1000

LEAST_REPS = 3

OF_A_THREAD = 0b110
"""CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED of Linux: with a thread's inverted id before it, that thread's CPU clock."""

COUNTED = ("ru_minflt", "ru_majflt", "ru_nvcsw", "ru_nivcsw")


@dataclass(slots=True)
class _Account:
    """What was charged so far."""

    wall_ns: int = 0
    user_ns: int = 0
    system_ns: int = 0
    counts: tuple[int, ...] = (0,) * len(COUNTED)

    def add(self, since: _Reading, until: _Reading) -> None:
        """Charge what lies between two readings."""
        self.wall_ns += until.wall_ns - since.wall_ns
        self.user_ns += until.user_ns - since.user_ns
        self.system_ns += until.system_ns - since.system_ns
        self.counts = tuple(
            sum_ + after - before
            for sum_, before, after in zip(self.counts, since.counts, until.counts, strict=True)
        )

    def close(self, reps: int, ops: list[CpuPass], scale: float) -> CpuPass:
        """The account as a record, its CPU time as the threads' clocks have it."""
        minor, major, voluntary, involuntary = self.counts
        return CpuPass(
            reps=reps,
            wall_ns=self.wall_ns,
            user_ns=round(self.user_ns * scale),
            system_ns=round(self.system_ns * scale),
            minor_faults=minor,
            major_faults=major,
            voluntary_switches=voluntary,
            involuntary_switches=involuntary,
            page_bytes=resource.getpagesize(),
            cores_allowed=len(os.sched_getaffinity(0)),
            ops=ops,
        )


@dataclass(frozen=True, slots=True)
class _Reading:
    wall_ns: int
    user_ns: int
    system_ns: int
    counts: tuple[int, ...]


def charge_reps(program: Program, reps: int, max_seconds: float) -> CpuPass:
    """Run some reps, each op call between two readings; at most a fifth of `max_seconds`, at least a few."""
    accounts = _Accounts(program)
    deadline = time.perf_counter() + max_seconds / 5
    while accounts.done < min(reps, MOST_REPS) and (
        accounts.done < LEAST_REPS or time.perf_counter() < deadline
    ):
        accounts.charge_rep()
    return accounts.close().model_copy(update=_count_events(program, accounts.done))


def charge_all(program: Program, reps: int, *, is_over: IsOver) -> tuple[list[tuple[int, int]], CpuPass]:
    """Time and charge the same reps, for reps to which some microseconds of reading are nothing: their two readings.

    ``is_over`` is asked after each, with how many there are and when it ended.
    """
    with count_cpu() as events:
        before = events.read()
        accounts = _Accounts(program)
        samples = [accounts.charge_rep()]
        while len(samples) < reps and not is_over(len(samples), samples[-1][1]):
            samples.append(accounts.charge_rep())
        charged = accounts.close()
        counted = _difference(before, events.read())
    return samples, charged.model_copy(update=counted)


class _Accounts:
    """What the reps of a program were charged so far, and each of its ops."""

    def __init__(self, program: Program) -> None:
        self.done = 0
        self._calls = program.calls
        self._whole, self._ops = _Account(), [_Account() for _ in program.calls]
        self._began, self._clocks = time.perf_counter_ns(), read_thread_clocks()

    def charge_rep(self) -> tuple[int, int]:
        """Run a rep, each op call between two readings: when it began and ended."""
        value: Any = None
        first = before = _read()
        for index, call in enumerate(self._calls):
            result = call.run(value)
            after = _read()
            self._ops[index].add(before, after)
            value = result  # gives back what the op before returned
            before = _read() if index else after
            if index:
                self._ops[index - 1].add(after, before)
        value = result = None
        last = _read()
        self._ops[-1].add(before, last)
        self._whole.add(first, last)
        self.done += 1
        return first.wall_ns, last.wall_ns

    def close(self) -> CpuPass:
        """The accounts as a record; at once after the last rep, while its threads still spin."""
        used = time_of_threads(self._clocks, read_thread_clocks())
        # The clocks are read over a little more than the loop: their rate is what counts.
        whole = self._whole
        part = whole.wall_ns / max(1, whole.wall_ns, time.perf_counter_ns() - self._began)
        charged_ns = whole.user_ns + whole.system_ns
        scale = 1.0 if used is None or not charged_ns else used * part / charged_ns
        return whole.close(self.done, [account.close(self.done, [], scale) for account in self._ops], scale)


def read_thread_clocks() -> dict[int, int]:
    """CPU time of every thread of this process by its own clock, ns; empty where the system has no such clocks."""
    clocks: dict[int, int] = {}
    try:
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError):  # a thread that has just ended
                clocks[int(task.name)] = time.clock_gettime_ns((~int(task.name) << 3) | OF_A_THREAD)
    except OSError:
        return {}
    return clocks


def time_of_threads(before: Mapping[int, int], after: Mapping[int, int]) -> int | None:
    """What all threads used between two readings; None where one has ended and took its clock with it.

    >>> time_of_threads({1: 5, 2: 10}, {1: 35, 2: 60, 3: 40})
    120
    >>> time_of_threads({1: 5, 2: 10}, {1: 35}) is None
    True
    """
    if not after or before.keys() - after.keys():
        return None
    return sum(now - before.get(thread, 0) for thread, now in after.items())


def _count_events(program: Program, reps: int) -> dict[str, int]:
    """Cycles and instructions of so many more reps: reading counters takes system calls, which are not the reps'."""
    with count_cpu() as events:
        before = events.read()
        if before is None:
            return {}
        for _ in range(reps):
            value: Any = None
            for call in program.calls:
                value = call.run(value)
            del value
        return _difference(before, events.read())


def _difference(before: tuple[int, int] | None, after: tuple[int, int] | None) -> dict[str, int]:
    if before is None or after is None:
        return {}
    return {"cycles": after[0] - before[0], "instructions": after[1] - before[1]}


def _read() -> _Reading:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return _Reading(
        time.perf_counter_ns(),
        round(used.ru_utime * 1e9),
        round(used.ru_stime * 1e9),
        tuple(int(getattr(used, name)) for name in COUNTED),
    )
