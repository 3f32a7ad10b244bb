"""Which kernel of B stands where which kernel of A stood: names, templates, then order; never how long it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.comparison_drawings import draw_kernel
from flopprof.analysis.breakdown.rows import KernelRow
from flopprof.analysis.compare.kernel_pairs import pair_kernels
from flopprof.analysis.compare.measured import MeasuredOp


def draw_op(*kernels: tuple[str, int] | tuple[str, int, int]) -> MeasuredOp:
    """Kernels (name, ns, threads of a block) in the order of their launches."""
    rows: list[KernelRow] = []
    for at, (name, ns, *block) in enumerate(kernels):
        row = draw_kernel(name, ns, block=(block[0] if block else 256, 1, 1))
        rows.append(replace(row, first_ns=at))
    return MeasuredOp(op="step", executions=50, kernels=tuple(rows))


def pairs_of(a: MeasuredOp, b: MeasuredOp) -> set[tuple[str | None, str | None, str]]:
    return {
        (pair.a and pair.a.kernel, pair.b and pair.b.kernel, pair.kind) for pair in pair_kernels([a], [b])
    }


def test_what_is_left_pairs_in_the_order_of_launch_not_by_length():
    a = draw_op(("load", 100), ("gemm_old", 900), ("norm_old", 200))
    b = draw_op(("load", 100), ("gemm_new", 150), ("norm_new", 800))
    assert pairs_of(a, b) == {
        ("load", "load", "same"),
        ("gemm_old", "gemm_new", "substituted"),
        ("norm_old", "norm_new", "substituted"),
    }


def test_one_geometry_goes_before_the_order():
    a = draw_op(("one", 100, 128), ("two", 100, 512))
    b = draw_op(("three", 100, 512), ("four", 100, 128))
    assert pairs_of(a, b) == {("one", "four", "substituted"), ("two", "three", "substituted")}


def test_a_kernel_between_others_took_no_place_of_one_behind_them():
    a, b = draw_op(("new", 100), ("mid", 100)), draw_op(("mid", 100), ("late", 100))
    assert pairs_of(a, b) == {("mid", "mid", "same"), ("new", None, "only"), (None, "late", "only")}


@pytest.mark.parametrize(
    ("a", "b", "pairs"),
    [
        ((3, 4), (4, 5), {(3, 4), (4, 5)}),
        ((3, 4), (3, 4), {(3, 3), (4, 4)}),
        ((3, 4), (3, 4, 5), {(3, 3), (4, 4), (None, 5)}),
    ],
)
def test_generated_kernels_that_were_renumbered_are_the_same(
    a: tuple[int, ...], b: tuple[int, ...], pairs: set[tuple[int | None, int | None]]
):
    name = "triton_poi_fused_add_{}".format
    left, right = (draw_op(*((name(number), 100) for number in side)) for side in (a, b))
    named = {
        (
            None if one is None else name(one),
            None if other is None else name(other),
            "same" if one is not None and other is not None else "only",
        )
        for one, other in pairs
    }
    assert pairs_of(left, right) == named


def test_a_number_that_nobody_generated_is_part_of_the_name():
    assert pairs_of(draw_op(("gemm", 300), ("gemm2", 100)), draw_op(("gemm2", 300), ("gemm", 100))) == {
        ("gemm", "gemm", "same"),
        ("gemm2", "gemm2", "same"),
    }
