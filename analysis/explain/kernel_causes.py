"""What holds a kernel back: the roof, too few blocks, too few warps, scattered or extra accesses, extra arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..breakdown.rows import FULL, Launch
from .cause import Cause, Code, Evidence, Limiter
from .subject import Part, Subject

AT_THE_ROOF = 0.8
"""Of the highest rate that was seen of a memory, and of the rate of the arithmetic."""

FEW_WARPS = 0.5

SCATTERED = 1.5
"""Sectors a request over those of neighbours that each take one item."""

WIDEST_REQUEST = 17.0
"""Sectors of a warp whose every lane takes 16 bytes beside its neighbour's, vector loads, which waste none: 16, and
one more where a row does not begin with a sector."""

SCATTERED_L2 = 2.0
"""Bytes through the L2 over the least: 1.5 is what neighbours cost on an H200, which counts its L2's two halves."""

MORE_TRAFFIC, LESS_TRAFFIC = 1.2, 0.8

WIDER = 1.5
"""Sectors of a like's load over its own."""

MORE_ARITHMETIC, BUSY_PIPE = 1.5, 0.5


def find_kernel_causes(part: Part, side: Subject) -> Iterator[Cause]:
    """All that holds of an op's heaviest kernel, from the roof down; each with what would be saved without it.

    Memory is no roof of what fits into the cache: one counted rep finds it empty, a loop of reps does not.
    """
    ns, memory, pipe = part.ns or 0.0, memory_share(part, side), pipe_share(part, side)
    attained = attained_share(part, side)
    if attained is not None and attained >= AT_THE_ROOF and not side.in_cache:
        evidence = {"memory_share": memory, "attained_share": attained, **_moved(part)}
        yield _cause("memory_bound", part, side, evidence, saves=ns)
    if pipe is not None and pipe >= AT_THE_ROOF:
        yield _cause("compute_bound", part, side, {"pipe_share": pipe}, saves=ns)
    if (attained or 0.0) < AT_THE_ROOF and (pipe or 0.0) < AT_THE_ROOF:
        yield from _find_idle_lanes(part, side, memory)
    yield from _find_traffic(part, side)
    more = executed_over_counted(part)
    if more is not None and more > MORE_ARITHMETIC and pipe is not None and pipe >= BUSY_PIPE:
        evidence = {"executed_over_counted": more, "pipe_share": pipe}
        yield _cause("extra_arithmetic", part, side, evidence, saves=ns * pipe * (1 - 1 / more))


def find_cache_hits(fast: Part, slow: Part, side: Subject) -> Cause | None:
    """Bytes that the L2 spared the faster of two like ops, and not the slower one; ``side`` is that of the faster."""
    mine, its = excess_of(fast), excess_of(slow)
    if mine is None or its is None or mine >= LESS_TRAFFIC or its < MORE_TRAFFIC * mine:
        return None
    saved = (its - mine) * (fast.least_bytes or 0.0)
    saves = saved / side.bytes_per_s * 1e9 if side.bytes_per_s else None
    evidence = {"excess": mine, "other_excess": its, **_moved(fast)}
    return replace(_cause("cache_hits", fast, side, evidence, saves=saves), of_faster=True)


def find_narrow_loads(part: Part, like: Part, side: Subject) -> Cause | None:
    """Loads of neighbours that each ask for less than those of a like that moves the same: with as many warps fewer
    bytes are on their way. It is looked for where nothing else was found.
    """
    mine, its = part.counters, like.counters
    if mine is None or its is None or side.item_bytes is None:
        return None
    sectors, wide = mine.load_sectors_per_request, its.load_sectors_per_request
    alike = compare_bytes(part, like)
    if not sectors or wide is None or alike is None or not LESS_TRAFFIC <= alike <= MORE_TRAFFIC:
        return None
    if sectors > SCATTERED * side.item_bytes or not WIDER * sectors <= wide <= WIDEST_REQUEST:
        return None
    if its.l2_read_bytes is None or its.l2_read_bytes > SCATTERED_L2 * (like.least_bytes or 0.0):
        return None
    evidence = {
        "sectors_per_request": sectors,
        "other_sectors": wide,
        "warps": None if mine.warps_pct is None else mine.warps_pct / 100,
        "memory_share": memory_share(part, side),
    }
    return _cause("narrow_loads", part, side, evidence, saves=(part.ns or 0.0) * (1 - sectors / wide))


def attained_share(part: Part, side: Subject) -> float | None:
    """The bytes it moves over those that kernels were seen to move in the same time."""
    memory = memory_share(part, side)
    if memory is None or not side.bytes_per_s or not side.attainable_bytes_per_s:
        return memory
    return memory * side.bytes_per_s / side.attainable_bytes_per_s


def compare_bytes(part: Part, like: Part) -> float | None:
    """The like's bytes over its own: as counted on both sides, else the least."""
    counted = [one.counters.moved_bytes if one.counters is not None else None for one in (part, like)]
    return _divide(counted, (part.least_bytes, like.least_bytes))


def compare_flops(part: Part, like: Part) -> float | None:
    """The same of FLOPs: executed on both sides, else those that they have."""
    counted = [one.counters.executed_flops if one.counters is not None else None for one in (part, like)]
    return _divide(counted, (part.flops, like.flops))


def compare_fill(part: Part, like: Part) -> float | None:
    """The part of the slots of its waves that has blocks, over the like's."""
    mine, its = (_find_fill(one) for one in (part, like))
    return mine / its if mine is not None and its else None


def _find_fill(part: Part) -> float | None:
    if part.launch is None or part.launch.waves is None:
        return None
    return part.launch.tail if part.launch.waves > 1 else part.launch.fill


def compare_warps(part: Part, like: Part) -> float | None:
    """Warps that are active, else that fit, over the like's."""
    counted = [one.counters.warps_pct if one.counters is not None else None for one in (like, part)]
    fitting = [one.launch.occupancy if one.launch is not None else None for one in (like, part)]
    return _divide(counted, fitting)


def _divide(counted: Sequence[float | None], least: Sequence[float | None]) -> float | None:
    mine, its = least if None in counted else counted
    return its / mine if mine and its is not None else None


def excess_of(part: Part) -> float | None:
    """Bytes that were moved over those that must be."""
    moved = part.counters.moved_bytes if part.counters is not None else None
    return moved / part.least_bytes if moved is not None and part.least_bytes else None


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
    launch, ns = part.launch, part.ns or 0.0
    at_roof_ns = ns * (memory or 0.0)
    if launch is not None and launch.waves is not None and launch.underfilled:
        evidence = {
            "blocks": launch.blocks,
            "slots": launch.slots,
            "waves": launch.waves,
            "memory_share": memory,
        }
        filled = launch.tail if launch.waves > 1 else launch.fill
        yield _cause("underfilled", part, side, evidence, saves=ns - max(ns * (filled or 0.0), at_roof_ns))
        return
    counted = part.counters.warps_pct if part.counters is not None else None
    active = None if counted is None else counted / 100
    occupancy = launch.occupancy if launch is not None else None
    warps = occupancy if active is None else active
    filled = launch is None or launch.fill is None or launch.fill >= FULL
    if warps is not None and warps < FEW_WARPS and filled:
        limiter = find_limiter(launch) if launch is not None else None
        evidence = {"warps": active, "occupancy": occupancy, "limiter": limiter, "memory_share": memory}
        yield _cause("low_occupancy", part, side, evidence, saves=ns - max(ns * warps, at_roof_ns))


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
        yield _cause("uncoalesced", part, side, scattered, saves=_time_of_scattering(part, side, scattered))
    excess = excess_of(part)
    if excess is not None and excess > MORE_TRAFFIC:
        extra = (excess - 1) * (part.least_bytes or 0.0)
        saves = extra / side.bytes_per_s * 1e9 if side.bytes_per_s else None
        yield _cause("extra_traffic", part, side, {"excess": excess, **_moved(part)}, saves=saves)


def _time_of_scattering(part: Part, side: Subject, scattered: Evidence) -> float | None:
    """What the sectors that neighbours would not need take; where the L2's traffic shows them, at the memory's rate."""
    sectors, ideal, l2 = (scattered[name] for name in ("sectors_per_request", "ideal", "l2_bytes"))
    if not isinstance(sectors, float) or not isinstance(ideal, float) or part.ns is None:
        return None
    wasted = part.ns * (1 - min(1.0, ideal / sectors))
    if sectors > WIDEST_REQUEST or not isinstance(l2, float) or not side.bytes_per_s:
        return wasted
    return min(wasted, max(0.0, l2 - (part.least_bytes or 0.0)) / side.bytes_per_s * 1e9)


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


def _cause(code: Code, part: Part, side: Subject, evidence: Evidence, *, saves: float | None) -> Cause:
    share = part.ns / side.time_ns if part.ns is not None else None
    return Cause(
        code=code,
        side=side.name,
        op=part.op,
        kernel=part.kernel,
        share=share,
        excess_ns=saves,
        evidence=dict(evidence),
    )
