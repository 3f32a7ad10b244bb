from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from drawing.comparison_drawings import (
    CUPY_SUM,
    GEMM,
    MACHINE,
    REDUCE,
    RUN,
    SEGMENTED,
    draw_kernel,
    draw_op,
    draw_run,
    draw_samples,
    draw_step,
)
from drawing.draws import draws
from flopprof.analysis.compare.comparability import refuse_caveats
from flopprof.analysis.compare.compare import compare_by, compare_runs
from flopprof.analysis.errors import CompareError
from flopprof.analysis.runs.records import Gpu
from flopprof.analysis.runs.results import OpResult, RunResult, StepResult
from flopprof.analysis.words import QualityNote
from hypothesis import given
from hypothesis import strategies as st

OPPOSITE = {"same": "same", "unsure": "unsure", "faster": "slower", "slower": "faster"}


def two_axes() -> RunResult:
    """CuPy at two sizes and two axes; axis 1 has another kernel and a third of the time."""
    steps: list[StepResult] = []
    ops: list[OpResult] = []
    for n, slow, fast in ((1000, 14_000, 3_000), (8000, 206_000, 69_000)):
        for axis, kernel, ns in ((0, CUPY_SUM, slow), (1, SEGMENTED, fast)):
            key = f"n{n}axis{axis}"
            steps.append(draw_step(key, 2.0 * ns, params={"n": n, "axis": axis}))
            ops.append(draw_op(key, 0, "outer", draw_kernel(GEMM, ns)))
            ops.append(draw_op(key, 1, "sum", draw_kernel(kernel, ns)))
    return draw_run(*steps, ops=tuple(ops))


def test_steps_pair_by_a_parameter_at_every_size():
    pairs = compare_by(two_axes(), "axis").pairs
    assert [(pair.a.key, pair.b.key, pair.label, pair.value_a, pair.value_b) for pair in pairs] == [
        ("n1000axis0", "n1000axis1", "outer_sum cupy cuda float32 n=1000", "axis=0", "axis=1"),
        ("n8000axis0", "n8000axis1", "outer_sum cupy cuda float32 n=8000", "axis=0", "axis=1"),
    ]


def test_more_than_two_values_are_all_compared_with_the_first():
    steps = [draw_step(f"n{n}", n, params={"n": n}) for n in (1000, 2000, 4000)]
    pairs = compare_by(draw_run(*steps), "n").pairs
    assert [(pair.a.key, pair.b.key) for pair in pairs] == [("n1000", "n2000"), ("n1000", "n4000")]


def test_the_baseline_variant_is_a_and_a_variant_brings_its_mode_along():
    steps = [draw_step("fused", 10, variant="fused", mode="fused"), draw_step("matvec", 20, variant="matvec")]
    run = draw_run(*steps, run=RUN.model_copy(update={"baseline": "matvec"}))
    assert [(pair.a.key, pair.b.key) for pair in compare_by(run, "variant").pairs] == [("matvec", "fused")]


def test_a_variant_without_the_parameter_is_held_against_every_value_of_it():
    steps = [
        draw_step("sum0", 10, params={"n": 1, "axis": 0}),
        draw_step("sum1", 10, params={"n": 1, "axis": 1}),
        draw_step("matvec", 20, variant="matvec", params={"n": 1}),
    ]
    run = draw_run(*steps, run=RUN.model_copy(update={"baseline": "matvec"}))
    assert [(pair.a.key, pair.b.key, pair.label) for pair in compare_by(run, "variant").pairs] == [
        ("matvec", "sum0", "cupy cuda float32 n=1 axis=0"),
        ("matvec", "sum1", "cupy cuda float32 n=1 axis=1"),
    ]
    backwards = compare_by(draw_run(*steps), "variant").pairs
    assert [(pair.a.key, pair.b.key) for pair in backwards] == [("sum0", "matvec"), ("sum1", "matvec")]


def test_failed_steps_and_steps_without_the_parameter_pair_with_nothing():
    steps = [
        draw_step("axis0", 10, params={"n": 1, "axis": 0}),
        draw_step("axis1", 10, params={"n": 1, "axis": 1}),
        draw_step("broken", 10, params={"n": 1, "axis": 2}, status="failed"),
        draw_step("matvec", 10, params={"n": 1}),
    ]
    comparison = compare_by(draw_run(*steps), "axis")
    assert [(pair.a.key, pair.b.key) for pair in comparison.pairs] == [("axis0", "axis1")]
    assert comparison.unmatched_a == ("outer_sum cupy cuda float32 n=1",)


def test_an_unknown_name_lists_the_possible_ones():
    with pytest.raises(CompareError) as caught:
        compare_by(two_axes(), "axes")
    assert str(caught.value) == (
        "runs/r1: nothing is called by 'axes', so there is no comparing by it; "
        "try variant, backend, device, dtype, mode, n, axis"
    )


def test_a_name_that_never_differs_says_so():
    with pytest.raises(CompareError, match="no two things differ in dtype alone"):
        compare_by(two_axes(), "dtype")


def test_runs_without_a_common_step_say_so():
    with pytest.raises(CompareError, match="no measured step in common"):
        compare_runs(draw_run(draw_step("a", 10)), draw_run(draw_step("b", 10)))


def test_the_times_the_ratio_and_the_verdict_of_a_pair():
    pair = compare_by(two_axes(), "axis").pairs[1]
    assert pair.samples == "untraced"
    assert pair.ns_a == np.median(draw_samples(412_000, seed=sum(b"n8000axis0")))
    assert pair.ratio == pytest.approx(69 / 206, rel=0.01)
    assert pair.verdict == "faster"
    assert pair.interval is not None
    assert pair.interval[0] < 69 / 206 < pair.interval[1]
    assert pair.ns_a is not None
    assert pair.ns_b is not None
    assert pair.untraced_delta_ns == pair.ns_b - pair.ns_a


def test_the_sides_are_named_as_selections_where_they_are_one():
    comparison = compare_by(two_axes(), "axis")
    assert (comparison.a, comparison.b) == ("runs/r1:axis=0", "runs/r1:axis=1")
    steps = [draw_step(f"n{n}", n, params={"n": n}) for n in (1000, 2000, 4000)]
    comparison = compare_by(draw_run(*steps), "n")
    assert (comparison.a, comparison.b) == ("runs/r1:n=1000", "runs/r1 by n")


def test_layer_differences_sum_to_the_traced_difference():
    pair = compare_by(two_axes(), "axis").pairs[1]
    known = {layer: ns for layer, ns in pair.delta_ns.items() if ns}
    assert known == pytest.approx({"kernel": -219_200, "launch": -54_800})
    assert pair.delta_ns["compute"] is None
    assert pair.traced_delta_ns == -274_000


def test_a_substituted_kernel_is_paired_with_what_took_its_place():
    outer, total = compare_by(two_axes(), "axis").pairs[1].kernels
    assert (outer.op, outer.kind, outer.presence, outer.ratio) == ("outer", "same", "both", 69 / 206)
    assert (total.op, total.kind, total.presence) == ("sum", "substituted", "both")
    assert total.a is not None
    assert total.b is not None
    assert (total.a.kernel, total.b.kernel) == (CUPY_SUM, SEGMENTED)
    assert (total.a.ns, total.b.ns) == (206_000, 69_000)
    assert (total.a.gbps, total.b.gbps) == (1_000_000 / 206_000, 1_000_000 / 69_000)


def test_instances_of_one_template_belong_together_before_anything_is_substituted():
    wide, tall = REDUCE.format(threads=128, vectors=4), REDUCE.format(threads=512, vectors=1)
    a = draw_op("a", 0, "sum", draw_kernel(wide, 70, block=(32, 4, 1)), draw_kernel("zero", 90))
    b = draw_op("b", 0, "sum", draw_kernel(tall, 75, block=(512, 1, 1)), draw_kernel("fill", 80))
    steps = [draw_step("a", 200, params={"axis": 0}), draw_step("b", 200, params={"axis": 1})]
    kernels = compare_by(draw_run(*steps, ops=(a, b)), "axis").pairs[0].kernels
    found = [(pair.kind, pair.a and pair.a.kernel, pair.b and pair.b.kernel) for pair in kernels]
    assert found == [("substituted", "zero", "fill"), ("template", wide, tall)]


def test_a_kernel_that_only_one_side_runs_has_no_ratio():
    a = draw_op("a", 0, "sum", draw_kernel("reduce", 70))
    b = draw_op("b", 0, "sum", draw_kernel("reduce", 60), draw_kernel("second_pass", 5))
    steps = [draw_step("a", 200, params={"axis": 0}), draw_step("b", 200, params={"axis": 1})]
    both, only = compare_by(draw_run(*steps, ops=(a, b)), "axis").pairs[0].kernels
    assert (both.presence, both.ratio) == ("both", 60 / 70)
    assert (only.presence, only.a, only.ratio) == ("b", None, None)


def test_kernel_times_are_per_rep_so_that_other_rep_counts_compare():
    a = draw_op("a", 0, "sum", draw_kernel("reduce", 70, reps=100))
    b = draw_op("b", 0, "sum", draw_kernel("reduce", 70, reps=50))
    steps = [draw_step("a", 200, params={"axis": 0}), draw_step("b", 200, params={"axis": 1})]
    pair = compare_by(draw_run(*steps, ops=(a, b)), "axis").pairs[0].kernels[0]
    assert pair.a is not None
    assert (pair.a.ns, pair.a.per_rep, pair.ratio) == (140, 2, 0.5)


def test_traced_samples_serve_where_a_side_was_not_timed_untraced():
    traced = draw_samples(500.0, seed=5)
    steps = [
        draw_step("a", 10, params={"axis": 0}, untraced_samples_ns=(), traced_samples_ns=traced),
        draw_step("b", 10, params={"axis": 1}, traced_samples_ns=tuple(2 * ns for ns in traced)),
    ]
    comparison = compare_by(draw_run(*steps), "axis")
    pair = comparison.pairs[0]
    assert (pair.samples, pair.ratio, pair.verdict) == ("traced", pytest.approx(2.0), "slower")
    assert [caveat.code for caveat in comparison.comparable] == ["order", "untraced"]


def test_without_samples_nothing_is_said_about_times():
    steps = [draw_step(f"a{axis}", 10, params={"axis": axis}, untraced_samples_ns=()) for axis in (0, 1)]
    pair = compare_by(draw_run(*steps), "axis").pairs[0]
    assert (pair.samples, pair.ratio, pair.interval, pair.p, pair.verdict) == (
        None,
        None,
        None,
        None,
        "unsure",
    )


def test_a_run_against_itself_is_all_the_same():
    run = two_axes()
    comparison = compare_runs(run, run)
    assert {pair.verdict for pair in comparison.pairs} == {"same"}
    assert {pair.ratio for pair in comparison.pairs} == {1.0}
    assert [(caveat.code, caveat.severity) for caveat in comparison.comparable] == [("identical", "info")]
    assert (comparison.unmatched_a, comparison.unmatched_b) == ((), ())


def test_a_run_of_too_few_reps_against_itself_is_the_same():
    run = draw_run(draw_step("short", 10, reps=5, untraced_samples_ns=(10.0, 12.0, 11.0, 13.0, 9.0)))
    assert compare_runs(run, run).pairs[0].verdict == "same"


@given(st.lists(st.tuples(st.floats(1e3, 1e6), st.floats(1e3, 1e6)), min_size=1, max_size=4))
@draws(15)
def test_swapping_runs_inverts_every_ratio_and_swaps_the_verdicts(times: list[tuple[float, float]]):
    def draw(side: int) -> RunResult:
        return draw_run(
            *(
                draw_step(
                    f"step{at}", pair[side], untraced_samples_ns=draw_samples(pair[side], seed=at + side)
                )
                for at, pair in enumerate(times)
            )
        )

    ahead, back = compare_runs(draw(0), draw(1)), compare_runs(draw(1), draw(0))
    for one, other in zip(ahead.pairs, back.pairs, strict=True):
        assert one.ratio is not None
        assert other.ratio == pytest.approx(1 / one.ratio)
        assert other.verdict == OPPOSITE[one.verdict]
        assert other.traced_delta_ns == -(one.traced_delta_ns or 0)
        assert (other.ns_a, other.ns_b) == (one.ns_b, one.ns_a)


def test_steps_of_only_one_run_are_listed():
    a = draw_run(draw_step("both", 10), draw_step("old", 10, variant="matvec"))
    b = draw_run(draw_step("both", 10), draw_step("new", 10, variant="fused", mode="fused"))
    comparison = compare_runs(a, b)
    assert comparison.unmatched_a == ("matvec cupy cuda float32 n=1000",)
    assert comparison.unmatched_b == ("fused cupy cuda float32 fused n=1000",)


def test_other_hardware_software_and_lost_data_are_said():
    a = draw_run(draw_step("s", 10, reps=40))
    machine = MACHINE.model_copy(
        update={
            "gpus": [Gpu(ordinal=0, name="NVIDIA A100")],
            "versions": {"numpy": "2.4.0", "nsys": "2024.2.3", "cuda_driver": "550.1", "torch": "2.13.0"},
            "settings": {"tf32": "on"},
            "python": "3.13.1",
        }
    )
    lost = QualityNote(code="cuda_lost", severity="error", message="CUDA events were dropped")
    a = replace(a, clocks=("1980 MHz",))
    b = replace(draw_run(draw_step("s", 10)), machine=machine, quality=(lost,), clocks=("1410 MHz",))
    assert [(caveat.code, caveat.message) for caveat in compare_runs(a, b).comparable] == [
        ("gpu", "the GPU differs: NVIDIA H200 and NVIDIA A100"),
        ("clock", "the GPU's top clock differs: 1980 MHz and 1410 MHz"),
        ("versions", "Python differs: 3.11.9 and 3.13.1"),
        ("versions", "nsys differs: 2025.3.2 and 2024.2.3"),
        ("driver", "cuda_driver differs: 580.65 and 550.1"),
        ("versions", "torch differs: absent and 2.13.0"),
        ("settings", "tf32 differs: absent and on"),
        ("lossy", "B lost data: CUDA events were dropped"),
        ("reps", "other number of reps in outer_sum cupy cuda float32 n=1000 (40 and 50)"),
    ]


def test_steps_of_a_run_that_lost_data_are_said_to_be_so_and_refused():
    lost = QualityNote(code="cuda_lost", severity="error", message="CUDA events were dropped")
    comparison = compare_by(replace(two_axes(), quality=(lost,)), "axis")
    assert comparison.comparable[0].message == "A and B lost data: CUDA events were dropped"
    with pytest.raises(CompareError, match="CUDA events were dropped"):
        refuse_caveats(comparison.comparable)


@pytest.mark.parametrize(
    ("order", "name", "says"),
    [
        ("planned", "variant", "timed one after the other"),
        ("interleaved", "variant", "timed in turn (ABBA)"),
        ("interleaved", "n", "timed one after the other"),
    ],
)
def test_steps_of_one_run_say_in_which_order_they_were_timed(
    order: Literal["planned", "interleaved"], name: str, says: str
):
    steps = [
        draw_step(f"{variant}{n}", 10.0, variant=variant, params={"n": n})
        for variant in ("matvec", "outer_sum")
        for n in (1000, 2000)
    ]
    run = draw_run(*steps, run=RUN.model_copy(update={"order": order}))
    (caveat,) = compare_by(run, name).comparable
    assert (caveat.code, caveat.severity) == ("order", "info")
    assert says in caveat.message
