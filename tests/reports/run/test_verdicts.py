"""Why: sentences about layers, kernels, the roof and launches, each with the numbers it rests on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from drawing.report_samples import (
    axes_run,
    copying_run,
    cpu_run,
    embedded_run,
    gpu_run,
    gpu_step,
    lossy_run,
    single_run,
    uncontrolled_run,
)
from flopprof.analysis.runs.results import OpResult, RunResult
from flopprof.analysis.words import QualityNote
from flopprof.reports.document.numbers import format_value
from flopprof.reports.run.compose import compose
from flopprof.reports.run.publish import render


def why(result: RunResult, panel: int = 0) -> tuple[str, ...]:
    return compose(result).explanations[panel].sentences


def with_samples(result: RunResult, shift: float, jitter: float) -> RunResult:
    """Both variants of the first panel at the largest size, the second slower by ``shift``."""
    base = result.steps[4]
    noise = [1 + jitter * ((i * 7919) % 101 - 50) / 50 for i in range(50)]
    steps = []
    for variant, factor in (("matvec", 1.0), ("outer_sum", 1 + shift)):
        times = tuple(100_000 * factor * noise[i if factor == 1 else -i - 1] for i in range(50))
        steps.append(
            replace(
                base,
                key=variant,
                variant=variant,
                untraced_ns=100_000 * factor,
                untraced_samples_ns=times,
            )
        )
    return replace(result, steps=tuple(steps), ops=())


def test_a_difference_inside_two_percent_is_called_none():
    sentence = compose(with_samples(gpu_run(), 0.005, 0.001)).verdicts[0]
    assert "outer_sum takes as long as matvec, 1.00× its time, at equal FLOPs" in sentence


def test_a_difference_lost_in_noise_gets_no_verdict():
    sentence = compose(with_samples(gpu_run(), 0.03, 0.3)).verdicts[0]
    assert "no verdict between outer_sum and matvec, 1.03× its time, at equal FLOPs" in sentence


def test_no_verdict_says_what_it_lacks():
    sentence = compose(with_samples(gpu_run(), 0.03, 0.3)).verdicts[0]
    assert "; no verdict as the interval includes 1, and about " in sentence
    assert sentence.split(" and about ")[1].split(")")[0].endswith(" more reps a side would decide")


def test_samples_that_say_nothing_of_the_ratio_have_no_interval():
    """Nothing like "0.00000921× to 88896×"."""
    whole = with_samples(gpu_run(), 0.0, 0.0)
    wild = tuple(
        replace(
            step, untraced_samples_ns=tuple(1e2 if (i * 37 + shift) % 50 < 25 else 1e8 for i in range(50))
        )
        for shift, step in enumerate(whole.steps)
    )
    sentence = compose(replace(whole, steps=wild)).verdicts[0]
    assert "whose samples differ too much for an interval; no verdict as the interval includes 1)" in sentence


def test_under_ten_samples_are_named_as_what_a_verdict_lacks():
    whole = with_samples(gpu_run(), 0.03, 0.02)
    steps = tuple(replace(s, untraced_samples_ns=s.untraced_samples_ns[:9]) for s in whole.steps)
    sentence = compose(replace(whole, steps=steps)).verdicts[0]
    assert "no verdict between outer_sum and matvec, 1.03× its time," in sentence
    assert "; no verdict as it needs 10 samples and has 9)" in sentence


@pytest.mark.parametrize(
    ("shift", "mean", "said"),
    [
        (0.005, 1.5, "the medians are alike and the means are not"),
        (0.2, 0.9, "the medians and the means say opposite things"),
    ],
)
def test_medians_that_contradict_the_means_give_no_verdict(shift: float, mean: float, said: str):
    whole = with_samples(gpu_run(), shift, 0.001)
    slow = replace(whole.steps[1], untraced_ns=mean * 100_000)
    sentence = compose(replace(whole, steps=(whole.steps[0], slow))).verdicts[0]
    assert f"no verdict between outer_sum and matvec, {format_value(mean, 'ratio')} its time," in sentence
    assert f"; no verdict as {said})" in sentence


@pytest.mark.parametrize(
    ("noisy", "traced", "said"),
    [
        (True, 1.0, "no verdict as it is noisy, and the traced pass says 1.00×)"),
        (True, 0.8, "no verdict as it is noisy, and the traced pass says 0.800×)"),
        (True, 1.5, "95 % interval"),
        (False, 1.0, "95 % interval"),
    ],
)
def test_noisy_passes_that_contradict_each_other_give_no_verdict(noisy: bool, traced: float, said: str):
    """On a busy machine: 1.39x untraced and 1.0x traced."""
    whole = with_samples(gpu_run(), 0.39, 0.001)
    steps = tuple(
        replace(step, traced_ns=120_000 * factor, tracing_ns=20_000.0, noisy=noisy)
        for step, factor in zip(whole.steps, (1.0, (100_000 * traced + 20_000) / 120_000), strict=True)
    )
    result = replace(whole, steps=steps)
    sentence = compose(result).verdicts[0]
    assert said in sentence
    assert ("no verdict" in sentence) is ("no verdict" in said)
    (verdict,) = json.loads(render(result, "json"))["verdicts"]
    assert (verdict["verdict"] == "unsure") is ("no verdict" in said)


def test_without_samples_there_is_no_interval():
    whole = gpu_run()
    steps = tuple(replace(step, untraced_samples_ns=()) for step in whole.steps)
    assert "no interval, under two samples" in compose(replace(whole, steps=steps)).verdicts[0]


def test_the_layer_that_holds_the_difference_is_named_with_its_share():
    assert why(gpu_run())[0] == (
        "outer_sum's traced window is 1552 µs longer a rep than matvec's: kernel +1546 µs (99.6 %)."
    )


def test_on_the_cpu_it_is_compute():
    assert why(cpu_run())[0].endswith("than matvec's: compute +147 ms (99.0 %).")


def test_without_device_times_the_layer_is_unknown():
    assert why(embedded_run())[0] == (
        "Which layer holds the difference is unknown: the trace holds no activity of this device."
    )


def test_lost_device_work_leaves_no_share_of_the_roof_and_no_region_of_launches():
    sentences = why(lossy_run())
    assert sentences[0] == (
        "The trace lost device work (dropped_events): layers and kernels here are of what is left; "
        "untraced times are whole."
    )
    assert sentences[-3:-1] == (
        "No share of the roof for matvec, outer_sum: "
        "the trace lost device work, so the time of its kernels is too low.",
        "Where launching bounds a step is unknown: it takes untraced times and a whole trace of the GPU.",
    )
    assert not [said for said in sentences if "Share of the roof" in said or "launch-bound" in said]


def test_the_tables_of_a_lossy_trace_say_which_columns_lack_something():
    notes = [note for section in compose(lossy_run()).sections for note in section.tables[0].notes]
    lost = "cupy cuda float32: the trace lost device work (dropped_events), "
    assert [note.removeprefix(lost) for note in notes if note.startswith(lost)] == [
        "layers are of what is left.",
        "rates and roof are unknown and times are of what is left.",
    ]


def test_a_loss_is_held_against_the_trace_it_is_in_alone():
    note = QualityNote(
        code="cuda_events_lost",
        severity="error",
        message="torch-cuda: the profiler lost CUDA events",
        affects=("kernels", "windows"),
    )
    result = replace(gpu_run(), quality=(note,))
    assert why(result, 0) == why(gpu_run(), 0)
    assert why(result, 1)[0].startswith("The trace lost device work (cuda_events_lost)")
    assert why(result, 2) == why(gpu_run(), 2)


def test_the_side_without_a_traced_window_is_the_one_named():
    whole = with_samples(gpu_run(), 0.5, 0.001)
    for at, name in ((0, "matvec"), (1, "outer_sum")):
        steps = [
            replace(step, window=None, per_rep=None) if i == at else step
            for i, step in enumerate(whole.steps)
        ]
        assert why(replace(whole, steps=tuple(steps)))[0] == (
            f"Which layer holds the difference between outer_sum and matvec is unknown: {name} has no traced window."
        )


def test_kernels_of_a_step_are_named_with_their_share():
    assert why(gpu_run())[2] == (
        "outer_sum: 1942 µs in kernels; sum 57.0 % (cupy_sum), "
        "outer 43.0 % (Kernel2<cutlass_80_simt_sgem…8x32_8x5_tn_align1>)."
    )


def test_a_kernel_that_gave_way_to_another_is_told_with_both_shapes():
    assert why(axes_run())[3] == (
        "sum: cupy_sum (outer_sum axis=0, grid 5000×4, block 512) became "
        "cub::…::DeviceFixedSizeSegmentedReduceKernel (outer_sum axis=1, grid 5000×4, block 128×4); "
        "1107 µs against 396 µs, 2.79× faster."
    )


def test_a_kernel_that_leaves_much_of_the_gpu_empty_is_told_with_its_blocks():
    whole = axes_run()

    def place(op: OpResult) -> OpResult:
        kernels = [
            replace(k, launches=tuple(replace(launch, slots=528, waves=250 / 528) for launch in k.launches))
            for k in op.kernels
        ]
        return replace(op, kernels=tuple(kernels) if op.op.startswith("sum") else op.kernels)

    told = why(replace(whole, ops=tuple(place(op) for op in whole.ops)))
    assert any("(cupy_sum, 20000 blocks fill 47.3 % of 528 slots)" in sentence for sentence in told)
    assert any("grid 5000×4, block 512, 20000 blocks fill 47.3 % of 528 slots) became" in s for s in told)


def test_variants_of_other_ops_substitute_nothing():
    assert not [sentence for sentence in why(gpu_run()) if "became" in sentence]


def test_the_ratio_is_followed_over_the_sizes():
    assert (
        "Over 5 points outer_sum takes 3.27× (n=1000, 43.5 µs) to 7.44× (n=4000, 152 µs) the time of matvec."
    ) in why(gpu_run())


def test_the_roof_is_told_with_its_bound_and_source():
    assert (
        "Share of the roof at n=20000: matvec 93.9 % (memory-bound), outer_sum 38.3 % (memory-bound); "
        "roof: measured: copy 4300 GB/s."
    ) in why(gpu_run())


def test_shares_at_one_size_are_not_put_under_one_of_the_axes():
    (told,) = [said for said in why(axes_run()) if said.startswith("Share of the roof")]
    assert told.startswith("Share of the roof at n=20000: outer_sum axis=0 ")


def test_without_kernel_times_the_share_of_the_roof_is_unknown():
    assert (
        "No share of the roof for matvec, outer_sum: how long their kernels took was not recorded."
    ) in why(embedded_run())


def test_copies_stand_under_no_roof_and_lack_none():
    whole = copying_run()
    (step,) = whole.steps
    moved = replace(step, costs=replace(step.costs, bytes=256_000_000))
    assert not [said for said in why(replace(whole, steps=(moved,))) if "roof" in said]


def test_why_there_is_no_share_of_the_roof():
    assert (
        "No share of the roof for matvec: the working set fits into the L2 cache, "
        "so memory bandwidth is no roof."
    ) in why(single_run())


def test_the_launch_bound_region_ends_where_all_larger_sizes_are_under_ten_percent():
    assert (
        "matvec is launch-bound up to n=4000 (overhead 5.00 µs of 20.4 µs, 24.5 %); "
        "the region ends by n=8000 (5.6 %)."
    ) in why(gpu_run())


@pytest.mark.parametrize(
    ("overheads", "said"),
    [
        ((50, 50), "is launch-bound at every size, still at n=2000 (overhead 50.0 µs of 100 µs, 50.0 %)."),
        ((1, 2), "is nowhere launch-bound, at most n=2000 (overhead 2.00 µs of 100 µs, 2.0 %)."),
        ((1, 50), "is launch-bound again at the largest size, n=2000 (overhead 50.0 µs of 100 µs, 50.0 %)."),
        ((50, 1), "is launch-bound up to n=1000 (overhead 50.0 µs of 100 µs, 50.0 %); "),
    ],
)
def test_every_shape_of_the_launch_bound_region(overheads: tuple[int, int], said: str):
    steps = tuple(
        replace(gpu_step("matvec", "cupy", n, 100.0), overhead_ns=overhead * 1000.0)
        for n, overhead in zip((1000, 2000), overheads, strict=True)
    )
    assert f"matvec {said}" in " ".join(why(replace(gpu_run(), steps=steps, ops=())))


def test_without_a_control_pass_the_launch_region_is_unknown():
    assert why(uncontrolled_run())[-2] == (
        "Where launching bounds a step is unknown: it takes untraced times and a whole trace of the GPU."
    )


def test_a_mean_that_slow_reps_moved_stands_beside_the_medians():
    whole = with_samples(gpu_run(), 0.5, 0.001)
    steps = tuple(
        replace(step, untraced_ns=step.untraced_ns * 3)
        if step.variant == "outer_sum" and step.untraced_ns
        else step
        for step in whole.steps
    )
    sentence = compose(replace(whole, steps=steps)).verdicts[0]
    assert "takes 4.50× the time of matvec" in sentence
    assert "(450 µs against 100 µs; medians 1.50×, 95 % interval 1.50× to 1.50×)" in sentence


def against_matvec(us: float, moved: int, **costs: object) -> str:
    """The headline of a step of the given time and bytes, against a matvec of 1600 MB in 400 µs."""
    steps = []
    for variant, time, size in (("matvec", 400.0, 1_600_000_000), ("outer_sum", us, moved)):
        step = gpu_step(variant, "cupy", 20_000, time)
        own = {"roof_share": None, **costs} if variant == "outer_sum" else {}
        steps.append(replace(step, costs=replace(step.costs, bytes=size, **own)))
    return compose(replace(gpu_run(), steps=tuple(steps), ops=())).verdicts[0]


def test_bytes_explain_a_ratio_where_memory_bounds_both():
    said = against_matvec(1200.0, 3_200_000_000, limit="memory")
    assert said.endswith(
        "; 3.00× = 2.00× by least bytes (3.20 GB against 1.60 GB) × 1.51× by bandwidth (2678 GB/s against 4051 GB/s) "
        "× 0.992× by the rest."
    )


@pytest.mark.parametrize(
    "costs",
    [
        {"limit": "compute", "roof_note": "l2_resident"},
        {"limit": "memory", "roof_note": "l2_resident"},
        {"limit": "launch"},
    ],
)
def test_the_bytes_of_a_step_that_another_floor_bounds_explain_nothing(costs: dict[str, str]):
    said = against_matvec(843.0, 240_000, **costs)
    assert said.endswith("×); 2.11× = 2.12× by time in kernels (838 µs against 395 µs) × 0.993× by the rest.")


def test_floors_of_two_kinds_are_compared_as_times():
    said = against_matvec(800.0, 240_000, limit="compute", roof_share=0.25)
    assert said.endswith(
        "; 2.00× = 3.77× by share of the roof (25.0 % against 94.2 %) × 0.534× by the roof's least time "
        "(199 µs against 372 µs) × 0.994× by the rest."
    )


@pytest.mark.parametrize(
    ("moved", "told"), [(3_200_000_000, True), (240_000, False), (17_000_000_000, False)]
)
def test_without_a_roof_only_bytes_of_one_order_explain(moved: int, told: bool):
    whole = gpu_run()
    steps = []
    for variant, time, size in (("matvec", 400.0, 1_600_000_000), ("outer_sum", 1200.0, moved)):
        step = gpu_step(variant, "cupy", 20_000, time)
        bare = replace(step.costs, bytes=size, roof_share=None, roof_note="no_ceiling", limit=None)
        steps.append(replace(step, costs=bare))
    said = compose(replace(whole, steps=tuple(steps), ops=())).verdicts[0]
    assert ("by least bytes" in said) is told
    assert ("by time in kernels" in said) is not told
