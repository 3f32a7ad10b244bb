"""What the operating system charged a process for a rep: time in the program, time in the kernel, page faults."""

from __future__ import annotations

from dataclasses import dataclass, replace

ROUNDING = 1 + 1e-9

TOO_MANY_CORES = 1.1
"""The system charges threads of other cores a tick late, 16 of them up to 64 ms: a short loop is charged for what ran
before it. Up to so many times the cores that there are, all of them were at work; beyond it nothing is known."""


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
        charged = self.charged_cores
        return charged if charged is not None and charged <= self.cores_allowed * ROUNDING else None

    @property
    def charged_cores(self) -> float | None:
        """CPU time over wall time, whatever that comes to."""
        return (self.user_ns + self.system_ns) / self.wall_ns if self.wall_ns else None

    def without_late_charges(self) -> CpuUse:
        """The same with all cores at work where a little more than all were charged."""
        charged = self.charged_cores
        if charged is None or not self.cores_allowed < charged <= TOO_MANY_CORES * self.cores_allowed:
            return self
        scale = self.cores_allowed / charged
        return replace(self, user_ns=self.user_ns * scale, system_ns=self.system_ns * scale)

    @property
    def system_share(self) -> float | None:
        """The system's part of the CPU time."""
        spent = self.user_ns + self.system_ns
        return self.system_ns / spent if spent else None
