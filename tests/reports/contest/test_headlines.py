"""The sentence that a backend's report begins with, and the bars beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.report_samples import ALL, axes_run, cpu_run, failed_run, gpu_run, lossy_run, single_run
from flopprof.analysis.compare.compare import compare_by
from flopprof.analysis.compare.sides import side_of_run
from flopprof.analysis.explain.explain import explain
from flopprof.analysis.explain.factors import Factor
from flopprof.analysis.explain.subject import Subject
from flopprof.reports.comparison.compose import compose_comparison
from flopprof.reports.document.document import Bar
from flopprof.reports.document.main_cause import tell_main_cause
from flopprof.reports.run.compose import compose
from flopprof.reports.run.publish import render

OUTER = (
    "cupy cuda float32 n=20000: outer_sum takes 4.85× the time of matvec (1947 µs against 401 µs), mainly 2.45× by "
    "bandwidth (1648 GB/s against 4040 GB/s) and 2.00× by least bytes (3.20 GB against 1.60 GB). "
    "To speed up outer_sum: fuse its operations."
)


def test_each_backend_has_one_sentence_with_ratio_and_main_cause():
    headlines = compose(gpu_run()).headlines
    assert headlines[0] == OUTER
    assert headlines[1].endswith(
        ", as the sum of outer_sum (42.8 % of the rep) is memory-bound. To speed up outer_sum: fuse its operations."
    )
    assert [line.split(" n=")[0] for line in headlines] == [
        *("cupy cuda float32", "torch cuda float32", "torch cpu float32"),
    ]


def test_of_an_axis_the_faster_is_told_with_factors_above_one():
    (said,) = compose(axes_run()).headlines
    assert said == (
        "cupy cuda float32 n=20000: axis=1 is 1.47× faster than axis=0 (1326 µs against 1947 µs), "
        "mainly 1.47× by bandwidth (2423 GB/s against 1648 GB/s)."
    )


def test_where_the_largest_size_failed_the_largest_measured_answers():
    assert compose(failed_run()).headlines[0] == (
        "cupy cuda float32 n=20000: no ratio for outer_sum, outer_sum failed: needs 130 GB, 120 GB are free; "
        "at n=12000 outer_sum takes 4.65× the time of matvec."
    )


def test_a_step_alone_says_its_time():
    assert compose(single_run()).headlines == ("cupy cuda float32 n=1000: matvec takes 13.3 µs.",)


def test_without_steps_it_says_so():
    assert compose(replace(gpu_run(), steps=(), ops=())).headlines == (
        "Nothing was measured: the run has no steps.",
    )


def test_what_is_alike_has_no_cause():
    whole = gpu_run()
    one, *_ = [step for step in whole.steps if step.backend == "cupy" and step.params["n"] == 20000]
    steps = (one, replace(one, key="other", variant="outer_sum"))
    (said,) = compose(replace(whole, steps=steps, ops=())).headlines
    assert said == (
        "cupy cuda float32 n=20000: outer_sum takes as long as matvec, 1.00× its time (401 µs against 401 µs)."
    )


@pytest.mark.parametrize("name", ALL)
def test_markdown_and_text_begin_with_the_sentences(name: str):
    result = ALL[name]()
    document = compose(result)
    for format in ("text", "markdown"):
        shown = " ".join(render(result, format).split())
        first = shown.index(" ".join(document.headlines[0].split())[:30].split("_")[0])
        assert first < shown.index("Recorder:")


def test_the_layers_of_a_bar_are_those_of_its_window():
    picture = compose(gpu_run()).picture
    assert picture is not None
    assert [group.title for group in picture.groups] == [
        *("cupy cuda float32 at n=20000", "torch cuda float32 at n=20000", "torch cpu float32 at n=20000"),
    ]
    matvec, outer = picture.groups[0].bars
    step = next(s for s in gpu_run().steps if s.key == "outer_sum-cupy-cuda-20000")
    assert step.per_rep is not None
    assert sum(ns for _, ns in outer.parts) == pytest.approx(step.per_rep.wall_ns)
    assert (matvec.label, matvec.time_ns, outer.label, outer.time_ns) == (
        *("matvec", 401_100.0),
        *("outer_sum", 1_947_200.0),
    )
    assert outer.floor_ns == pytest.approx(4 * (2 * 20000**2 + 3 * 20000) / 4.3e12 * 1e9)


def test_without_a_roof_no_floor_is_drawn():
    picture = compose(cpu_run()).picture
    assert picture is not None
    assert [bar.floor_ns for group in picture.groups for bar in group.bars] == [None, None]


def test_of_a_trace_that_lost_device_work_no_layers_are_drawn():
    picture = compose(lossy_run()).picture
    assert picture is not None
    assert [bool(bar.parts) for group in picture.groups for bar in group.bars] == [False] * 4 + [True] * 2


def test_the_ratio_runs_over_all_sizes():
    picture = compose(gpu_run()).picture
    assert picture is not None
    line = picture.lines[0]
    assert line.x == (1000.0, 4000.0, 8000.0, 12000.0, 20000.0)
    assert line.y == pytest.approx((43.5 / 13.3, 151.8 / 20.4, 366.9 / 88.6, 662.2 / 142.5, 1947.2 / 401.1))
    assert all(low <= y <= high for low, y, high in zip(line.low, line.y, line.high, strict=True))


def test_a_comparison_begins_with_a_sentence_for_each_backend():
    document = compose_comparison(compare_by(side_of_run(gpu_run()), "variant"))
    assert document.headlines[0] == (
        "cupy cuda float32 n=20000: outer_sum is 4.85× slower than matvec (401 µs → 1947 µs), mainly 2.45× by "
        "bandwidth (1648 GB/s against 4040 GB/s) and 2.00× by least bytes (3.20 GB against 1.60 GB); the 4 others "
        "are slower. To speed up outer_sum: fuse its operations."
    )
    assert len(document.headlines) == 3
    assert document.picture is not None
    assert document.picture.reference == "matvec"
    assert isinstance(document.picture.groups[0].bars[1], Bar)
    assert document.picture.groups[0].bars[1].time_ns == pytest.approx(1_947_200, rel=0.01)


def test_factors_of_unlike_passes_are_no_cause():
    """Where CPU time was charged for reps twice as slow as the timed ones, what they did says nothing of these."""
    explained = explain(
        Subject(key="a", name="a", device="cpu", time_ns=100.0, working_ns=90.0, least_bytes=100.0),
        Subject(key="b", name="b", device="cpu", time_ns=300.0, working_ns=290.0, least_bytes=300.0),
    )
    assert explained is not None
    assert tell_main_cause(explained).why.startswith("mainly 3.00× by least bytes")
    unlike = replace(explained, factors=(*explained.factors, Factor(name="passes", ratio=2.0, a=1.0, b=2.0)))
    assert tell_main_cause(unlike) == ("", "")
