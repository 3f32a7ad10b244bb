"""Theoretical occupancy against NVIDIA's occupancy calculator."""

from __future__ import annotations

import pytest
from flopprof.analysis.export.devices import GpuInfo
from flopprof.analysis.hardware.occupancy import LIMITS, find_limits, theoretical_occupancy


@pytest.mark.parametrize(
    ("capability", "threads", "registers", "shared_bytes", "occupancy"),
    [
        ((9, 0), 1024, 32, 0, 1.0),
        ((9, 0), 1024, 40, 0, 0.5),  # 1280 registers a warp: 51 warps, one block of 32
        ((9, 0), 256, 64, 0, 0.5),
        ((9, 0), 256, 255, 0, 0.125),
        ((9, 0), 256, 32, 100 * 1024, 0.25),  # two blocks of 101 KiB in 228
        ((9, 0), 32, 16, 0, 0.5),  # 32 block slots
        ((8, 6), 128, 32, 0, 1.0),
        ((8, 6), 1024, 32, 0, 2 / 3),
        ((7, 5), 1024, 64, 0, 1.0),
        ((7, 0), 256, 32, 48 * 1024, 0.25),
        ((8, 0), 96, 200, 0, 0.09375),  # registers for ten warps, eight in fours: two blocks of 3
    ],
)
def test_blocks_are_limited_by_the_scarcest_resource(
    capability: tuple[int, int], threads: int, registers: int, shared_bytes: int, occupancy: float
):
    found = theoretical_occupancy(
        LIMITS[capability], threads=threads, registers=registers, shared_bytes=shared_bytes
    )
    assert found == pytest.approx(occupancy)


def test_a_launch_that_cannot_be_has_none():
    limits = LIMITS[9, 0]
    assert theoretical_occupancy(limits, threads=0, registers=32, shared_bytes=0) is None
    assert theoretical_occupancy(limits, threads=1024, registers=255, shared_bytes=0) is None
    assert theoretical_occupancy(limits, threads=32, registers=32, shared_bytes=1 << 20) is None


def test_the_traces_own_limits_come_first_and_unknown_parts_have_none():
    assert find_limits(GpuInfo(id=0)) is None
    assert find_limits(GpuInfo(id=0, compute_major=99, compute_minor=0)) is None
    limits = find_limits(GpuInfo(id=0, compute_major=9, compute_minor=0, max_warps_per_sm=32))
    assert limits is not None
    assert (limits.warps, limits.blocks) == (32, 32)
