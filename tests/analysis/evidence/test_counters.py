"""Hardware counters: a real page of Nsight Compute read whole, and what they add up to."""

from __future__ import annotations

import lzma
from dataclasses import replace

import pytest
from drawing.tree import DATA
from flopprof.analysis.evidence.counters import (
    TENSOR_PIPE,
    THREAD_OPS,
    CountedLaunch,
    add_launches,
    choose_metrics,
    count_kernels,
)
from flopprof.analysis.evidence.ncu_csv import parse_ncu_csv, parse_query, parse_ranges

N = 8000

GEMVS = ("std::enable_if", "void gemv2T")


@pytest.fixture(scope="module")
def launches() -> list[CountedLaunch]:
    """A pass over torch and CuPy on an H200: warnings before the header, a row of units, thousands separators."""
    return read_counted("ncu_h200")


def read_counted(name: str) -> list[CountedLaunch]:
    with lzma.open(DATA / f"{name}.csv.xz", "rt", encoding="utf-8") as file:
        return parse_ncu_csv(file.read().splitlines())


def of(launches: list[CountedLaunch], step: str, op: str) -> list[CountedLaunch]:
    return [one for one in launches if ("flopprof", step) in one.ranges and ("flopprof", op) in one.ranges]


def test_every_launch_of_a_real_pass_is_read_with_its_ranges(launches: list[CountedLaunch]):
    assert len(launches) == 25
    cub = next(one for one in launches if "Segmented" in one.kernel)
    assert [message for _, message in cub.ranges][:4] == ["step:cupy10001", "measure", "rep", "sum"]
    assert cub.ranges[4] == ("CCCL", "cub::DeviceSegmentedReduce::Sum")


def test_cupys_axis_0_moves_the_least_bytes_coalesced_and_fills_half_a_wave(launches: list[CountedLaunch]):
    (launch,) = of(launches, "step:cupy80000", "sum")
    counted = add_launches([launch])
    assert (launch.kernel, launch.grid, launch.block) == ("cupy_sum", (250, 1, 1), (512, 1, 1))
    assert (counted.waves, counted.fill, counted.load_sectors_per_request) == (0.47, 0.47, 4.0)
    assert counted.dram_read_bytes == 256_010_240
    assert counted.executed_flops == 64_120_000


def test_the_outer_product_executes_17_times_its_flops(launches: list[CountedLaunch]):
    counted = add_launches(of(launches, "step:torch80000", "outer"))
    assert counted.executed_flops == 1_096_704_000
    assert counted.executed_flops / N**2 == pytest.approx(17.1, abs=0.05)
    assert counted.moved_bytes == 158_976 + 250_083_328


def test_a_product_on_tensor_cores_that_no_counter_counted_has_no_flops(launches: list[CountedLaunch]):
    """ncu leaves out, without a word, a metric that the chip does not have: here fp16 by another chip's name."""
    (launch,) = of(launches, "step:half", "matmul")
    assert launch.metrics[TENSOR_PIPE] > 0
    assert add_launches([launch]).executed_flops is None


def test_plain_float32_has_flops_though_its_constants_are_made_on_the_tensor_pipe():
    """HFMA2 makes constants in gemv2T and runs there: 3,000 of n = 1,000, 68,000 of n = 8,000."""
    figures = [
        add_launches([one])
        for one in read_counted("ncu_outer_h200")
        if one.grid and one.kernel.startswith(GEMVS)
    ]
    assert {one.executed_flops for one in figures} == {2_164_000, 142_520_000}


def test_products_on_tensor_cores_are_counted_by_the_type_of_what_is_multiplied():
    """2 n^3 of each type with n = 2,048, the counted additions of fp8's sums beside; int8 has no FLOPs."""
    counted = {
        one.ranges[0][1]: add_launches(
            [replace(one, metrics={**dict.fromkeys(THREAD_OPS, 0.0), **one.metrics})]
        )
        for one in read_counted("ncu_products_h200")
    }
    product = 2 * 2048**3
    for name in ("torch.float16 tf=False", "torch.bfloat16 tf=False", "torch.float32 tf=True", "fp8"):
        assert counted[name].executed_flops == pytest.approx(product, rel=0.01), name
    assert counted["torch.float32 tf=False"].executed_flops == pytest.approx(product, rel=0.02)
    assert counted["int8"].executed_flops == 0


def test_a_step_is_the_sum_of_its_launches_and_a_rep_its_share(launches: list[CountedLaunch]):
    mine = [one for one in launches if ("flopprof", "step:torch80000") in one.ranges]
    whole, parts = add_launches(mine), [add_launches([one]) for one in mine]
    assert whole.dram_read_bytes == sum(part.dram_read_bytes or 0 for part in parts)
    assert whole.executed_flops == sum(part.executed_flops or 0 for part in parts)
    assert add_launches(mine, reps=2).moved_bytes == (whole.moved_bytes or 0) / 2
    assert [one.kernel for one in count_kernels(mine)] == [one.kernel for one in mine]


def test_what_one_launch_lacks_the_sum_does_not_know():
    full = dict.fromkeys(THREAD_OPS, 1.0)
    launches = [
        CountedLaunch(kernel="k", ranges=(), grid=None, block=None, metrics=metrics)
        for metrics in ({**full, "dram__bytes_read.sum": 7.0}, full)
    ]
    counted = add_launches(launches)
    assert (counted.dram_read_bytes, counted.moved_bytes, counted.waves) == (None, None, None)
    assert counted.executed_flops == 2 * 3 * (2 + 1 + 1)


HEADER = (
    '"ID","Process ID","Kernel Name","thread Domain:Push/Pop_Range:x","Block Size","Grid Size",'
    '"dram__bytes_read.sum"'
)


def test_numbers_are_read_in_base_units_whatever_ncu_scaled_them_to():
    lines = [
        "==PROF== Connected to process 816",
        HEADER,
        '"","","","","","","Mbyte"',
        '"0","816","k<a, b>(int)","","(32, 4, 1)","(8, 1, 1)","1,234.50"',
        '"1","816","k","","(32, 4, 1)","(8, 1, 1)","n/a"',
        "==PROF== Disconnected",
    ]
    first, second = parse_ncu_csv(lines)
    assert first.metrics == {"dram__bytes_read.sum": 1_234_500_000.0}
    assert (first.kernel, first.block) == ("k<a, b>(int)", (32, 4, 1))
    assert second.metrics == {}


@pytest.mark.parametrize(
    "lines", [[], ["==ERROR== ERR_NVGPUCTRPERM"], [HEADER], [HEADER, '"","","","","","",""']]
)
def test_a_pass_that_counted_nothing_has_no_launches(lines: list[str]):
    assert parse_ncu_csv(lines) == []


def test_messages_with_colons_and_the_default_domain_are_read():
    text = '1  "<default domain>:a:b, c:none:none:none:none:ASCII:a:b, c"  "d:x:PL:5:RGB:0xff:REGISTERED:x"'
    assert parse_ranges(text) == (("", "a:b, c"), ("d", "x"))
    assert parse_ranges("") == ()


def test_only_metrics_that_the_chip_has_are_asked_for():
    query = "Device GB200\n-----\nMetric Name   Type\ndram__bytes_op_read    Counter   byte\nlts__t_sectors_op_read  x"
    chosen = choose_metrics(parse_query(query))
    assert chosen == (
        "dram__bytes_op_read.sum",
        "lts__t_sectors_op_read.sum",
        "launch__waves_per_multiprocessor",
    )
