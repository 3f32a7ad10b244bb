"""Programs drawn launch by launch, compared as a user does who knows nothing of how names are read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from drawing.drawn import Call, Drawn, Range, Work
from flopprof.analysis.attribution.steady_instances import Instances
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.compare.comparability import refuse_caveats
from flopprof.analysis.compare.compare import Comparison, compare_sides
from flopprof.analysis.compare.gate import judge_gate
from flopprof.analysis.compare.range_times import measure_ranges
from flopprof.analysis.compare.sides import Side, side_of_trace
from flopprof.analysis.errors import CompareError
from flopprof.reports.comparison.gate_line import annotate_pull_request, describe_gate

Kernels = Sequence[tuple[str, int]]

KERNELS = (("gemm", 300), ("softmax", 100))
SLOWER = (("gemm", 375), ("softmax", 100))


def draw(
    names: Sequence[str],
    kernels: Kernels = KERNELS,
    gpus: Sequence[int] = (0,),
    seed: int = 0,
    noise: float = 0.003,
) -> Drawn:
    """A range for each name, ``outer / inner`` for two, in which each GPU runs the kernels, of so many µs about.

    A range around goes on while it has one name; a name of "" is no range.
    """
    rng, now = np.random.default_rng(seed), 0
    calls: list[Call] = []
    work: list[Work] = []
    ranges: list[Range] = []
    around: Range | None = None
    for name in names:
        outer, _, inner = name.rpartition(" / ")
        begun = now
        for gpu in gpus:
            for kernel, microseconds in kernels:
                calls.append(Call(now, now + 2000))
                end = now + 2500 + round(microseconds * 1000 * rng.lognormal(0, noise))
                work.append(Work(now + 2500, end, call=len(calls) - 1, device=gpu, name=kernel))
                now = end + 1000
        if around is not None and around.name != outer:
            ranges.append(around)
            around = None
        if outer:
            around = Range(begun - 100 if around is None else around.start, now + 100, outer)
        ranges += [Range(begun, now, inner)] if inner else []
        now += 1000
    return Drawn(calls=calls, work=work, ranges=[*ranges, around] if around else ranges)


def compare(a: Drawn, b: Drawn, *maps: str) -> Comparison:
    return compare_sides(side_of_trace(a.trace(), "A"), side_of_trace(b.trace(), "B"), maps)


def tell(comparison: Comparison) -> list[tuple[str, str, int | None, int | None]]:
    """Label, verdict and the instances of each pair."""
    return [(pair.label, pair.verdict, pair.a.reps, pair.b.reps) for pair in comparison.pairs]


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("aten::add, op_id = {0}", "aten::add, op_id = #"),
        ("iter {0}/100", "iter #"),
        ("epoch 2 step {0}", "epoch # step #"),
        ("XlaModule:#hlo_module=jit_step,program_id={0}#", "XlaModule:#hlo_module=jit_step,program_id=##"),
        ("train_step_{0:04d}", "train_step_#"),
        ("chew_{0:04d}", "chew_#"),
        ("[{0}] forward", "[#] forward"),
        ("request 0x{1:x}", "request #"),
        ("work {1:012x}", "work #"),
        ("batch_idx={0} on gpu 0", "batch_idx=# on gpu 0"),
        ("step {0} loss={2:.4f}", "step # loss=#"),
    ],
)
def test_a_slower_step_is_found_whatever_its_instances_are_called(name: str, folded: str):
    def names(first: int) -> list[str]:
        return [
            name.format(n, 0x9E3779B97F4A % (n + 17) * 7919 << 24 | n, n / 7)
            for n in range(first, first + 12)
        ]

    a, b = draw(names(0)), draw(names(40), SLOWER, seed=1)
    assert tell(compare(a, b)) == [(folded, "slower", 12, 12)]
    assert tell(compare(b, a)) == [(folded, "faster", 12, 12)]
    assert judge_gate(compare(a, b), 5, fail_undecided=False).fails
    assert not judge_gate(compare(b, a), 5, fail_undecided=True).fails


def test_layers_within_numbered_steps_are_one_range_each():
    a, b = ([f"step {n + at} / layer_{m}/attn" for n in range(12) for m in range(3)] for at in (0, 50))
    assert tell(compare(draw(a), draw(b, SLOWER, seed=1))) == [
        ("step #", "slower", 12, 12),
        *((f"step # / layer_{m}/attn", "slower", 12, 12) for m in range(3)),
    ]


def test_a_generated_kernel_that_was_renumbered_pairs_with_the_one_in_its_place():
    def names(add: int, sum_: int, other: int) -> list[str]:
        fused = (
            f"triton_poi_fused_add_{add}",
            f"triton_red_fused_sum_{sum_}",
            f"triton_poi_fused_add_{other}",
        )
        return [f"step {n} / {name}" for n in range(12) for name in fused]

    comparison = compare(draw(names(4, 5, 6)), draw(names(6, 7, 8), seed=1))
    assert [pair.b.names["range"] for pair in comparison.pairs] == [
        "step #",
        "triton_poi_fused_add_6",
        "triton_red_fused_sum_7",
        "triton_poi_fused_add_8",
    ]
    assert (comparison.unmatched_a, comparison.unmatched_b) == ((), ())
    same = compare(draw(names(4, 5, 6)), draw(names(4, 5, 6), seed=1))
    assert [pair.label for pair in same.pairs[1:]] == [
        f"step # / {pair.b.names['range']}" for pair in same.pairs[1:]
    ]


def test_numbered_ranges_of_which_each_side_has_one_belong_together():
    comparison = compare(draw(["batch_3"]), draw(["batch_9"], seed=1))
    assert comparison.pairing == ("batch_3 with batch_9",)
    with pytest.raises(
        CompareError, match="no measured range in common: A has layer_3, B has layer_4; to pair"
    ):
        compare(draw(["layer_3"]), draw(["layer_4"]))


@pytest.mark.parametrize("text", ["train_#=fit_#", r"train_(\d+)=fit_\1", "train=fit"])
def test_a_map_may_speak_of_names_in_full_or_folded(text: str):
    a, b = ([f"{name}_{n}" for n in range(at, at + 12)] for name, at in (("train", 0), ("fit", 100)))
    assert tell(compare(draw(a), draw(b, SLOWER), text)) == [("train_# → fit_#", "slower", 12, 12)]


def test_kernels_of_two_gpus_without_ranges_are_told_apart():
    two, one = draw([""] * 12, gpus=(0, 1)), draw([""] * 12, SLOWER, seed=1)
    comparison = compare(two, one)
    assert tell(comparison) == [("gemm [gpu 0]", "slower", 12, 12), ("softmax [gpu 0]", "same", 12, 12)]
    assert comparison.unmatched_a == ("gemm [gpu 1]", "softmax [gpu 1]")
    assert [pair.label for pair in compare(one, two).pairs] == ["gemm [gpu 0]", "softmax [gpu 0]"]


def test_gpus_of_other_numbers_are_compared_in_their_order_and_the_rest_named():
    comparison = compare(draw(["step"] * 12, gpus=(2, 3)), draw(["step"] * 12, seed=1))
    assert [pair.label for pair in comparison.pairs] == ["step [gpu 2] → step [gpu 0]"]
    assert "GPU 3 has work only in A; compared is GPU 2 of A with GPU 0 of B" in [
        caveat.message for caveat in comparison.comparable
    ]


def test_ranges_of_one_side_are_named_and_warned_of():
    comparison = compare(draw(["load", "step"] * 12), draw(["step", "save"] * 12, seed=1))
    gate = judge_gate(comparison, 5, fail_undecided=False)
    assert describe_gate(gate) == (
        "gate: pass: 0 pairs slower by more than 5 %; 1 decided, 0 undecided, "
        "2 (load (only in A), save (only in B)) lost"
    )
    assert annotate_pull_request(comparison, gate).startswith("::warning ")
    assert judge_gate(comparison, 5, fail_undecided=True).fails


@pytest.mark.parametrize("fail_undecided", [False, True])
def test_three_noisy_steps_decide_nothing_and_the_gate_says_so(fail_undecided: bool):
    comparison = compare(draw(["step"] * 3, noise=0.3), draw(["step"] * 3, seed=1, noise=0.3))
    gate = judge_gate(comparison, 5, fail_undecided=fail_undecided)
    assert gate.fails == fail_undecided
    assert describe_gate(gate) == (
        f"gate: {'FAIL' if fail_undecided else 'pass'}: 0 pairs slower by more than 5 %; 0 decided, "
        "1 (step) undecided, 0 lost; nothing was decided, so this says nothing of a regression"
    )
    level = "error" if fail_undecided else "warning"
    assert annotate_pull_request(comparison, gate).startswith(f"::{level} title=flopprof compare::")


@pytest.mark.parametrize(
    ("exporter", "schema", "refused"),
    [
        ("2025.5.1", "3.20.3", None),
        (None, "3.20.3", None),
        ("2025.3.2", "3.21.0", "the export's schema differs: 3.20.3 and 3.21.0"),
        ("2024.2.3", "3.20.0", "nsys differs: 2025.3.2 and 2024.2.3 \\(and 1 more\\)"),
    ],
)
def test_exporters_of_one_schema_compare_strictly(exporter: str | None, schema: str, refused: str | None):
    a, b = draw(["step"] * 12).trace(), draw(["step"] * 12, seed=1).trace()
    a = replace(a, metadata=replace(a.metadata, exporter="2025.3.2"))
    b = replace(b, metadata=replace(b.metadata, exporter=exporter, schema=schema))
    comparison = compare_sides(side_of_trace(a, "A"), side_of_trace(b, "B"))
    with pytest.raises(CompareError, match=refused) if refused else nullcontext():
        refuse_caveats(comparison.comparable)


@pytest.mark.parametrize("names", [["step"] * 12, [""] * 12, ["load", "step"]])
def test_a_drawn_trace_is_the_same_as_itself(names: list[str]):
    comparison = compare(draw(names), draw(names))
    assert {pair.verdict for pair in comparison.pairs} == {"same"}
    assert "identical" in [caveat.code for caveat in comparison.comparable]


def test_kernels_that_one_side_lacks_are_in_what_is_said_of_all():
    """What is paired takes as long as before: a fusion, or twice as many launches, shows in the whole alone."""
    both, one = draw([""] * 12, noise=0), draw([""] * 12, KERNELS[:1], noise=0)
    caveats = {caveat.code: caveat.message for caveat in compare(both, one).comparable}
    assert "identical" not in caveats
    assert caveats["no_ranges"].endswith("launches in all: 24 of 2 kernels in A, 12 of 1 kernel in B")


@pytest.mark.parametrize("threads", [(0, 1), (0, 0)])
def test_steps_of_another_thread_s_gpu_are_no_instances_of_this_one_s(threads: tuple[int, int]):
    """Two ranks in one trace, or a thread for each GPU, against a program on one GPU: nothing changed there."""

    def draw(lengths: tuple[int, ...]) -> Side:
        calls, work, ranges = [], [], []
        for thread, long in enumerate(lengths):
            for at in range(0, 12 * (long + 10), long + 10):
                ranges.append(Range(at, at + long, "step", thread=thread))
                work.append(Work(at + 1, at + long, call=len(calls), device=thread, process=threads[thread]))
                calls.append(Call(at, at + 1, thread=thread))
        trace = Drawn(calls=calls, work=work, ranges=ranges, threads=threads).trace()
        return side_of_trace(trace, "t", wanted=Instances(every=True))

    two, one, slower = draw((400, 600)), draw((400,)), draw((400, 900))
    (pair,) = compare_sides(two, one).pairs
    assert (pair.label, pair.a.reps, pair.ns_a, pair.ns_b) == ("step [gpu 0]", 12, 400, 400)
    pairs = compare_sides(two, slower).pairs
    assert [(pair.label, pair.a.reps, pair.b.reps, pair.ns_a, pair.ns_b) for pair in pairs] == [
        ("step [gpu 0]", 12, 12, 400, 400),
        ("step [gpu 1]", 12, 12, 600, 900),
    ]


def test_idle_time_of_another_thread_s_gpu_makes_no_warm_up():
    """As many steps are set aside as analyze sets aside; the other thread has no range at first, and then always."""
    calls, work, ranges = [], [], []
    for at in range(12):
        begun = at * 1000
        other = begun + (800 if at < 3 else 0)
        ranges += [Range(begun, begun + 1000, "step"), Range(other, begun + 1000, "load", thread=1)]
        for thread, start in enumerate((begun, other)):
            work.append(Work(start + 1, begun + 1000, call=len(calls), device=thread))
            calls.append(Call(start, start + 1, thread=thread))
    trace = Drawn(calls=calls, work=work, ranges=ranges, threads=(0, 0)).trace()
    steps = [(row.range, row.instances) for row in analyze_trace(trace).steps]
    measured = measure_ranges(trace, wanted=Instances())
    assert steps == [("step", 12)]
    assert measured.set_aside == ()
    assert {thing.key: thing.reps for _, thing in measured.things}["step [gpu 0]"] == 12
