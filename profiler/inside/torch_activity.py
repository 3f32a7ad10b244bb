"""Device activity of this process, recorded by torch.profiler: what CUPTI tells where Nsight Systems is missing.

A session leaves two files: the trace as torch.profiler writes it, and a record that joins its clock to this
process's: calls that the trace has too, each between two readings of ``time.perf_counter_ns``. Nothing of flopprof is
imported: this file is also loaded alone, into programs whose Python has no flopprof.
"""

from __future__ import annotations

import json
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TRACE, CLOCK = "activity-{}.json", "activity-{}.clock.json"

SPACES = (0.0007, 0.0004, 0.0011)
"""Seconds before each burst of stamps: no two alike, so that a row of calls fits the stamps in one way only."""

BURST = 6
"""Stamps without a pause: the first call after one takes ten times as long, and its stamp says little."""

Stamp = tuple[int, int]


class TorchActivity:
    """Sessions of one process, numbered; each holds its events in memory until it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self._profile: Any = None
        self._begin: list[Stamp] = []
        self._walls: list[tuple[int, int, int]] = []
        self.problem: str | None = None
        """Why nothing can be recorded, once that is known."""
        self.is_switching = False
        """Whether it is beginning or ending a session at the moment."""

    @contextmanager
    def session(self) -> Iterator[None]:
        """Record what the context does; its trace is written when it ends, also by an error."""
        self.start()
        try:
            yield
        finally:
            self.stop()

    def start(self) -> None:
        """Begin a session; what keeps it from beginning is its problem."""
        if self.problem is None:
            try:
                with self._switching():
                    self._start()
            except Exception as error:  # whatever it is, the program is to run all the same
                self._profile, self.problem = None, _explain(error)

    def stop(self, *, gives_way: bool = False) -> None:
        """End the session and write its files; it may end because the program needs torch's profiler for itself."""
        profile, self._profile = self._profile, None
        self._count += 1
        if profile is not None:
            try:
                with self._switching():
                    self._stop(profile, gives_way)
            except Exception as error:
                self.problem = _explain(error)
        if self.problem is not None:
            self._write_clock([], gives_way, self.problem)

    def leave_out(self) -> None:
        """A session that does not begin, because the program has torch's profiler for itself."""
        self._count += 1
        self._write_clock([], gives_way=True)

    @contextmanager
    def _switching(self) -> Iterator[None]:
        """While torch.profiler is called here; it warns of cycles, which a program's user cannot heed."""
        self.is_switching = True
        try:
            with warnings.catch_warnings(action="ignore"):
                yield
        finally:
            self.is_switching = False

    def _start(self) -> None:
        try:
            import torch
        except ModuleNotFoundError:
            raise RuntimeError("torch is not installed beside it: pip install torch") from None
        if not torch.cuda.is_available():
            raise RuntimeError("torch finds no CUDA device")
        torch.cuda.synchronize()
        self._profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
        self._profile.start()
        self._walls = [read_clocks()]
        self._begin = take_stamps(_synchronizer(torch))

    def _stop(self, profile: Any, gives_way: bool) -> None:
        import torch

        torch.cuda.synchronize()
        end = take_stamps(_synchronizer(torch))
        self._walls.append(read_clocks())
        profile.stop()
        profile.export_chrome_trace(str(self._folder / TRACE.format(self._count)))
        self._write_clock(end, gives_way)

    def _write_clock(self, end: list[Stamp], gives_way: bool, problem: str | None = None) -> None:
        record = {
            "begin": self._begin,
            "end": end,
            "walls": self._walls,
            "thread": _kineto_number(threading.get_ident()),
            "threads": {
                _kineto_number(one.ident): one.native_id for one in threading.enumerate() if one.ident
            },
            "gives_way": gives_way,
            "problem": problem,
        }
        (self._folder / CLOCK.format(self._count)).write_text(json.dumps(record), encoding="utf-8")


def take_stamps(synchronize: Any) -> list[Stamp]:
    """Calls that the trace will have, each between two readings of the clock."""
    stamps: list[Stamp] = []
    for seconds in SPACES:
        time.sleep(seconds)
        for _ in range(BURST):
            before = time.perf_counter_ns()
            synchronize()
            stamps.append((before, time.perf_counter_ns()))
    return stamps


def read_clocks() -> tuple[int, int, int]:
    """The wall clock between two readings of the other clock, the closest of some."""
    found = [(time.perf_counter_ns(), time.time_ns(), time.perf_counter_ns()) for _ in range(20)]
    return min(found, key=lambda one: one[2] - one[0])


def _synchronizer(torch: Any) -> Any:
    """The call with the least of Python around it."""
    return getattr(torch._C, "_cuda_synchronize", torch.cuda.synchronize)


def _kineto_number(ident: int) -> int:
    """A thread as Kineto's JSON numbers it: the size of the lower half of its handle, which has a sign there."""
    low = ident & 0xFFFFFFFF
    return min(low, (1 << 32) - low)


def _explain(error: Exception) -> str:
    words = str(error).strip().splitlines()
    return words[0] if words else type(error).__name__
