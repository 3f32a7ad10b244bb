"""How much memory the host has left for this process."""

from __future__ import annotations

from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def host_free_bytes(cgroup: Path = CGROUP) -> int:
    """Memory available on the host, or inside the container's limit when that is less."""
    available = psutil.virtual_memory().available
    limit = _read_number(cgroup / "memory.max")
    used = _read_number(cgroup / "memory.current")
    if limit is None or used is None:
        return available
    return max(0, min(available, limit - used + _reclaimable(cgroup / "memory.stat")))


def _read_number(path: Path) -> int | None:
    """A cgroup's number; None where there is no such file or no limit (``max``)."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _reclaimable(path: Path) -> int:
    """File pages that are counted as used but are given up under pressure."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
