"""What reps on the CPU cost the operating system.

Short reps are charged by themselves, after those that are timed; long ones as they are timed.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from typing import Any

from ...analysis.runs.records import CpuPass
from ...scenarios.libraries.program import Program
from .cpu_events import count_cpu

MOST_REPS = 50

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

    def close(self, reps: int, ops: list[CpuPass]) -> CpuPass:
        """The account as a record."""
        minor, major, voluntary, involuntary = self.counts
        return CpuPass(
            reps=reps,
            wall_ns=self.wall_ns,
            user_ns=self.user_ns,
            system_ns=self.system_ns,
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
    """Run some reps, each op call between two readings; at most a fifth of `max_seconds`, at least one rep."""
    accounts = _Accounts(program)
    deadline = time.perf_counter() + max_seconds / 5
    while accounts.done < min(reps, MOST_REPS) and (not accounts.done or time.perf_counter() < deadline):
        accounts.charge_rep()
    return accounts.close(_count_events(program, accounts.done))


def charge_all(program: Program, reps: int) -> tuple[list[tuple[int, int]], CpuPass]:
    """Time and charge the same reps, for reps to which some microseconds of reading are nothing: their two readings."""
    accounts = _Accounts(program)
    with count_cpu() as events:
        before = events.read()
        samples = [accounts.charge_rep() for _ in range(reps)]
        counted = _difference(before, events.read())
    return samples, accounts.close(counted)


class _Accounts:
    """What the reps of a program were charged so far, and each of its ops."""

    def __init__(self, program: Program) -> None:
        self.done = 0
        self._calls = program.calls
        self._whole, self._ops = _Account(), [_Account() for _ in program.calls]

    def charge_rep(self) -> tuple[int, int]:
        """Run a rep, each op call between two readings: when it began and ended."""
        value: Any = None
        first = before = _read()
        for call, account in zip(self._calls, self._ops, strict=True):
            value = call.run(value)
            after = _read()
            account.add(before, after)
            before = after
        del value  # to give a result's memory back belongs to the rep
        last = _read()
        self._whole.add(first, last)
        self.done += 1
        return first.wall_ns, last.wall_ns

    def close(self, counted: dict[str, int]) -> CpuPass:
        """The accounts as a record."""
        ops = [account.close(self.done, []) for account in self._ops]
        return self._whole.close(self.done, ops).model_copy(update=counted)


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
