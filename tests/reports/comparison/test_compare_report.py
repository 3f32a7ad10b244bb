from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import pytest
from drawing.comparison_drawings import (
    CUPY_SUM,
    GEMM,
    REDUCE,
    SEGMENTED,
    draw_kernel,
    draw_op,
    draw_run,
    draw_step,
)
from flopprof.analysis.compare.compare import Comparison, compare_by, compare_runs
from flopprof.analysis.runs.results import RunResult
from flopprof.reports.charts.chart import draw_canvas
from flopprof.reports.charts.colours import PRINT
from flopprof.reports.comparison.compose import compose_comparison
from flopprof.reports.comparison.figures import spread_figure, waterfall_figure
from flopprof.reports.comparison.pair_headlines import compose_pair_headlines
from flopprof.reports.comparison.sentences import describe_kernels, describe_pairs, summarise
from flopprof.reports.data.comparison_json import comparison_to_json
from flopprof.reports.document.document import Name, Table
from flopprof.reports.render.json_text import render_json
from flopprof.reports.render.markdown import render_markdown


def compare_axes(kernel_0: str, kernel_1: str, ns_0: int = 206_000, ns_1: int = 69_000) -> Comparison:
    """Two axes of one sum at n=8000; the blocks are 128×4 and 512."""
    steps = [
        draw_step(f"axis{axis}", 2.0 * ns, params={"n": 8000, "axis": axis})
        for axis, ns in ((0, ns_0), (1, ns_1))
    ]
    ops = (
        draw_op("axis0", 0, "outer", draw_kernel(GEMM, 100_000)),
        draw_op("axis0", 1, "sum", draw_kernel(kernel_0, ns_0, block=(128, 4, 1))),
        draw_op("axis1", 0, "outer", draw_kernel(GEMM, 100_000)),
        draw_op("axis1", 1, "sum", draw_kernel(kernel_1, ns_1, block=(512, 1, 1))),
    )
    return compare_by(draw_run(*steps, ops=ops), "axis")


def find_table(comparison: Comparison, name: str) -> Table:
    tables = [table for section in compose_comparison(comparison).sections for table in section.tables]
    return next(table for table in tables if table.name == name)


def test_a_substitution_is_a_sentence():
    assert describe_kernels(compare_axes(CUPY_SUM, SEGMENTED).pairs) == [
        "sum: A's `cupy_sum` became B's `DeviceFixedSizeSegmentedReduceKernel` "
        "(grid / block 1000 / 128×4 and 1000 / 512; 4.85 and 14.5 GB/s): 206 µs → 69.0 µs, 2.99× faster "
        "at outer_sum cupy cuda float32 n=8000."
    ]


def test_one_template_with_another_block_is_said_to_be_one_template():
    wide, tall = REDUCE.format(threads=128, vectors=4), REDUCE.format(threads=512, vectors=1)
    (sentence,) = describe_kernels(compare_axes(wide, tall, 74_000, 71_000).pairs)
    assert sentence == (
        "sum: A's `at::native::reduce_kernel<128, 4, ReduceOp<…>>` and B's "
        "`at::native::reduce_kernel<512, 1, ReduceOp<…>>` are one template "
        "(grid / block 1000 / 128×4 and 1000 / 512; 13.5 and 14.1 GB/s): 74.0 µs → 71.0 µs, 1.04× faster "
        "at outer_sum cupy cuda float32 n=8000."
    )


def test_the_waves_of_a_kernel_are_told_once_by_the_cause_that_they_are():
    """Beside them stand grid and block; a kernel whose waves explain nothing has them in the table alone."""
    comparison = compare_axes(CUPY_SUM, SEGMENTED)
    (pair,) = comparison.pairs
    kernels = tuple(
        replace(k, b=replace(k.b, launches=(replace(k.b.launches[0], waves=7.576),)))
        for k in pair.kernels
        if k.op == "sum" and k.b is not None
    )
    (sentence,) = describe_kernels([replace(pair, kernels=kernels)])
    assert "(grid / block 1000 / 128×4 and 1000 / 512; 4.85" in sentence


def test_kernels_in_sentences_are_code_in_markdown():
    text = render_markdown(compose_comparison(compare_axes(CUPY_SUM, SEGMENTED)))
    assert "- sum: A's `cupy_sum` became B's `DeviceFixedSizeSegmentedReduceKernel` (grid" in text


def test_a_name_with_backticks_is_one_piece_of_code_in_a_sentence():
    text = render_markdown(compose_comparison(compare_axes("a`@b`|*c", SEGMENTED)))
    assert "- sum: A's `a'@b'|*c` became B's `DeviceFixed" in text


def test_an_unchanged_kernel_is_no_sentence():
    assert describe_kernels(compare_axes(CUPY_SUM, CUPY_SUM).pairs) == []


def test_a_decided_pair_is_a_sentence_with_its_certainty():
    (sentence,) = describe_pairs(compare_axes(CUPY_SUM, SEGMENTED).pairs)
    assert sentence == (
        "outer_sum cupy cuda float32 n=8000: axis=1 is 2.99× faster than axis=0, 412 µs → 138 µs "
        "(ratio 0.335×, 0.335× to 0.335×; untraced); traced difference -274 µs, kernel -219 µs."
    )


def test_the_sizes_of_a_sweep_share_a_sentence():
    """Told of the size with most time at stake; what went the other way is a sentence of its own."""

    def draw(*ns: float) -> RunResult:
        return draw_run(
            *(draw_step(f"n={n}", ns, params={"n": n}) for n, ns in zip((10, 20, 30, 40), ns, strict=True))
        )

    before, after = draw(100, 1_000, 10_000, 100_000), draw(110, 1_300, 15_000, 50_000)
    faster, slower = describe_pairs(compare_runs(before, after).pairs)
    assert " n=40: B is 2.00× faster than A, 100 µs → 50.0 µs " in faster and "other size" not in faster
    assert " n=30: B is 1.50× slower than A, 10.0 µs → 15.0 µs " in slower
    assert slower.endswith("; at 2 other sizes 1.10× slower to 1.30× slower.")


def test_the_summary_counts_verdicts():
    comparison = compare_axes(CUPY_SUM, SEGMENTED)
    assert summarise(comparison) == "1 pair: 1 faster (B against A)."
    run = draw_run(draw_step("a", 10), draw_step("b", 10))
    assert summarise(compare_runs(run, run)) == "2 pairs: 2 same (B against A)."


def test_the_kernel_table_shows_both_sides_and_their_geometry():
    table = find_table(compare_axes(CUPY_SUM, SEGMENTED, 90_000), "kernels")
    headings = [column.heading for column in table.columns]
    assert dict(zip(headings, table.rows[0].cells, strict=True)) == {
        "op": "outer",
        "kernel axis=0": Name(
            full=GEMM, short="cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>"
        ),
        "kernel axis=1": Name(
            full=GEMM, short="cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>"
        ),
        "axis=0": 100_000,
        "axis=1": 100_000,
        "ratio": 1.0,
        "launch axis=0": "1000 / 256",
        "launch axis=1": "1000 / 256",
        "registers axis=0": 32,
        "registers axis=1": 32,
        "occupancy axis=0": 1.0,
        "occupancy axis=1": 1.0,
        "waves axis=0": 1000 / 1056,
        "waves axis=1": 1000 / 1056,
        "axis=0 GB/s": 10.0,
        "axis=1 GB/s": 10.0,
    }


def test_the_layer_table_shows_layers_that_changed_beside_the_untraced_difference():
    table = find_table(compare_axes(CUPY_SUM, SEGMENTED), "layers")
    assert [column.key for column in table.columns] == [
        "label",
        "traced_delta_ns",
        "kernel",
        "launch",
        "untraced_delta_ns",
    ]
    assert table.rows[0].cells[1:] == pytest.approx((-274_000, -219_200, -54_800, -274_000), rel=1e-3)


def test_pairs_of_different_values_carry_them_in_their_label():
    steps = [draw_step(f"n{n}", n, params={"n": n}) for n in (1000, 2000, 4000)]
    table = find_table(compare_by(draw_run(*steps), "n"), "pairs")
    assert [row.cells[0] for row in table.rows] == [
        "outer_sum n=1000 → n=2000",
        "outer_sum n=1000 → n=4000",
    ]
    assert [column.title for column in table.columns][1:3] == ["A", "B"]


def test_what_makes_the_sides_hard_to_compare_comes_first():
    a, b = draw_run(draw_step("a", 10, reps=50)), draw_run(draw_step("a", 10, reps=40))
    document = compose_comparison(compare_runs(a, b))
    assert [notice.text for notice in document.warnings] == [
        "other number of reps in outer_sum cupy cuda float32 n=1000 (50 and 40)"
    ]


def test_the_json_has_every_key_of_the_contract():
    plain = json.loads(render_json(comparison_to_json(compare_axes(CUPY_SUM, SEGMENTED))))
    assert plain["flopprof"] == 1
    assert {"a", "b", "comparable", "pairs"} <= plain.keys()
    (pair,) = plain["pairs"]
    assert {
        "key_a",
        "key_b",
        "label",
        "ratio",
        "interval",
        "p",
        "verdict",
        "samples",
        "delta_ns",
    } <= pair.keys()
    assert (pair["key_a"], pair["key_b"], pair["verdict"]) == ("axis0", "axis1", "faster")
    assert pair["delta_ns"]["kernel"] == pytest.approx(-219_200)
    kernel = next(kernel for kernel in pair["kernels"] if kernel["op"] == "sum")
    assert {name: kernel[name] for name in ("in", "kernel_a", "kernel_b", "ns_a", "ns_b", "ratio")} == {
        "in": "both",
        "kernel_a": CUPY_SUM,
        "kernel_b": SEGMENTED,
        "ns_a": 206_000,
        "ns_b": 69_000,
        "ratio": 69 / 206,
    }
    assert kernel["launches_a"][0]["block"] == [128, 4, 1]
    assert kernel["launches_b"][0]["block"] == [512, 1, 1]


def test_hostile_names_reach_no_terminal():
    comparison = compare_axes("bad\x1b[31m", "worse\x1b]0;title\x07")
    document = compose_comparison(replace(comparison, a="runs/\x1b[2J"))
    shown = repr([document.about, document.verdicts, document.sections])
    assert "\\x1b[" not in shown.replace("\\\\x1b", "")


@pytest.mark.parametrize("variant", ["outer_sum", "outer_product_then_sum"])
def test_titles_of_panels_side_by_side_do_not_run_into_each_other(variant: str):
    steps = [
        draw_step(
            f"{n}{axis}", 1000.0 + axis, variant="outer_product_then_sum", params={"n": n, "axis": axis}
        )
        for n in (1000, 2000, 4000)
        for axis in (0, 1)
    ]
    pairs = compare_by(draw_run(*steps), "axis").pairs
    for figure in (spread_figure(pairs), waterfall_figure(pairs)):
        assert figure is not None
        canvas = draw_canvas(figure, PRINT)
        canvas.draw_without_rendering()
        boxes = [axes.title.get_window_extent() for axes in canvas.axes if axes.get_visible()]
        assert len(boxes) == 3
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        assert all(canvas.bbox.x0 <= box.x0 and box.x1 <= canvas.bbox.x1 for box in boxes)


def test_what_is_not_decided_says_who_took_how_many_times_the_time_of_whom():
    a, b = (
        draw_run(draw_step("s", ns, untraced_samples_ns=(ns, 2 * ns, ns))) for ns in (100_000.0, 50_000.0)
    )
    (said,) = compose_pair_headlines(compare_runs(a, b).pairs)
    told = "no verdict between B and A: B took 0.500× the time of A (100 µs → 50.0 µs)."
    assert said == f"outer_sum cupy cuda float32 n=1000: {told}"
