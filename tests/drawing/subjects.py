"""Drawn sides of an explanation: a rep on a GPU of 1 TB/s and 10 TFLOP/s, or on a CPU of 8 cores."""

from __future__ import annotations

from dataclasses import replace

from flopprof.analysis.breakdown.rows import Launch
from flopprof.analysis.evidence.counters import Counters
from flopprof.analysis.evidence.cpu_use import CpuUse
from flopprof.analysis.explain.subject import Part, Subject


def draw_launch(blocks: int, slots: int = 528, occupancy: float = 1.0, registers: int = 24) -> Launch:
    """So many blocks of 512 threads."""
    return Launch(
        grid=(blocks, 1, 1),
        block=(512, 1, 1),
        registers=registers,
        static_shared_bytes=0,
        dynamic_shared_bytes=0,
        occupancy=occupancy,
        blocks_per_sm=4,
        slots=slots,
        waves=blocks / slots,
        instances=1,
        total_ns=1,
        median_ns=1.0,
    )


def draw_counters(moved: float, executed: float = 1e6, warps: float = 90.0, sectors: float = 4.0) -> Counters:
    """All read, none written; L2 traffic as the DRAM's."""
    return Counters(
        source="ncu",
        dram_read_bytes=moved,
        dram_write_bytes=0.0,
        l2_read_bytes=moved,
        l2_write_bytes=0.0,
        executed_flops=executed,
        load_sectors_per_request=sectors,
        store_sectors_per_request=4.0,
        warps_pct=warps,
    )


def draw_part(us: float, op: str = "sum", **changes: object) -> Part:
    """A kernel that moves its 100 MB and no more, in so many µs, on a full GPU."""
    part = Part(
        op=op,
        kernel=f"{op}_kernel",
        launch=draw_launch(528 * 8),
        ns=us * 1e3,
        least_bytes=100e6,
        flops=1e6,
        result_bytes=4e4,
        counters=draw_counters(100e6),
        limit="memory",
    )
    return replace(part, **changes)


def draw_side(name: str, *parts: Part, us: float | None = None, **changes: object) -> Subject:
    """A rep of these ops one after the other, and 1 µs around them."""
    working = sum(part.ns or 0.0 for part in parts)
    counted = [part.counters for part in parts]
    moved = sum(one.moved_bytes or 0.0 for one in counted if one is not None)
    side = Subject(
        key=name,
        name=name,
        device="cuda",
        backend="cupy",
        time_ns=us * 1e3 if us is not None else working + 1e3,
        working_ns=working,
        busy_ns=working,
        least_bytes=sum(part.least_bytes or 0.0 for part in parts),
        flops=sum(part.flops or 0.0 for part in parts),
        item_bytes=4,
        limit="memory",
        counters=draw_counters(moved) if None not in counted else None,
        bytes_per_s=1e12,
        flops_per_s=1e13,
        parts=parts,
    )
    return replace(side, **changes)


def draw_use(
    wall_ms: float, user_ms: float, system_ms: float, faults: float = 0.0, cores_allowed: int = 8
) -> CpuUse:
    """What the system charged for a rep."""
    return CpuUse(
        wall_ns=wall_ms * 1e6,
        user_ns=user_ms * 1e6,
        system_ns=system_ms * 1e6,
        minor_faults=faults,
        major_faults=0.0,
        voluntary_switches=0.0,
        involuntary_switches=0.0,
        page_bytes=4096,
        cores_allowed=cores_allowed,
    )


def draw_cpu_side(name: str, use: CpuUse | None, *parts: Part, **changes: object) -> Subject:
    """A rep on the CPU that takes the wall time that was charged."""
    side = Subject(
        key=name,
        name=name,
        device="cpu",
        backend="torch",
        time_ns=use.wall_ns if use is not None else 1e6,
        working_ns=use.wall_ns * 0.99 if use is not None else 1e6,
        least_bytes=256e6,
        flops=64e6,
        item_bytes=4,
        cpu=use,
        parts=parts,
    )
    return replace(side, **changes)
