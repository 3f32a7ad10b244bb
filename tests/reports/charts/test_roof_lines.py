"""The ceilings of a run reach its roofline once per device, dtype and unit."""

from __future__ import annotations

from drawing.scenario_steps import make_step
from flopprof.analysis.hardware.data_sheets import Peaks
from flopprof.analysis.runs.reached import list_roof_lines
from flopprof.analysis.runs.results import RoofLine
from flopprof.scenarios.operations.ops import Matvec
from flopprof.scenarios.plan.work import OpWork, Unit

STEP = make_step(Matvec(), device="cuda", backend="torch", n=8)

PEAKS = Peaks(
    flops_per_s={("float32", "fma"): 67e12, ("float16", "tensor"): 990e12},
    bytes_per_s=4.8e12,
    source="data sheet",
)


def work(dtype: str, unit: Unit, flops: int) -> OpWork:
    return OpWork(label="op", flops=flops, bytes=8, link_bytes=0, unit=unit, dtype=dtype, itemsize=4)


def line(dtype: str, unit: Unit, flops_per_s: float | None) -> RoofLine:
    return RoofLine(
        device="cuda",
        dtype=dtype,
        unit=unit,
        flops_per_s=flops_per_s,
        bytes_per_s=4.8e12,
        source="data sheet",
        attainable_bytes_per_s=0.92 * 4.8e12,
    )


def test_each_dtype_and_unit_has_its_ceiling_once_and_copies_none():
    ops = [work("float32", "fma", 10), work("float32", "fma", 20), work("float16", "tensor", 1)]
    copies = [work("float64", "fma", 0)]
    assert list_roof_lines([(STEP, PEAKS, ops), (STEP, PEAKS, copies)], ()) == (
        line("float32", "fma", 67e12),
        line("float16", "tensor", 990e12),
    )


def test_an_unknown_rate_leaves_the_bandwidth():
    assert list_roof_lines([(STEP, PEAKS, [work("float64", "fma", 1)])], ()) == (
        line("float64", "fma", None),
    )
