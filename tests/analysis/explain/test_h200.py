"""What held back the kernels of an H200, as Nsight Compute counted them and Nsight Systems timed them."""

from __future__ import annotations

import lzma
from math import prod

import pytest
from drawing.subjects import draw_launch, draw_side
from drawing.tree import DATA
from flopprof.analysis.evidence.counters import CountedLaunch, add_launches
from flopprof.analysis.evidence.ncu_csv import parse_ncu_csv
from flopprof.analysis.explain.kernel_causes import find_kernel_causes, memory_share
from flopprof.analysis.explain.subject import Part

N = 8000
MATRIX = 4.0 * N * N


@pytest.fixture(scope="module")
def launches() -> list[CountedLaunch]:
    with lzma.open(DATA / "ncu_h200.csv.xz", "rt", encoding="utf-8") as file:
        return parse_ncu_csv(file.read().splitlines())


def part_of(launches: list[CountedLaunch], step: str, op: str, us: float) -> Part:
    (launch,) = (one for one in launches if {("flopprof", step), ("flopprof", op)} <= set(one.ranges))
    counters = add_launches([launch])
    assert launch.grid is not None
    assert counters.waves is not None
    blocks = prod(launch.grid)
    return Part(
        op=op,
        kernel=launch.kernel,
        launch=draw_launch(blocks, round(blocks / counters.waves)),
        ns=us * 1e3,
        least_bytes=MATRIX,
        flops=2.0 * N * N if op == "matvec" else float(N * N),
        counters=counters,
        limit="memory",
    )


@pytest.mark.parametrize(
    ("step", "op", "us", "codes"),
    [
        ("step:torch80000", "outer", 98, ["low_occupancy"]),
        ("step:cupy80000", "outer", 156, ["low_occupancy"]),
        ("step:torch80000", "sum", 67, ["memory_bound"]),
        ("step:torch80001", "sum", 61, ["memory_bound"]),
        ("step:cupy80000", "sum", 200, ["underfilled"]),
        ("step:cupy80001", "sum", 60, ["memory_bound"]),
        ("step:torch80000", "matvec", 88, ["underfilled"]),
    ],
)
def test_each_kernel_has_the_one_cause_that_its_counters_show(
    launches: list[CountedLaunch], step: str, op: str, us: float, codes: list[str]
):
    """cupy_sum reads the least bytes, coalesced: too few blocks keep it slow, not its strides."""
    part = part_of(launches, step, op, us)
    side = draw_side("step", part, bytes_per_s=4.8e12, flops_per_s=67e12)
    assert [cause.code for cause in find_kernel_causes(part, side)] == codes


def test_the_share_of_the_roof_is_of_the_bytes_that_moved(launches: list[CountedLaunch]):
    part = part_of(launches, "step:cupy80000", "sum", 200)
    side = draw_side("step", part, bytes_per_s=4.8e12)
    assert memory_share(part, side) == pytest.approx((256_010_240 + 6_616_576) / 200e-6 / 4.8e12)
