"""Traces whose right answer is known by construction: drawn kernels of 300, 100, 300 and 60 µs a step."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.drawn import Drawn, Range
from drawing.tree import DATA
from flopprof.analysis.attribution.steady_instances import Instances
from flopprof.analysis.compare.compare import Comparison, Pair, compare_by, compare_sides
from flopprof.analysis.compare.gate import judge_gate
from flopprof.analysis.compare.sides import STEADY, read_side, side_of_trace
from flopprof.analysis.errors import CompareError
from flopprof.reports.comparison.compose import compose_comparison
from flopprof.reports.comparison.gate_line import annotate_pull_request, describe_gate

CASES = DATA / "cases"


def compare(case: str, a: str, b: str, *maps: str, wanted: Instances = STEADY) -> Comparison:
    sides = [read_side(str(CASES / case / f"{name}.sqlite.xz"), wanted=wanted) for name in (a, b)]
    return compare_sides(*sides, maps=maps)


def tell(pair: Pair) -> tuple[str, float, float, str]:
    """Label, both times in whole µs, verdict."""
    assert pair.ns_a is not None and pair.ns_b is not None
    return pair.label, round(pair.ns_a / 1e3), round(pair.ns_b / 1e3), pair.verdict


def kernels_of(pair: Pair) -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (kernel.a.kernel, kernel.b.kernel): (round(kernel.a.ns / 1e3), round(kernel.b.ns / 1e3))
        for kernel in pair.kernels
        if kernel.a is not None and kernel.b is not None
    }


def test_numbered_steps_are_one_range_and_a_slower_one_fails_the_gate():
    comparison = compare("numbered_steps", "a", "b_slower")
    assert [tell(pair) for pair in comparison.pairs] == [("training_step_#", 960, 1188, "slower")]
    assert comparison.pairs[0].ratio == pytest.approx(1.2375)
    assert (comparison.pairs[0].a.reps, comparison.pairs[0].b.reps) == (12, 12)
    gate = judge_gate(comparison, 5, fail_undecided=False)
    assert gate.fails
    assert describe_gate(gate) == (
        "gate: FAIL: 1 pair slower by more than 5 % (training_step_#); 1 decided, 0 undecided, 0 lost"
    )
    assert annotate_pull_request(comparison, gate) == (
        "::error title=flopprof compare::FAIL: 1 pair slower by more than 5 %25 (training_step_#); 1 decided, "
        "0 undecided, 0 lost. training_step_# 1.24× slower, 960 µs → 1188 µs."
    )


def test_other_numbers_are_no_difference():
    comparison = compare("numbered_steps", "a", "b_other_numbers")
    assert [tell(pair) for pair in comparison.pairs] == [("training_step_#", 960, 960, "same")]
    assert any("training_step_100" in line for line in comparison.pairing)
    gate = judge_gate(comparison, 5, fail_undecided=True)
    assert (gate.fails, gate.decided, gate.undecided, gate.lost) == (False, 1, (), ())


def test_exact_names_keep_steps_apart_and_the_gate_says_that_nothing_was_decided():
    exact = Instances(exact_names=True)
    comparison = compare("numbered_steps", "a", "b_slower", wanted=exact)
    gate = judge_gate(comparison, 5, fail_undecided=False)
    assert (len(comparison.pairs), gate.fails, gate.decided, len(gate.undecided)) == (12, False, 0, 12)
    assert "nothing was decided" in describe_gate(gate)
    assert judge_gate(comparison, 5, fail_undecided=True).fails
    with pytest.raises(CompareError):
        compare("numbered_steps", "a", "b_other_numbers", wanted=exact)


def test_layers_kernels_and_verdict_speak_of_the_same_steady_steps():
    comparison = compare("warmup_delta", "a", "b")
    (pair,) = comparison.pairs
    assert tell(pair) == ("step", 960, 1060, "slower")
    assert (pair.a.reps, pair.b.reps) == (18, 20)
    assert pair.traced_delta_ns == pytest.approx(100e3)
    assert pair.delta_ns["kernel"] == pytest.approx(100e3, rel=0.01)
    assert kernels_of(pair)["gemm", "gemm"] == (300, 400)
    assert "the first 2 of 20 of step" in " ".join(caveat.message for caveat in comparison.comparable)
    sentence = compose_comparison(comparison).verdicts[0]
    assert "1.10× slower" in sentence and "traced difference 100 µs" in sentence and "−" not in sentence


def test_skip_and_all_say_which_steps_count():
    assert compare("warmup_delta", "a", "b", wanted=Instances(skip=5)).pairs[0].a.reps == 15
    assert compare("warmup_delta", "a", "b", wanted=Instances(every=True)).pairs[0].a.reps == 20


def notes_of(comparison: Comparison) -> list[tuple[str, str, str]]:
    aside = ("warm_up", "skipped_all", "skipped_none")
    return [(one.code, one.severity, one.message) for one in comparison.comparable if one.code in aside]


def test_what_skip_sets_aside_is_called_that():
    assert notes_of(compare("warmup_delta", "a", "b", wanted=Instances(skip=5))) == [
        ("warm_up", "info", f"set aside by --skip in {side}: the first 5 of 20 of step") for side in "AB"
    ]


def test_of_instances_that_are_all_skipped_the_last_is_compared_and_said():
    comparison = compare("warmup_delta", "a", "b", wanted=Instances(skip=20))
    assert comparison.pairs[0].a.reps == 1
    meaning = "--skip asks to leave out every instance of a range, so its last one is kept"
    assert [one for one in notes_of(comparison) if one[0] == "skipped_all"] == [
        (
            "skipped_all",
            "warning",
            f"{meaning} (in {side}: step has 20 instances, --skip 20 was asked, 1 is kept)",
        )
        for side in "AB"
    ]
    fewer = compare("warmup_delta", "a", "b", wanted=Instances(skip=19))
    assert [one[0] for one in notes_of(fewer)] == ["warm_up", "warm_up"]


@pytest.mark.parametrize(("skip", "said"), [(2, True), (0, False), (None, False)])
def test_skipping_of_traces_in_which_nothing_repeats_is_said(skip: int | None, said: bool):
    ranges = [Range(at * 100, at * 100 + 50, f"part {'abcd'[at]}") for at in range(4)]
    a, b = (side_of_trace(Drawn(ranges=ranges).trace(), name, wanted=Instances(skip=skip)) for name in "AB")
    message = (
        "--skip leaves nothing out: no range repeats that could be a step "
        "(in A and B: --skip 2 was asked; a step has 5 instances or more)"
    )
    assert notes_of(compare_sides(a, b)) == [("skipped_none", "warning", message)] * said


def test_the_halves_of_one_trace_say_what_is_set_aside():
    side = read_side(str(CASES / "warmup_delta" / "a.sqlite.xz"), wanted=Instances(skip=5))
    things = (replace(side.things[0], names={"range": "step", "axis": str(at)}) for at in range(2))
    halves = compare_by(replace(side, things=tuple(things)), "axis")
    assert notes_of(halves) == [
        ("warm_up", "info", "set aside by --skip in A and B: the first 5 of 20 of step")
    ]


def test_a_map_pairs_the_kernels_within():
    (pair,) = compare("renamed_range", "a", "b", "step=iteration").pairs
    assert kernels_of(pair) == {("gemm", "gemm"): (300, 450), ("softmax", "softmax"): (100, 100)}
    assert all(kernel.presence == "both" for kernel in pair.kernels)


def test_a_map_that_changes_nothing_says_so():
    comparison = compare("renamed_range", "a", "b", "step=iteration", "stpe=iteration", "softmax=gemm")
    assert [tell(pair)[0] for pair in comparison.pairs] == ["step → iteration"]
    assert [(one.severity, one.message) for one in comparison.comparable if one.code == "map"] == [
        (
            "warning",
            f"--map {text} changes nothing: no range of A becomes one of B by it that was not paired so",
        )
        for text in ("stpe=iteration", "softmax=gemm")
    ]


def test_without_ranges_whole_traces_compare_kernel_by_kernel():
    comparison = compare("no_nvtx", "a", "b")
    assert [tell(pair) for pair in comparison.pairs] == [
        ("gemm", 300, 450, "slower"),
        ("softmax", 100, 100, "same"),
    ]
    assert [(pair.a.reps, pair.b.reps) for pair in comparison.pairs] == [(12, 12), (12, 12)]


@pytest.mark.parametrize(("a", "b", "alone"), [("two_gpus", "one_gpu", "A"), ("one_gpu", "two_gpus", "B")])
def test_a_gpu_of_one_side_is_named_and_the_other_compared(a: str, b: str, alone: str):
    comparison = compare("gpu_on_one_side", a, b)
    assert [tell(pair) for pair in comparison.pairs] == [("step [gpu 0]", 960, 960, "same")]
    messages = [caveat.message for caveat in comparison.comparable]
    assert f"GPU 1 has work only in {alone}; compared is GPU 0" in messages


def test_a_side_without_device_work_is_refused():
    host = read_side(str(DATA / "nvtx_all_types_2024.2.sqlite.xz"))
    device = read_side(str(CASES / "warmup_delta" / "a.sqlite.xz"))
    for sides in ((host, device), (device, host)):
        with pytest.raises(CompareError, match="has no device work"):
            compare_sides(*sides)


def test_a_trace_against_itself_says_so():
    comparison = compare("warmup_delta", "a", "a")
    assert "identical" in [caveat.code for caveat in comparison.comparable]


def test_steps_of_one_length_whose_kernels_differ_are_no_one_measurement():
    comparison = compare("numbered_steps", "a", "b_other_numbers")
    assert [tell(pair) for pair in comparison.pairs] == [("training_step_#", 960, 960, "same")]
    assert "identical" not in [caveat.code for caveat in comparison.comparable]
