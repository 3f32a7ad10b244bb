from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.scenario_steps import make_step
from flopprof.analysis.export.devices import GpuInfo
from flopprof.analysis.hardware.data_sheets import (
    GpuFacts,
    Peaks,
    Rate,
    peaks_of_gpu,
    peaks_of_gpus,
    share_of_roof,
)
from flopprof.analysis.runs.roof import Roof, Timing, floor_of, roof, roof_of_step
from flopprof.scenarios.operations.ops import HostToDevice, Matmul, Matvec, Outer, Sum
from flopprof.scenarios.plan.work import step_work
from hypothesis import given
from hypothesis import strategies as st

H200 = GpuFacts(
    name="NVIDIA H200",
    compute_capability="9.0",
    sm_count=132,
    clock_hz=1_980_000_000,
    memory_bytes_per_s=4_814_304_000_000,
    l2_bytes=60 * 2**20,
)
GPU = {"backend": "torch", "device": "cuda"}


def h200() -> Peaks:
    peaks = peaks_of_gpu(H200)
    assert peaks is not None
    return peaks


def measured() -> Peaks:
    """The ceilings measured on that machine: a read-only sum, and matrix products."""
    rates: dict[Rate, float] = {("float32", "fma"): 51e12, ("float64", "tensor"): 64e12}
    return Peaks(flops_per_s=rates, bytes_per_s=4.35e12, l2_bytes=60 * 2**20, source="calibrated")


@pytest.mark.parametrize(
    ("dtype", "unit", "tflops"),
    [
        ("float32", "fma", 66.9),
        ("float64", "fma", 33.5),
        ("float64", "tensor", 66.9),
        ("float16", "fma", 133.8),
        ("bfloat16", "tensor", 1070.5),  # 989 at the 1830 MHz of the data sheet
        ("float32", "tensor", 66.9),  # TF32 is off: the ordinary lanes
    ],
)
def test_peaks_of_an_h200(dtype: str, unit, tflops: float):
    rate = h200().flops_rate(dtype, unit)
    assert rate is not None
    assert rate / 1e12 == pytest.approx(tflops, abs=0.05)


def test_peaks_name_their_source():
    assert h200().source == "NVIDIA H200 by its data sheet: 132 SMs at 1.98 GHz, 4.81 TB/s"


def test_an_unknown_part_has_no_peaks():
    assert peaks_of_gpu(replace(H200, compute_capability="13.7")) is None


def test_matvec_at_20000_stands_near_its_roof():
    """seed.md: 412.5 µs; 1.6 GB at 4.81 TB/s are 332 µs."""
    roof = roof_of_step(step_work(make_step(Matvec(), **GPU, n=20_000)), Timing(kernel_ns=412_500), h200())
    assert roof.share == pytest.approx(1_600_160_000 / 4_814_304_000_000 * 1e9 / 412_500)
    assert (round(roof.share or 0, 3), roof.note, roof.limit) == (0.806, None, "memory")


def test_no_unfused_outer_sum_gets_under_twice_the_matvec():
    matvec = floor_of(step_work(make_step(Matvec(), **GPU, n=20_000)).ops, h200())
    outer_sum = floor_of(step_work(make_step(Outer(), Sum(axis=0), **GPU, n=20_000)).ops, h200())
    fused = floor_of(step_work(make_step(Outer(), Sum(axis=0), **GPU, mode="fused", n=20_000)).ops, h200())
    assert matvec is not None and outer_sum is not None and fused is not None
    assert outer_sum.total_ns / matvec.total_ns == pytest.approx(2, rel=1e-4)
    assert (
        fused.total_ns
        == fused.compute_ns
        == pytest.approx((2 * 20_000**2 - 20_000) / 66.9e12 * 1e9, rel=1e-3)
    )


def test_a_large_product_is_limited_by_arithmetic():
    roof = roof_of_step(step_work(make_step(Matmul(), **GPU, n=8_000)), Timing(kernel_ns=20.1e6), measured())
    assert (round(roof.share or 0, 3), roof.limit, roof.source) == (0.999, "compute", "calibrated")


def test_data_within_the_l2_has_no_share():
    roof = roof_of_step(
        step_work(make_step(Outer(), Sum(axis=0), **GPU, n=3_900)), Timing(kernel_ns=1e5), h200()
    )
    assert roof == Roof(share=None, source=h200().source, note="l2_resident", limit=None)


def test_a_share_above_its_ceiling_is_not_reported():
    work = step_work(make_step(Matvec(), **GPU, n=20_000))
    floor = floor_of(work.ops, h200())
    assert floor is not None
    above = roof_of_step(work, Timing(kernel_ns=floor.total_ns / 1.021), h200())
    assert (above.share, above.note) == (None, "above_ceiling")
    at = roof_of_step(work, Timing(kernel_ns=floor.total_ns / 1.019), h200())
    assert (at.share, at.note) == (pytest.approx(1.019), None)


def test_without_peaks_there_is_no_ceiling():
    work = step_work(make_step(Matvec(), n=20_000))
    assert roof_of_step(work, Timing(kernel_ns=1e6), None) == Roof(note="no_ceiling")


def test_without_the_peak_an_op_needs_there_is_no_ceiling():
    work = step_work(make_step(Matvec(), **GPU, dtype="float16", n=20_000))
    assert roof_of_step(work, Timing(kernel_ns=1e6), measured()) == Roof(note="no_ceiling")


def test_without_kernel_time_the_share_is_unknown():
    work = step_work(make_step(Matvec(), **GPU, n=20_000))
    assert roof_of_step(work, Timing(), h200()) == Roof(source=h200().source, nearer="memory")


def test_copies_have_no_roof():
    work = step_work(make_step(HostToDevice(), **GPU, n=20_000))
    assert roof_of_step(work, Timing(kernel_ns=1e6), h200()) == Roof(limit="copy")


@pytest.mark.parametrize(
    ("overhead_ns", "limit"), [(1_001.0, "launch"), (1_000.0, "memory"), (None, "memory")]
)
def test_over_a_tenth_of_overhead_is_launch_bound(overhead_ns: float | None, limit: str):
    timing = Timing(kernel_ns=9_000, untraced_ns=10_000, overhead_ns=overhead_ns)
    work = step_work(make_step(Matvec(), **GPU, n=20_000))
    assert roof_of_step(work, timing, h200()).limit == limit
    assert roof_of_step(work, timing, None).limit == ("launch" if limit == "launch" else None)


def test_an_op_stands_under_its_own_roof():
    outer, total = step_work(make_step(Outer(), Sum(axis=0), **GPU, n=8_000)).ops
    for op, elements in ((outer, 8_000**2 + 2 * 8_000), (total, 8_000**2 + 8_000)):
        standing = roof([op], Timing(kernel_ns=100_000), h200(), working_set_bytes=op.bytes)
        assert standing.share == pytest.approx(4 * elements / 4_814_304_000_000 * 1e9 / 100_000)


@given(
    n=st.integers(1, 30_000), axis=st.integers(0, 1), dtype=st.sampled_from(["float16", "float32", "float64"])
)
def test_the_floor_of_a_step_is_the_sum_over_its_ops(n: int, axis: int, dtype: str):
    ops = step_work(make_step(Outer(), Sum(axis=axis), **GPU, dtype=dtype, n=n)).ops
    whole, parts = floor_of(ops, h200()), [floor_of((op,), h200()) for op in ops]
    assert whole is not None
    assert whole.total_ns == pytest.approx(sum(part.total_ns for part in parts if part is not None))
    assert whole.total_ns >= max(whole.compute_ns, whole.memory_ns) * (1 - 1e-12)


BUSY_NS = 1_000_000

PER_CLOCK = 132 * 1.98e9 * BUSY_NS / 1e9
"""FLOPs in that time at one a clock and multiprocessor."""


@pytest.mark.parametrize(
    ("kinds", "share"),
    [
        ({"bfloat16": 4096}, 1.0),
        ({"float32": 256}, 1.0),
        ({"tf32": 1024, "float32": 64}, 0.75),
        ({"float8_e4m3fn": 2048, "float8_e5m2": 2048}, 0.5),
        ({"float64": 128}, 0.5),
        ({"int8": 8192 * 2}, None),  # twice what there is
        ({"int4": 1}, None),
        ({}, None),
    ],
)
def test_the_share_of_the_roof_that_counted_flops_are(kinds: dict[str, int], share: float | None) -> None:
    counted = {kind: round(each * PER_CLOCK) for kind, each in kinds.items()}
    found = share_of_roof(sum(counted.values()), counted, BUSY_NS, h200())
    assert found == (share if share is None else pytest.approx(share))


def test_flops_of_an_unknown_kind_have_no_roof() -> None:
    assert share_of_roof(100, {"bfloat16": 50}, BUSY_NS, h200()) is None
    assert share_of_roof(None, {}, BUSY_NS, h200()) is share_of_roof(50, {"bfloat16": 50}, 0, h200()) is None
    assert share_of_roof(50, {"bfloat16": 50}, BUSY_NS, None) is None


def test_a_trace_of_unlike_gpus_has_no_peaks() -> None:
    one = GpuInfo(
        id=0, sm_count=132, clock_hz=10**9, bandwidth_bytes_per_s=10**12, compute_major=9, compute_minor=0
    )
    assert peaks_of_gpus([one, replace(one, id=1)]) == peaks_of_gpus([one]) != None  # noqa: E711
    assert peaks_of_gpus([one, replace(one, id=1, sm_count=114)]) is None
    assert peaks_of_gpus([one, GpuInfo(id=1)]) is peaks_of_gpus([]) is None
