"""Whether a recorder that should be busy is: what the processes in its private TMPDIR have computed.

A healthy Nsight Systems needs 0.15 s of CPU time to start a program, and 0.01 s of it a second while it waits. One that
computes nothing for twelve seconds has stalled, however busy the machine is: even a tenth of a core is a second of
CPU time by then. One that computes on and on is ended by what its work may cost.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

IDLE_SECONDS = 12.0
"""Longer than the ten after which nsys itself says that it lost its agent, which is worth another try."""

IDLE_SHARE = 0.02
"""Of a core: less than that is waiting."""

SLOWEST = 12
"""A machine so many times slower than its CPU time says is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What some processes have computed until now."""

    cpu_seconds: float = 0.0
    blocked: bool = False
    """Whether one of them waits for a disk, which is no idleness."""


@dataclass(slots=True, kw_only=True)
class StallWatch:
    """Asked again and again while a recorder should work; its first question begins its time."""

    look: Callable[[], Effort]
    most_cpu_seconds: float
    """What its work may cost."""
    idle_seconds: float = field(default_factory=lambda: IDLE_SECONDS)
    clock: Callable[[], float] = time.monotonic
    _cpu_seconds: float = field(default=0.0, init=False)
    _begun_at: float | None = field(default=None, init=False)
    _busy_at: float = field(default=0.0, init=False)
    _looked_at: float = field(default=0.0, init=False)
    _spent: float = field(default=0.0, init=False)

    def find_problem(self) -> str | None:
        """What is wrong with it, or None."""
        now = self.clock()
        if self._begun_at is None:
            self._begun_at = self._busy_at = now
        elif now < self._looked_at + self.idle_seconds / 10:
            return None
        self._looked_at = now
        seen = self.look()
        # The CPU time of processes that have ended is no longer seen, so the sum may also fall.
        computed = abs(seen.cpu_seconds - self._cpu_seconds)
        if seen.blocked or computed > IDLE_SHARE * self.idle_seconds:
            self._cpu_seconds, self._busy_at = seen.cpu_seconds, now
            self._spent += computed
        if now - self._busy_at >= self.idle_seconds:
            return f"it has done nothing for {self.idle_seconds:g} s"
        if self._spent > self.most_cpu_seconds or now - self._begun_at > SLOWEST * self.most_cpu_seconds:
            return f"after {now - self._begun_at:.0f} s nothing has come of it"
        return None


def measure_effort(private: Path) -> Effort:
    """That of the processes whose TMPDIR is a private folder."""
    import psutil  # which reading a trace does without

    cpu_seconds, blocked = 0.0, False
    for process in find_strays(private):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            cpu_seconds += times.user + times.system
            blocked |= process.status() == psutil.STATUS_DISK_SLEEP
    return Effort(cpu_seconds=cpu_seconds, blocked=blocked)


def find_strays(private: Path) -> Iterator[psutil.Process]:
    """Living processes of this user that were started with a private folder as their TMPDIR."""
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            is_mine = process.uids().effective == os.geteuid()
            if is_mine and process.environ().get("TMPDIR") == str(private):
                yield process
