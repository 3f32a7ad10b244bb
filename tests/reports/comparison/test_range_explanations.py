"""Ranges of a trace with GPU samples: what their kernels moved is evidence for the explanation."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from drawing.traces import recorded, unpacked
from flopprof.analysis.compare.compare import Comparison, compare_sides
from flopprof.analysis.compare.sides import read_side
from flopprof.reports.comparison.compose import compose_comparison
from flopprof.reports.document.document import Document
from flopprof.reports.render.formats import render_document


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
        "works, 27.5 % of the memory's roof; 99.6 % of the instance, up to 71.9 % of the difference.",
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


def test_registers_that_one_template_takes_in_both_libraries_make_no_difference(trace: Path):
    """37.5 % of the warps fit in CuPy's outer product and in PyTorch's, which is 1.6 times as fast."""
    document = compose_comparison(compare(trace, "cp_outer", "outer"))
    (panel,) = document.explanations
    assert panel.sentences[1:] == (
        "A: no cause was found: what was measured shows none of those that are known; samples see no single accesses, "
        "which Nsight Compute counts.",
    )
    assert document.data["explanations"][0]["causes"] == []


def _all_texts(document: Document) -> str:
    """Everything a comparison says and draws, without the glossary that all pages carry."""
    drawn = [
        text
        for section in document.sections
        for figure in section.figures
        for text in (figure.title, figure.alt, figure.x_label, figure.y_label, figure.caption)
    ]
    picture = document.picture
    drawn += [picture.alt, picture.of] if picture else []
    return "\n".join([render_document(document, "markdown"), *drawn, str(document.data["explanations"])])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("cases/numbered_steps/a", "cases/numbered_steps/b_slower"),
        ("cases/no_nvtx/a", "cases/no_nvtx/b"),
        ("cases/warmup_delta/a", "cases/warmup_delta/b"),
    ],
)
def test_what_has_no_reps_is_told_by_its_instances(a: str, b: str):
    left, right = (read_side(str(recorded(name))) for name in (a, b))
    said = _all_texts(compose_comparison(compare_sides(left, right, [])))
    assert re.findall(r"\breps?\b", said) == []
    assert "Traced time of an instance from A to B" in said
