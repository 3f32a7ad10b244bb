"""What holds a CPU back: memory that the system hands out page by page, and cores without work."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.cpu_use import CpuUse
from .cause import Cause
from .subject import Subject

SYSTEM_SHARE = 0.1

HALF = 0.5

LESS_THAN_HALF = 0.45
"""Of the cores: one of two is half of them, also where 0.99 of it was at work."""

ONE_CORE = 0.8
"""Who has less waits for a core that others use, and has not too few of its own."""

MORE_CORES = 1.2

HUGE_PAGE = 2**21

ASKS_FOR_HUGE = 2**22
"""From so many bytes on NumPy asks for huge pages; one fault then hands out 2 MiB, where the system has them."""

SOME_FAULTS = 256
"""Where the size of the result is not known: a megabyte of small pages."""


def find_page_faults(side: Subject, other: Subject) -> Iterator[Cause]:
    """The ops (else the side) that the system hands memory to, where that takes part of the difference."""
    use = side.cpu
    if use is None or (other.cpu is not None and other.cpu.system_ns >= use.system_ns):
        return
    charged = [part for part in side.parts if part.cpu is not None]
    placed = [(part.op, part.cpu, part.result_bytes, part.least_bytes) for part in charged]
    for op, mine, result, least in placed or [(None, use, _largest_result(side), side.least_bytes)]:
        if mine is None or not _faults(mine, result, least, side.backend):
            continue
        share = min(1.0, mine.wall_ns * (mine.system_share or 0.0) / use.wall_ns) if use.wall_ns else None
        yield Cause(
            code="page_faults",
            side=side.name,
            op=op,
            share=share,
            excess_ns=share * side.time_ns if share is not None else None,
            evidence=_evidence(mine, result),
        )


def find_few_cores(side: Subject, other: Subject) -> Iterator[Cause]:
    """Less than half of the cores at work, and fewer than on the other side; not less than one, which waits for it.

    What more cores would save is time in the program: the system hands out memory no faster for them.
    """
    use, its = side.cpu, other.cpu
    cores = use.cores if use is not None else None
    if use is None or cores is None or not ONE_CORE <= cores < LESS_THAN_HALF * use.cores_allowed:
        return
    if its is not None and its.cores is not None and cores * MORE_CORES >= its.cores:
        return
    most = its.cores if its is not None and its.cores is not None else use.cores_allowed
    more = side.time_ns * (1 - cores / most) * (1 - (use.system_share or 0.0))
    evidence = {"cores": cores, "cores_allowed": use.cores_allowed}
    yield Cause(code="few_cores", side=side.name, excess_ns=more, evidence=evidence)


def _largest_result(side: Subject) -> float | None:
    return max((part.result_bytes for part in side.parts if part.result_bytes), default=None)


def _faults(
    use: CpuUse | None, result_bytes: float | None, least_bytes: float | None, backend: str | None
) -> bool:
    if use is None or (use.system_share or 0.0) <= SYSTEM_SHARE:
        return False
    if result_bytes is None and least_bytes is None:
        return use.minor_faults >= SOME_FAULTS
    fresh = result_bytes if result_bytes is not None else HALF * (least_bytes or 0.0)
    huge = backend == "numpy" and fresh >= ASKS_FOR_HUGE
    return use.minor_faults * (HUGE_PAGE if huge else use.page_bytes) >= max(HALF * fresh, use.page_bytes)


def _evidence(use: CpuUse, result_bytes: float | None) -> dict[str, float | str | None]:
    return {
        "minor_faults": use.minor_faults,
        "page_bytes": use.page_bytes,
        "system_ns": use.system_ns,
        "system_share": use.system_share,
        "result_bytes": result_bytes,
    }
