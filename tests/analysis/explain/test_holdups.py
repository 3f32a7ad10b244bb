"""What holds up a trace by itself: recorded ones whose programs are known, and drawn ones for each kind of wait."""

from __future__ import annotations

import pytest
from drawing.drawn import Call, Drawn, Range, Work
from drawing.traces import read_recorded
from flopprof.analysis.breakdown.analyze import Analysis, analyze_trace
from flopprof.analysis.explain.holdups import MOST_HOLDUPS, Holdup, HoldupCode, choose_holdups
from flopprof.analysis.explain.work_holdups import find_holdups

GRAPH = ("launch_bound", None, 16)

STEP, STEPS = 1_000_000, 8


def _told(analysis: Analysis) -> list[tuple[str, str | None, int]]:
    """(code, place, percent of the time) of what is found."""
    return [
        (one.code, (one.place or "")[:12] or None, round(100 * one.share)) for one in find_holdups(analysis)
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ddp", [("launches_between", "backward", 23), ("launch_bound", "backward", 13), ("collectives", None, 12)]),
        ("ranks/strag_rank0", [("late_host", "data", 23), ("collectives", None, 13)]),
        ("ranks/strag_rank1", [("collectives", None, 30), ("underfilled", "sm80_xmma_ge", 10)]),
        ("ranks/ddp_rank0", [("collectives", None, 19), ("late_host", "data", 17)]),
        ("graph_node", [("underfilled", "void cutlass", 42), ("underfilled", "void at::nat", 38), GRAPH]),
        ("graph_graph", []),
        ("streams", []),
        ("unified_memory", [("late_host", "device", 36)]),
        ("torch_axis0", [("unmarked", None, 79)]),
        ("cases/prefetch_thread", [("exposed_copies", None, 60), ("underfilled", "gemm", 30)]),
        ("no_nvtx_2024.2", []),
    ],
)  # fmt: skip
def test_recorded_traces_are_held_up_by_what_their_programs_do(name: str, told: list[object]):
    assert [one for one in _told(analyze_trace(read_recorded(name))) if one[0] != "not_measured"] == told


@pytest.mark.parametrize(
    ("name", "brings", "share"),
    [("graph_graph", "nodes", 98), ("streams", "profile", 88), ("gpu_metrics_100khz", None, None)],
)
def test_what_was_not_measured_comes_last_and_says_what_brings_it(
    name: str, brings: str | None, share: int | None
):
    last = find_holdups(analyze_trace(read_recorded(name)))[-1]
    missing = last.code == "not_measured"
    assert (last.evidence.get("brings"), round(100 * last.share) if missing else None) == (brings, share)


def test_samples_of_the_gpu_tell_what_a_launch_alone_does_not():
    found = find_holdups(analyze_trace(read_recorded("gpu_metrics_100khz")))
    few = [(one.place or "", one.evidence["limiter"]) for one in found if one.code == "low_occupancy"]
    assert [(place[:20], limiter) for place, limiter in few] == [("void cutlass::Kernel", "registers")]


def _draw(calls: list[Call], work: list[Work], ranges: list[Range]) -> Analysis:
    """Steps that are all alike, from what lies in the first."""
    every = range(0, STEP * STEPS, STEP)
    return analyze_trace(
        Drawn(
            calls=[Call(c.start + at, c.end + at, c.thread, c.name) for at in every for c in calls],
            work=[
                Work(
                    w.start + at, w.end + at, w.layer, (w.call or 0) + len(calls) * (at // STEP), name=w.name
                )
                for at in every
                for w in work
            ],
            ranges=[Range(r.start + at, r.end + at, r.name) for at in every for r in ranges],
        ).trace()
    )


def _step_that_spends(name: str, until: int) -> Analysis:
    """A kernel of 0.2 ms after a call that takes until then."""
    calls = [Call(0, until, name=name), Call(until, until + 10)]
    work = [Work(until + 10, until + 200_010, call=1)]
    return _draw(calls, work, [Range(0, 900_000, "step"), Range(0, 890_000, "inner")])


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("cudaStreamSynchronize_v3020", "synchronising"),
        ("cudaMalloc_v3020", "allocating"),
        ("cuMemFree_v2", "allocating"),
        ("cuModuleLoadData", "loading"),
        ("cudaEventRecord_v3020", None),
    ],
)
def test_a_wait_for_calls_is_told_by_what_they_do(call: str, code: HoldupCode | None):
    found = [one for one in find_holdups(_step_that_spends(call, 600_000)) if one.code in (code, "api")]
    assert [(one.code, one.place) for one in found] == ([(code, "inner")] if code is not None else [])


@pytest.mark.parametrize(("stream", "own"), [(7, None), (13, 1.0)])
def test_copies_say_whether_kernels_run_in_their_streams(stream: int, own: float | None):
    every = range(0, STEP * STEPS, STEP)
    work = [Work(at + 10, at + 500_010, "memcpy", call=None, stream=stream) for at in every]
    work += [Work(at + 500_010, at + 800_010) for at in every]
    trace = Drawn(work=work, ranges=[Range(at, at + 900_000, "step") for at in every]).trace()
    (found,) = (one for one in find_holdups(analyze_trace(trace)) if one.code.endswith("copies"))
    assert found.evidence.get("own_stream") == own


@pytest.mark.parametrize(("kernels", "code"), [(1, "late_host"), (10, "launches_between")])
def test_the_time_for_each_launch_tells_launching_from_other_work(kernels: int, code: str):
    calls, work = [], []
    for at in range(kernels):
        begin = 600_000 + at * 1000 if kernels == 1 else at * 60_000 + 50_000
        calls.append(Call(begin, begin + 10))
        work.append(Work(begin + 10, begin + 5000, call=at))
    found = find_holdups(_draw(calls, work, [Range(0, 900_000, "step"), Range(0, 890_000, "inner")]))
    assert [(found[0].code, found[0].place)] == [(code, "inner")]


def test_a_first_call_that_makes_the_context_is_no_allocation():
    drawn = Drawn(
        calls=[Call(0, 900, name="cudaFree_v3020"), Call(900, 910)],
        work=[Work(910, 1000, call=1)],
        ranges=[Range(0, 1000, "r")],
    )
    assert "allocating" not in [one.code for one in find_holdups(analyze_trace(drawn.trace()))]


def test_the_host_alone_begins_with_its_longest_part():
    ranges = [Range(0, 900_000, "step"), Range(0, 600_000, "load"), Range(600_000, 890_000, "compute")]
    found = find_holdups(_draw([], [], ranges))
    assert [(one.code, one.place, round(one.share, 3)) for one in found] == [("longest_part", "load", 0.667)]


@pytest.mark.parametrize(
    ("marked", "place", "share"),
    [
        ([("io", "load", 100), ("", "load", 300), ("", "fit", 200)], "load", 0.5),
        ([("io", "load", 300), ("", "load", 100), ("", "fit", 200)], "io:load", 0.5),
        ([("io", "load", 300), ("", "fit", 300)], "load", 0.5),
    ],
)
def test_ranges_of_one_name_in_two_domains_are_two(
    marked: list[tuple[str, str, int]], place: str, share: float
):
    ranges: list[Range] = []
    for domain, name, length in marked:
        begin = ranges[-1].end if ranges else 0
        ranges.append(Range(begin, begin + length, name, domain=domain))
    found = find_holdups(analyze_trace(Drawn(ranges=ranges).trace()))
    assert [(one.code, one.place, round(one.share, 3)) for one in found] == [("longest_part", place, share)]


@pytest.mark.parametrize(
    ("parents", "place"),
    [
        (["fit", "test"], "load (in fit and test)"),
        (["fit", "test", "tune"], "load (in 3 ranges)"),
        (["fit", "fit"], "load"),
    ],
)
def test_one_piece_of_code_called_in_several_ranges_is_added_up_and_said(parents: list[str], place: str):
    ranges: list[Range] = []
    for at, parent in enumerate(parents):
        ranges += [Range(at * 100, at * 100 + 90, parent), Range(at * 100, at * 100 + 60, "load")]
    (found,) = find_holdups(analyze_trace(Drawn(ranges=ranges).trace()))
    assert (found.code, found.place, round(found.share, 3)) == ("longest_part", place, 0.667)


def test_parts_of_one_name_in_two_domains_are_named_with_them():
    ranges: list[Range] = []
    for at in range(0, STEP * STEPS, STEP):
        ranges += [Range(at, at + 900_000, "step"), Range(at, at + 100_000, "load", domain="io")]
        ranges.append(Range(at + 100_000, at + 850_000, "load"))
    calls = [Call(at + 840_000, at + 841_000) for at in range(0, STEP * STEPS, STEP)]
    work = [Work(at + 842_000, at + 843_000, call=at // STEP) for at in range(0, STEP * STEPS, STEP)]
    late = find_holdups(analyze_trace(Drawn(calls, work, ranges).trace()))[0]
    assert (late.code, late.place) == ("late_host", "ops:load")


def test_only_what_takes_a_good_part_is_told():
    found = [Holdup(code="late_host", share=share) for share in (0.05, 0.6, 0.14, 0.3, 0.2, 0.25)]
    assert [one.share for one in choose_holdups(found)] == [0.6, 0.3, 0.25]
    assert len(choose_holdups(found)) == MOST_HOLDUPS
    assert choose_holdups([]) == ()
