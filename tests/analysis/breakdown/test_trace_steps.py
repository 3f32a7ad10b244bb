"""What a step is made of, where one of them was held up."""

from __future__ import annotations

import pytest
from drawing.drawn import Call, Drawn, Range, Work
from flopprof.analysis.attribution.steady_instances import Instances
from flopprof.analysis.breakdown.analyze import Analysis, analyze_trace
from flopprof.analysis.breakdown.trace_steps import StepRow
from flopprof.reports.trace.steady_step import describe_measure, describe_step, part_table

MS = 1_000_000


def divide(*data_ms: int) -> StepRow:
    """A step for each: so long in `data`, then 1 ms in `forward` and 1 ms in neither."""
    (row,) = analyse(*data_ms).steps
    return row


def analyse(*data_ms: int, skip: int | None = None) -> Analysis:
    """The trace of such steps."""
    ranges: list[Range] = []
    now = 0
    for long in data_ms:
        data, end = now + long * MS, now + (long + 2) * MS
        ranges += [
            Range(now, end, "step"),
            Range(now, data, "data"),
            Range(data, data + MS, "forward"),
        ]
        now = end
    return analyze_trace(Drawn(ranges=ranges).trace(), wanted=Instances(skip=skip))


@pytest.mark.parametrize(
    ("steps", "skip", "said"), [(4, 2, True), (4, 0, False), (4, None, False), (5, 2, False)]
)
def test_skipping_steps_of_a_trace_without_any_is_said(steps: int, skip: int | None, said: bool):
    notes = [one for one in analyse(*[2] * steps, skip=skip).quality if one.code == "skipped_none"]
    assert [(one.severity, one.message) for one in notes] == [
        (
            "warning",
            "--skip leaves nothing out: no range repeats that could be a step "
            "(--skip 2 was asked; a step has 5 instances or more)",
        )
    ] * said


def parts_of(row: StepRow) -> dict[str | None, float]:
    return {part.range: part.ns / MS for part in row.parts}


def test_one_that_was_held_up_is_in_no_part_and_is_named():
    row = divide(2, 2, 2, 2, 2, 2, 300, 2, 2, 2, 2, 2)
    assert (row.instances, row.median_ns, row.hiccups) == (12, 4 * MS, 1)
    assert parts_of(row) == {"data": 2, "forward": 1, None: 1}
    assert describe_step(row) == (
        "A steady ops:step takes 4000 µs on the host (median of 12; one, which took 302 ms, is left out of its "
        "parts); its longest part is data, 50.0 %."
    )
    assert part_table(row).notes == (
        "Times are on the host, the mean of 11 of the 12 steady instances; the parts sum to the step. a step: how "
        "often it comes.",
    )


def test_several_are_counted():
    row = divide(*[2] * 18, 300, 20)
    assert row.hiccups == 2
    assert "(median of 20; 2, the longest of 302 ms, are left out of its parts)" in describe_step(row)


@pytest.mark.parametrize(
    "data_ms",
    [
        [2, 2, 2, 2, 300, 300, 2, 2],  # too many to be chance
        [*[2] * 200, 20],  # of no weight
        [2, 3, 2, 9, 2, 3, 2, 2],  # not that much longer
    ],
)
def test_steps_that_differ_are_all_in_the_parts(data_ms: list[int]):
    row = divide(*data_ms)
    assert row.hiccups == 0
    assert parts_of(row)["data"] == pytest.approx(sum(data_ms) / len(data_ms))


@pytest.mark.parametrize(
    ("skip", "told"),
    [
        (None, "12 steady instances (95 % interval 4000 µs to 4000 µs)."),
        (1, "11 steady instances (95 % interval 4000 µs to 4000 µs); the first is set aside by --skip."),
        (5, "7 steady instances (95 % interval 4000 µs to 4000 µs); the first 5 are set aside by --skip."),
        (12, "1 steady instance; the first 11 are set aside by --skip."),
    ],
)
def test_what_skip_sets_aside_is_called_that(skip: int | None, told: str):
    (row,) = analyse(*[2] * 12, skip=skip).steps
    assert describe_measure(row) == f"ops:step: 4000 µs on the host, the median of {told}"


@pytest.mark.parametrize(("skip", "said"), [(11, []), (12, [12]), (1000, [1000])])
def test_skipping_every_step_keeps_the_last_and_says_so(skip: int, said: list[int]):
    analysis = analyse(*[2] * 12, skip=skip)
    assert [row.instances for row in analysis.steps] == [1]
    assert [(one.severity, one.message) for one in analysis.quality if one.code == "skipped_all"] == [
        (
            "warning",
            "--skip asks to leave out every instance of a range, so its last one is kept "
            f"(step has 12 instances, --skip {asked} was asked, 1 is kept)",
        )
        for asked in said
    ]


def run_on_two_gpus(threads: tuple[int, int], second_ms: int) -> Analysis:
    """Steps of 4 ms on GPU 0 and of others on GPU 1, each on a thread of its own; the shorter ones come first."""
    calls, work, ranges = [], [], []
    for thread, long in enumerate((4, second_ms)):
        for at in range(0, 12 * (long + 1), long + 1):
            start, end = at * MS, (at + long) * MS
            ranges.append(Range(start, end, "step", thread=thread))
            work.append(Work(start + 10, end, call=len(calls), device=thread, process=threads[thread]))
            calls.append(Call(start, start + 10, thread=thread))
    return analyze_trace(Drawn(calls=calls, work=work, ranges=ranges, threads=threads).trace())


@pytest.mark.parametrize("threads", [(0, 1), (0, 0)])
def test_a_step_on_one_gpu_takes_no_time_on_that_of_another_thread(threads: tuple[int, int]):
    """Two ranks in one trace, or a thread for each GPU: half of each step's time had been said."""
    (row,) = run_on_two_gpus(threads, 4).steps
    assert (row.instances, row.median_ns) == (24, 4 * MS)
    (row,) = run_on_two_gpus(threads, 6).steps
    assert (min(row.times_ns), max(row.times_ns)) == (4 * MS, 6 * MS)
    assert sum(row.layers.values()) == pytest.approx(5 * MS)


def test_a_step_whose_thread_uses_two_gpus_takes_the_mean_of_both():
    calls = [Call(at * MS + n, at * MS + n + 1) for at in range(0, 60, 5) for n in range(2)]
    work = [Work(c.start + 1, (c.start // MS + 4) * MS, call=n, device=n % 2) for n, c in enumerate(calls)]
    ranges = [Range(at * MS, (at + 4) * MS, "step") for at in range(0, 60, 5)]
    (row,) = analyze_trace(Drawn(calls=calls, work=work, ranges=ranges).trace()).steps
    assert (row.instances, row.median_ns) == (12, 4 * MS)


def test_steps_of_several_threads_on_one_gpu_say_that_they_share_it():
    """Each owns its part of the GPU's time line, which is not how long it takes."""
    calls, work, ranges = [], [], []
    for at in range(0, 120, 10):
        for thread in range(2):
            ranges.append(Range(at * MS, (at + 8) * MS, "step", thread=thread))
            start = (at + 4 * thread) * MS
            work.append(Work(start + 1, start + 4 * MS, call=len(calls), process=thread, stream=thread))
            calls.append(Call(at * MS, at * MS + 1, thread=thread))
    (row,) = analyze_trace(Drawn(calls=calls, work=work, ranges=ranges, threads=(0, 1)).trace()).steps
    assert row.sharing == 2
    assert " of a GPU that 2 share at a time (median of 24)" in describe_step(row)
    assert run_on_two_gpus((0, 1), 4).steps[0].sharing == 1
