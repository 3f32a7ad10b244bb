"""Ranges of a trace with GPU samples: what their kernels moved is evidence for the explanation."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from drawing.traces import unpacked
from flopprof.analysis.compare.compare import Comparison, compare_sides
from flopprof.analysis.compare.sides import read_side
from flopprof.reports.comparison.compose import compose_comparison


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Loops of 20 reps of each op at N = 8000 on an H200, sampled at 100 kHz."""
    return unpacked("gpu_metrics_100khz", tmp_path_factory.mktemp("sampled"))


def compare(trace: Path, a: str, b: str) -> Comparison:
    return compare_sides(read_side(f"{trace}:range={a}"), read_side(f"{trace}:range={b}"), [f"{a}={b}"])


def test_cupys_axis_0_moves_as_many_bytes_at_a_third_of_the_rate(trace: Path):
    document = compose_comparison(compare(trace, "cp_sum0", "cp_sum1"))
    (panel,) = document.explanations
    assert panel.sentences == (
        "Ratio B / A: 0.308× = 0.305× by bandwidth (4347 GB/s against 1328 GB/s: cp_sum0 is underfilled) × 1.01× by "
        "the rest.",
        "cupy_sum (cp_sum0 of A): underfilled: 250 blocks fill 47.3 % of 528 slots, so that too little of the GPU "
        "works, 27.5 % of the memory's roof; 99.6 % of the rep.",
    )
    (found,) = document.data["explanations"]
    assert [factor["name"] for factor in found["factors"]] == ["moved_bytes", "bandwidth", "exposure"]
    assert math.isclose(math.prod(f["ratio"] for f in found["factors"]), found["ratio"], rel_tol=1e-9)


def test_the_bytes_of_an_instance_are_those_that_counters_saw(trace: Path):
    (pair,) = compare(trace, "cp_sum0", "cp_sum1").pairs
    for side in (pair.a, pair.b):
        counters = side.ops[0].counters
        assert counters is not None
        assert counters.source == "gpu_metrics"
        assert counters.dram_read_bytes == pytest.approx(256e6, rel=0.1)


def test_the_same_template_is_held_back_by_its_registers_in_both_libraries(trace: Path):
    panel = compose_comparison(compare(trace, "cp_outer", "outer")).explanations[0]
    assert panel.sentences[1].endswith(
        "low occupancy: 37.5 % of an SM's warps fit, limited by their registers, "
        "34.9 % of the memory's roof; 99.3 % of the rep."
    )
