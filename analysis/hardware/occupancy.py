"""How a launch fits on a GPU: theoretical occupancy of an SM, and how much of all SMs its blocks fill.

The formula of NVIDIA's occupancy calculator: blocks per SM are limited by warps, registers (allocated per warp in
units), shared memory (allocated in units, with some kept by the system) and the block slots. Limits that
TARGET_INFO_GPU gives are taken from there, else from the table "Technical Specifications per Compute
Capability" of the CUDA C++ Programming Guide.

Occupancy says nothing of a launch with fewer blocks than the GPU has room for: 32 full blocks on 132 SMs have an
occupancy of 100 %. Its waves do: blocks over slots, the blocks that all SMs hold at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..export.devices import GpuInfo

WARP = 32

REGISTER_UNIT = 256
"""Registers are given to a warp in units of 256."""

KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SmLimits:
    """What one streaming multiprocessor holds."""

    warps: int
    blocks: int
    registers: int
    shared_bytes: int
    shared_unit: int
    shared_reserved: int
    """Bytes of shared memory that each block gives to the system."""
    warp_unit: int = 4
    """Warps are placed on an SM's four partitions."""


def _limits(warps: int, blocks: int, shared_kib: int, unit: int = 128, reserved: int = 1024) -> SmLimits:
    return SmLimits(
        warps=warps,
        blocks=blocks,
        registers=65536,
        shared_bytes=shared_kib * KIB,
        shared_unit=unit,
        shared_reserved=reserved,
    )


LIMITS: dict[tuple[int, int], SmLimits] = {
    (7, 0): _limits(64, 32, 96, 256, 0),
    (7, 2): _limits(64, 32, 96, 256, 0),
    (7, 5): _limits(32, 16, 64, 256, 0),
    (8, 0): _limits(64, 32, 164),
    (8, 6): _limits(48, 16, 100),
    (8, 7): _limits(48, 16, 164),
    (8, 9): _limits(48, 24, 100),
    (9, 0): _limits(64, 32, 228),
    (10, 0): _limits(64, 32, 228),
    (10, 3): _limits(64, 32, 228),
    (12, 0): _limits(48, 24, 100),
    (12, 1): _limits(48, 24, 100),
}


def find_limits(gpu: GpuInfo | None) -> SmLimits | None:
    """The limits of a GPU's SMs, None for a compute capability that is not in the table."""
    if gpu is None or gpu.compute_major is None:
        return None
    known = LIMITS.get((gpu.compute_major, gpu.compute_minor or 0))
    if known is None:
        return None
    return SmLimits(
        warps=gpu.max_warps_per_sm or known.warps,
        blocks=gpu.max_blocks_per_sm or known.blocks,
        registers=gpu.max_registers_per_sm or known.registers,
        shared_bytes=gpu.max_shared_bytes_per_sm or known.shared_bytes,
        shared_unit=known.shared_unit,
        shared_reserved=known.shared_reserved,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How a launch's blocks lie on a GPU."""

    occupancy: float
    """Resident warps over the most an SM can hold."""
    blocks_per_sm: int
    slots: int | None = None
    """Blocks that the whole GPU holds at once; None where its SMs are not counted."""
    waves: float | None = None
    """Blocks over slots."""


def place_launch(
    limits: SmLimits, sm_count: int | None, *, blocks: int, threads: int, registers: int, shared_bytes: int
) -> Placement | None:
    """Where `blocks` blocks of `threads` threads find room; None for a launch that cannot be."""
    resident = count_resident(limits, threads=threads, registers=registers, shared_bytes=shared_bytes)
    if resident is None:
        return None
    slots = resident * sm_count if sm_count else None
    return Placement(
        occupancy=resident * _warps_of(threads) / limits.warps,
        blocks_per_sm=resident,
        slots=slots,
        waves=blocks / slots if slots else None,
    )


def count_resident(limits: SmLimits, *, threads: int, registers: int, shared_bytes: int) -> int | None:
    """Blocks of `threads` threads that an SM holds at once; None for a launch that cannot be."""
    if threads <= 0 or registers < 0 or shared_bytes < 0:
        return None
    warps = _warps_of(threads)
    per_warp = _up(registers * WARP, REGISTER_UNIT)
    by_registers = limits.blocks
    if registers:
        resident = limits.registers // per_warp // limits.warp_unit * limits.warp_unit
        by_registers = resident // warps
    per_block = _up(shared_bytes + limits.shared_reserved, limits.shared_unit)
    by_shared = limits.shared_bytes // per_block if per_block else limits.blocks
    return min(limits.blocks, limits.warps // warps, by_registers, by_shared) or None


def _warps_of(threads: int) -> int:
    return _up(threads, WARP) // WARP


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit
