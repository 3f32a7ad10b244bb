"""What else a machine does while it measures: other processes, time taken by a hypervisor, clocks, the GPU's state.

Read from /proc, so that it costs well under a millisecond and a step can be watched; where there is none, all is
unknown. Only the CPUs that this process may use are looked at: a neighbour on others is none.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ...analysis.runs.records import Surroundings
from .gpu_state import read_gpu_state

PROC = Path("/proc")

LEAST_SECONDS = 0.5
"""The kernel counts in hundredths of a second; over less than this its counts say little."""

RECORDER_NAMES = re.compile(r"^(nsys|Qdstrm|QuadD)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuReading:
    """What the CPUs have done since the machine began, in seconds of a core; one moment of a clock."""

    at: float
    busy: float
    stolen: float
    total: float
    own: float
    """By this process, and by those that belong to the measurement."""


def parse_cpu_times(text: str, cpus: Iterable[int], ticks: int) -> tuple[float, float, float]:
    r"""(busy, stolen, total) seconds of the given CPUs, from the text of /proc/stat.

    >>> parse_cpu_times("cpu  9 9\ncpu0 100 0 50 800 50 0 0 20 0 0\n", [0], 100)
    (1.5, 0.2, 10.2)
    """
    wanted = {f"cpu{number}" for number in cpus}
    busy = stolen = total = 0
    for line in text.splitlines():
        name, *rest = line.split()[:9] or [""]
        if name in wanted:
            # user, nice, system, idle, waiting for disks, interrupts, soft interrupts, steal; guests are in user.
            counts = [int(one) for one in (*rest, *["0"] * 8)][:8]
            busy += sum(counts[:3]) + counts[5] + counts[6]
            stolen += counts[7]
            total += sum(counts)
    return busy / ticks, stolen / ticks, total / ticks


def read_cpu(helpers: Sequence[psutil.Process] = (), proc: Path = PROC) -> CpuReading | None:
    """The CPUs now; None where the system does not say. ``helpers`` count as this process does."""
    try:
        text = (proc / "stat").read_text(encoding="ascii")
        cpus = os.sched_getaffinity(0)
        busy, stolen, total = parse_cpu_times(text, cpus, os.sysconf("SC_CLK_TCK"))
    except (OSError, AttributeError, ValueError):
        return None
    own = time.process_time() + sum(_cpu_seconds(helper) for helper in helpers)
    return CpuReading(at=time.monotonic(), busy=busy, stolen=stolen, total=total, own=own)


def compare_readings(before: CpuReading, after: CpuReading) -> tuple[float, float] | None:
    """(cores that others kept busy, share of the time that was stolen) between two readings; None without time."""
    elapsed, total = after.at - before.at, after.total - before.total
    if elapsed < LEAST_SECONDS / 2 or total <= 0:
        return None
    others = (after.busy - before.busy - (after.own - before.own)) / elapsed
    return round(max(0.0, others), 2), round(max(0.0, after.stolen - before.stolen) / total, 4)


class Watch:
    """Watches one measurement after the other, each over at least half a second that ends with it."""

    def __init__(self, read: Callable[[], CpuReading | None] | None = None, *, gpu: bool = False) -> None:
        self._read = read or _reader_beside(find_helpers())
        self._gpu = gpu
        self._readings = [first] if (first := self._read()) else []

    def begin(self) -> None:
        """Another measurement begins here."""
        reading = self._read()
        if reading is not None:
            old = [one for one in self._readings if reading.at - one.at >= LEAST_SECONDS]
            self._readings = [*old[-1:], *self._readings[len(old) :], reading]

    def end(self) -> Surroundings:
        """What was around since it began."""
        after = self._read()
        seen = None
        if after is not None and self._readings:
            long_enough = [one for one in self._readings if after.at - one.at >= LEAST_SECONDS]
            seen = compare_readings((long_enough or self._readings[:1])[-1], after)
        gpu = read_gpu_state() if self._gpu else None
        return Surroundings(
            others_cores=seen[0] if seen else None,
            steal_share=seen[1] if seen else None,
            load=read_load(),
            cpu_mhz=read_cpu_mhz(),
            gpu_mhz=gpu.mhz if gpu else None,
            gpu_limits=list(gpu.limits) if gpu else None,
            gpu_processes=gpu.processes if gpu else None,
        )


def look_around(seconds: float = LEAST_SECONDS, *, gpu: bool = False) -> Surroundings:
    """What is around now, looked at for so long."""
    watch = Watch(gpu=gpu)
    time.sleep(seconds)
    return watch.end()


def find_helpers() -> list[psutil.Process]:
    """The processes that started this one, and a recorder's own: what they do belongs to the measurement."""
    try:
        parents = psutil.Process().parents()
        recorders = [
            one for one in psutil.process_iter(["name"]) if RECORDER_NAMES.match(one.info["name"] or "")
        ]
    except psutil.Error:
        return []
    return [*parents, *recorders]


def read_load(proc: Path = PROC) -> float | None:
    """Processes that ran or waited to, on average over the last minute."""
    try:
        return float((proc / "loadavg").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def read_cpu_mhz(proc: Path = PROC) -> float | None:
    """The mean clock of the CPUs that this process may use, now."""
    try:
        text = (proc / "cpuinfo").read_text(encoding="utf-8")
        cpus = os.sched_getaffinity(0)
    except (OSError, AttributeError):
        return None
    pairs = re.findall(r"^processor\s*:\s*(\d+)$.*?(?:^cpu MHz\s*:\s*([\d.]+)$|^\s*$)", text, re.M | re.S)
    clocks = [float(mhz) for number, mhz in pairs if mhz and int(number) in cpus]
    return round(sum(clocks) / len(clocks), 1) if clocks else None


def _reader_beside(helpers: Sequence[psutil.Process]) -> Callable[[], CpuReading | None]:
    return lambda: read_cpu(helpers)


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
