"""What the operating system charged a process for a rep: time in the program, time in the kernel, page faults."""

from __future__ import annotations

from dataclasses import dataclass

TOO_MANY_CORES = 1.1
"""The system charges threads of other cores a tick late, 16 of them up to 64 ms: a short loop is charged for what ran
before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuUse:
    """Per rep, of all threads of the process."""

    wall_ns: float
    user_ns: float
    system_ns: float
    minor_faults: float
    """Pages that the system handed out without reading a disk: first touches of fresh memory."""
    major_faults: float
    voluntary_switches: float
    involuntary_switches: float
    page_bytes: int
    cores_allowed: int
    cycles: float | None = None
    """Where the system lets a process count them."""
    instructions: float | None = None

    @property
    def cores(self) -> float | None:
        """Cores at work: CPU time over wall time; None for more than there are, which is another time's charge."""
        if not self.wall_ns:
            return None
        cores = (self.user_ns + self.system_ns) / self.wall_ns
        return cores if cores <= TOO_MANY_CORES * self.cores_allowed else None

    @property
    def system_share(self) -> float | None:
        """The system's part of the CPU time."""
        spent = self.user_ns + self.system_ns
        return self.system_ns / spent if spent else None

    @property
    def faulted_bytes(self) -> float:
        """Memory that was handed out."""
        return self.minor_faults * self.page_bytes
