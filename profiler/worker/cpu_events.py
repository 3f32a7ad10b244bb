"""Cycles and instructions of this process's CPUs, where the system lets a process count its own.

The kernel counts a thread, and the threads that it starts later, from when it is asked; so each thread that there is
gets counters of its own. Virtual machines often have none: then nothing is said.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CALL = {"x86_64": 298, "aarch64": 241}
"""The number of perf_event_open."""

HARDWARE = 0
CYCLES, INSTRUCTIONS = 0, 1

ATTR_BYTES = 112
"""A size of perf_event_attr that every kernel since 2014 takes; what is not set is 0."""

INHERIT, EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6

CLOSE_ON_EXEC = 8

RUN_TIMES = 0b11
"""Read also for how long it was enabled and how long it counted: they differ where counters are shared out."""


@dataclass(frozen=True, slots=True)
class CpuEvents:
    """Open counters; empty where there are none."""

    cycles: tuple[int, ...] = ()
    instructions: tuple[int, ...] = ()

    def read(self) -> tuple[int, int] | None:
        """Cycles and instructions since the counters were opened; None where they are not counted."""
        if not self.cycles or not self.instructions:
            return None
        try:
            return sum(map(_value, self.cycles)), sum(map(_value, self.instructions))
        except OSError:
            return None


@contextmanager
def count_cpu() -> Iterator[CpuEvents]:
    """Counters of all threads of this process, of their own instructions and not of the kernel's."""
    opened: list[int] = []
    try:
        yield _open_all(opened)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _open_all(opened: list[int]) -> CpuEvents:
    number = CALL.get(platform.machine())
    if number is None:
        return CpuEvents()
    found: dict[int, list[int]] = {CYCLES: [], INSTRUCTIONS: []}
    with suppress(OSError):
        for thread in sorted(int(entry.name) for entry in Path("/proc/self/task").iterdir()):
            for event, descriptors in found.items():
                descriptor = _open(number, event, thread)
                if descriptor < 0:
                    return CpuEvents()
                opened.append(descriptor)
                descriptors.append(descriptor)
    return CpuEvents(tuple(found[CYCLES]), tuple(found[INSTRUCTIONS]))


def _open(number: int, event: int, thread: int) -> int:
    """perf_event_open of one event of a thread, on whichever CPU it runs; negative where it is refused."""
    flags = INHERIT | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR
    fields = struct.pack("=IIQQQQQ", HARDWARE, ATTR_BYTES, event, 0, 0, RUN_TIMES, flags)
    attributes = ctypes.create_string_buffer(fields.ljust(ATTR_BYTES, b"\0"), ATTR_BYTES)
    return int(ctypes.CDLL(None, use_errno=True).syscall(number, attributes, thread, -1, -1, CLOSE_ON_EXEC))


def _value(descriptor: int) -> int:
    """The count, made up to the whole time where the counter ran for a part of it. Raises OSError."""
    value, enabled, ran = struct.unpack("=QQQ", os.read(descriptor, 24))
    return value if ran in (0, enabled) else value * enabled // ran
