"""What holds a kernel back: the roof, too few blocks, too few warps, scattered or extra accesses, extra arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

from ..breakdown.rows import FULL, Launch
from .cause import Cause, Code, Evidence, Limiter
from .subject import Part, Subject

AT_THE_ROOF = 0.8

FEW_WARPS = 0.5

SCATTERED = 1.5
"""Sectors a request over those of neighbours that each take one item."""

WIDEST_REQUEST = 17.0
"""Sectors of a warp whose every lane takes 16 bytes beside its neighbour's, vector loads, which waste none: 16, and
one more where a row does not begin with a sector."""

SCATTERED_L2 = 2.0
"""Bytes through the L2 over the least: 1.5 is what neighbours cost on an H200, which counts its L2's two halves."""

MORE_TRAFFIC, LESS_TRAFFIC = 1.2, 0.8

MORE_ARITHMETIC, BUSY_PIPE = 1.5, 0.5


def find_kernel_causes(part: Part, side: Subject) -> Iterator[Cause]:
    """Everything that holds of an op's heaviest kernel, from the roof down."""
    memory = memory_share(part, side)
    if memory is not None and memory >= AT_THE_ROOF:
        yield _cause("memory_bound", part, side, {"memory_share": memory, **_moved(part)})
    pipe = pipe_share(part, side)
    if pipe is not None and pipe >= AT_THE_ROOF:
        yield _cause("compute_bound", part, side, {"pipe_share": pipe})
    if (memory or 0.0) < AT_THE_ROOF and (pipe or 0.0) < AT_THE_ROOF:
        yield from _find_idle_lanes(part, side, memory)
    yield from _find_traffic(part, side)
    more = executed_over_counted(part)
    if more is not None and more > MORE_ARITHMETIC and pipe is not None and pipe >= BUSY_PIPE:
        yield _cause("extra_arithmetic", part, side, {"executed_over_counted": more, "pipe_share": pipe})


def memory_share(part: Part, side: Subject) -> float | None:
    """DRAM bytes over what the roof would move in the same time; by the least bytes where none were counted."""
    moved = part.counters.moved_bytes if part.counters is not None else None
    if moved is not None and part.ns and side.bytes_per_s:
        return moved / part.ns * 1e9 / side.bytes_per_s
    return part.roof_share if part.limit == "memory" else None


def pipe_share(part: Part, side: Subject) -> float | None:
    """FLOPs that were executed over what the roof allows; by the counted ones where none were."""
    more = executed_over_counted(part)
    if part.limit == "compute" and part.roof_share is not None:
        return part.roof_share * (more or 1.0)
    if more is not None and part.flops and part.ns and side.flops_per_s:
        return more * part.flops / part.ns * 1e9 / side.flops_per_s
    return None


def executed_over_counted(part: Part) -> float | None:
    """FLOPs that the kernels executed for each that the operation has."""
    executed = part.counters.executed_flops if part.counters is not None else None
    return executed / part.flops if executed is not None and part.flops else None


def _find_idle_lanes(part: Part, side: Subject, memory: float | None) -> Iterator[Cause]:
    launch = part.launch
    if launch is not None and launch.waves is not None and launch.underfilled:
        evidence = {
            "blocks": launch.blocks,
            "slots": launch.slots,
            "waves": launch.waves,
            "memory_share": memory,
        }
        yield _cause("underfilled", part, side, evidence)
        return
    counted = part.counters.warps_pct if part.counters is not None else None
    active = None if counted is None else counted / 100
    occupancy = launch.occupancy if launch is not None else None
    warps = occupancy if active is None else active
    filled = launch is None or launch.fill is None or launch.fill >= FULL
    if warps is not None and warps < FEW_WARPS and filled:
        limiter = find_limiter(launch) if launch is not None else None
        evidence = {"warps": active, "occupancy": occupancy, "limiter": limiter, "memory_share": memory}
        yield _cause("low_occupancy", part, side, evidence)


def find_limiter(launch: Launch) -> Limiter | None:
    """Which of its resources a block takes the largest part of; None for what is not recorded.

    An SM has 65,536 registers, room for 2048 threads and about 228 KiB of shared memory: the sizes differ by chip, the
    order of the three shares hardly does.
    """
    if launch.block is None or launch.registers is None or launch.occupancy is None or launch.occupancy >= 1:
        return None
    threads = launch.block[0] * launch.block[1] * launch.block[2]
    shared = (launch.static_shared_bytes or 0) + (launch.dynamic_shared_bytes or 0)
    shares: dict[Limiter, float] = {
        "registers": launch.registers * threads / 65536,
        "shared memory": shared / (228 * 1024),
        "block size": threads / 2048,
    }
    return max(shares, key=lambda name: shares[name])


def _find_traffic(part: Part, side: Subject) -> Iterator[Cause]:
    scattered = _scattered(part, side)
    if scattered is not None:
        yield _cause("uncoalesced", part, side, scattered)
    moved = part.counters.moved_bytes if part.counters is not None else None
    if moved is None or not part.least_bytes:
        return
    excess = moved / part.least_bytes
    if excess > MORE_TRAFFIC:
        yield _cause("extra_traffic", part, side, {"excess": excess, **_moved(part)})
    if excess < LESS_TRAFFIC:
        yield _cause("cache_hits", part, side, {"excess": excess, **_moved(part)})


def _scattered(part: Part, side: Subject) -> Evidence | None:
    """Sectors a request that neighbours would not need: beyond any vector load, or with the L2's traffic to show it."""
    counters, item = part.counters, side.item_bytes
    if counters is None or item is None:
        return None
    through = {"load": counters.l2_read_bytes, "store": counters.l2_write_bytes}
    for way, sectors in (
        ("load", counters.load_sectors_per_request),
        ("store", counters.store_sectors_per_request),
    ):
        if sectors is None or sectors <= SCATTERED * item:
            continue
        l2 = through[way]
        shown = l2 is not None and bool(part.least_bytes) and l2 > SCATTERED_L2 * (part.least_bytes or 0)
        if sectors > WIDEST_REQUEST or shown:
            return {"way": way, "sectors_per_request": sectors, "ideal": float(item), "l2_bytes": l2}
    return None


def _moved(part: Part) -> dict[str, float | str | None]:
    counters = part.counters
    return {
        "moved_bytes": counters.moved_bytes if counters is not None else None,
        "least_bytes": part.least_bytes,
    }


def _cause(code: Code, part: Part, side: Subject, evidence: Evidence) -> Cause:
    share = part.ns / side.time_ns if part.ns is not None else None
    return Cause(
        code=code, side=side.name, op=part.op, kernel=part.kernel, share=share, evidence=dict(evidence)
    )
