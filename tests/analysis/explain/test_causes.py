"""Causes: each is named where its evidence is, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.subjects import (
    draw_counters,
    draw_cpu_side,
    draw_launch,
    draw_part,
    draw_side,
    draw_use,
)
from flopprof.analysis.breakdown.rows import WindowTimes
from flopprof.analysis.evidence.cpu_use import CpuUse
from flopprof.analysis.explain.cause import Cause
from flopprof.analysis.explain.explain import explain
from flopprof.analysis.explain.subject import Part, Subject, subject_of_step
from flopprof.analysis.runs.results import Costs, StepResult
from flopprof.reports.document.cause_words import describe_cause, describe_causes

FAST = draw_side("fast", draw_part(50))


def causes(b: Subject, a: Subject = FAST) -> tuple[Cause, ...]:
    found = explain(a, b)
    assert found is not None
    return found.causes


def said(b: Subject, a: Subject = FAST) -> list[str]:
    return [describe_cause(cause) for cause in causes(b, a)]


def test_too_few_blocks_for_the_gpu():
    part = draw_part(1000, launch=draw_launch(250))
    assert said(draw_side("slow", part)) == [
        "sum_kernel (sum of slow): underfilled: 250 blocks fill 47.3 % of 528 slots, so that too little of the GPU "
        "works, 10.0 % of the memory's roof; 99.9 % of the rep, up to 55.4 % of the difference."
    ]


def test_what_fits_into_the_cache_is_not_at_the_roof_of_the_memory():
    """One counted rep finds the cache empty; at N = 2500 an H200 seemed to move 107 % of what its kernels get."""
    part = draw_part(260, least_bytes=256e6, counters=draw_counters(256e6))
    slow = draw_side("slow", part)
    assert [cause.code for cause in causes(slow)] == ["memory_bound"]
    assert causes(replace(slow, in_cache=True), replace(FAST, in_cache=True)) == ()


def test_a_last_wave_that_is_nearly_empty():
    (sentence,) = said(draw_side("slow", draw_part(1000, launch=draw_launch(625))))
    assert "underfilled: 625 blocks are 1.18 waves of 528 slots, the last 18.4 % full" in sentence


def test_few_warps_and_what_keeps_them_few():
    launch = draw_launch(5280, occupancy=0.25, registers=128)
    part = draw_part(1000, launch=launch, counters=draw_counters(100e6, warps=24.0))
    assert said(draw_side("slow", part)) == [
        "sum_kernel (sum of slow): low occupancy: 25.0 % of an SM's warps fit, limited by their registers, "
        "24.0 % are active, 10.0 % of the memory's roof; 99.9 % of the rep, up to 77.2 % of the difference."
    ]
    bare = causes(draw_side("slow", replace(part, counters=None)))
    assert describe_cause(bare[0]) == (
        "sum_kernel (sum of slow): low occupancy: 25.0 % of an SM's warps fit, limited by their registers; "
        "99.9 % of the rep, up to 78.9 % of the difference."
    )


@pytest.mark.parametrize("launch", [draw_launch(250), draw_launch(5280, occupancy=0.25)])
def test_at_the_roof_nothing_but_fewer_bytes_help(launch: object):
    part = draw_part(250, least_bytes=200e6, launch=launch, counters=draw_counters(220e6))
    assert said(draw_side("slow", part)) == [
        "sum_kernel (sum of slow): memory-bound: its bytes take 88.0 % of the memory's roof, so only fewer bytes "
        "help; 99.6 % of the rep, up to 68.2 % of the difference."
    ]


def test_without_counters_the_least_bytes_may_show_the_roof():
    part = draw_part(111, counters=None, roof_share=0.9)
    found = causes(draw_side("slow", part), draw_side("fast", draw_part(50, least_bytes=50e6, counters=None)))
    assert [cause.code for cause in found] == ["memory_bound", "not_measured"]
    assert "its least bytes take 90.0 %" in describe_cause(found[0])


def test_arithmetic_at_its_roof_and_arithmetic_that_nobody_asked_for():
    part = draw_part(1000, flops=1e9, counters=draw_counters(100e6, executed=9e9))
    assert [cause.code for cause in causes(draw_side("slow", part))] == ["compute_bound", "extra_arithmetic"]
    idle = draw_part(1000, flops=1e8, counters=draw_counters(100e6, executed=1.7e9))
    assert causes(draw_side("slow", idle)) == ()


@pytest.mark.parametrize(("moved", "code"), [(170e6, "extra_traffic"), (50e6, None), (110e6, None)])
def test_more_bytes_than_must_be_make_slow_and_fewer_do_not(moved: float, code: str | None):
    part = draw_part(1000, counters=draw_counters(moved))
    assert [cause.code for cause in causes(draw_side("slow", part))] == ([code] if code else [])


def test_traffic_that_takes_no_time_is_no_cause():
    """6.9 kB instead of 4.2 kB are 1.64× the bytes, and nothing of a difference of 30 µs."""
    part = draw_part(100, least_bytes=4.22e3, counters=draw_counters(6.91e3))
    assert causes(draw_side("slow", part)) == ()


def test_loads_that_ask_for_less_than_those_of_a_like_are_narrow():
    """As CuPy's sum of 16000² against CUB's: 94.7 % of the slots, 94 % of the warps, and far from the roof."""
    fast = draw_part(240, counters=draw_counters(100e6, warps=98.0, sectors=9.4))
    slow = draw_part(420, launch=draw_launch(500), counters=draw_counters(100e6, warps=94.0))
    assert said(draw_side("slow", slow), draw_side("fast", fast)) == [
        "sum_kernel (sum of slow): narrow loads: a warp's load takes 4.00 sectors of 32 bytes, 9.40 on the faster "
        "side, so that as many warps keep fewer bytes on their way, 23.8 % of the memory's roof; 99.8 % of the "
        "rep, up to 100 % of the difference."
    ]


@pytest.mark.parametrize(
    ("slow", "fast"),
    [
        ({"sectors": 4.0}, {"sectors": 5.0}),  # about as wide
        ({"sectors": 4.0}, {"sectors": 24.0}),  # wider than any load: scattered
        ({"sectors": 8.0}, {"sectors": 16.0}),  # wide itself
        ({"sectors": 4.0, "moved": 150e6}, {"sectors": 9.4}),  # it moves more
    ],
)
def test_loads_are_not_narrow_where_the_like_shows_nothing(slow: dict[str, float], fast: dict[str, float]):
    sides = [
        draw_side(name, draw_part(us, counters=draw_counters(**{"moved": 100e6, **counted})))
        for name, us, counted in (("slow", 420, slow), ("fast", 240, fast))
    ]
    assert "narrow_loads" not in [cause.code for cause in causes(*sides)]


def test_a_difference_without_a_cause_says_so():
    slow, fast = draw_side("slow", draw_part(420)), draw_side("fast", draw_part(240))
    found = explain(fast, slow)
    assert found is not None and found.unexplained and found.causes == ()
    assert describe_causes([found]) == [
        "slow: no cause was found: what was measured shows none of those that are known."
    ]
    alike = explain(fast, draw_side("slow", draw_part(241)))
    bare = explain(fast, draw_side("slow", draw_part(420, counters=None)))
    assert [one is not None and one.unexplained for one in (alike, bare)] == [False, False]


def test_cache_hits_are_told_of_the_faster_side_whose_bytes_the_cache_spared():
    slow = draw_side("slow", draw_part(150))
    fast = draw_side("fast", draw_part(50, counters=draw_counters(20e6)))
    (cause,) = causes(slow, fast)
    assert (cause.code, cause.side, cause.of_faster, cause.excess_ns) == ("cache_hits", "fast", True, 80e3)
    assert describe_cause(cause) == (
        "sum_kernel (sum of fast): fast for its cache hits: it moved 20.0 MB of at least 100 MB, as the L2 served the "
        "rest, the slower one 1.00× its least; 98.0 % of the rep, up to 80.0 % of the difference."
    )
    explanation = explain(fast, slow)
    assert explanation is not None
    assert explanation.side_of(cause) == "a"
    both = draw_side("slow", draw_part(150, counters=draw_counters(20e6)))
    assert "cache_hits" not in [one.code for one in causes(both, fast)]


def test_a_roof_is_no_reason_where_the_like_does_as_much_in_less_time():
    part = draw_part(115, counters=draw_counters(100e6))
    assert [cause.code for cause in causes(draw_side("slow", part), draw_side("fast", draw_part(104)))] == []


def test_at_the_roof_is_what_gets_most_of_what_kernels_get():
    """CUB's reduce at N = 8000 has 78.8 % of an H200's data sheet, and nothing there gets more than 91.6 %."""
    write = draw_part(1, op="outer", least_bytes=1e5, counters=draw_counters(1e5))
    slow = draw_side("slow", draw_part(1000 / 7.88), write, attainable_bytes_per_s=0.916e12)
    fast = draw_side("fast", draw_part(20, op="matvec"))
    assert said(slow, fast) == [
        "sum_kernel (sum of slow): memory-bound: its bytes take 78.8 % of the memory's roof and 86.0 % of what kernels "
        "get of it, so only fewer bytes help; 98.4 % of the rep, up to 100 % of the difference."
    ]


def test_a_graph_that_replays_the_same_kernels_has_them_too():
    """Under another name: what both sides run is no cause, however small its grid."""
    eager = draw_side("eager", draw_part(1, op="outer"), draw_part(2, launch=draw_launch(1)), us=32)
    graph = draw_side("graph", draw_part(3, op="replay", launch=draw_launch(1)), us=4)
    assert [cause.code for cause in causes(eager, graph)] == ["launch_bound"]


def test_what_the_like_has_as_little_of_is_no_cause():
    """CuPy's and PyTorch's outer products are one template with 37.5 % of the warps, at 156 and 98 µs."""
    few = draw_launch(16000, occupancy=0.375, registers=80)
    slow = draw_side("slow", draw_part(156, launch=few, counters=draw_counters(100e6, warps=36.5)))
    fast = draw_side("fast", draw_part(98, launch=few, counters=draw_counters(100e6, warps=36.0)))
    assert causes(slow, fast) == ()
    alike = draw_side("fast", draw_part(98, launch=draw_launch(250)))
    assert causes(draw_side("slow", draw_part(156, launch=draw_launch(250))), alike) == ()


def test_warps_that_fit_and_are_not_there():
    part = draw_part(1000, launch=draw_launch(5280, occupancy=1.0), counters=draw_counters(100e6, warps=28.0))
    assert said(draw_side("slow", part)) == [
        "sum_kernel (sum of slow): few warps: 100 % of an SM's warps fit and 28.0 % are active: blocks end sooner than "
        "others take their places, 10.0 % of the memory's roof; 99.9 % of the rep, up to 72.5 % of the difference."
    ]


@pytest.mark.parametrize(
    ("sectors", "l2_bytes", "told"),
    [
        (32.0, 100e6, True),
        (8.0, 300e6, True),
        (8.0, None, False),
        (15.87, 150e6, False),
        (16.125, 150e6, False),
        (6.49, 150e6, False),
        (4.0, 300e6, False),
    ],
)
def test_scattered_accesses_are_told_from_vector_loads(sectors: float, l2_bytes: float | None, told: bool):
    """A load of 16 bytes a lane takes 16 sectors a request and wastes none: torch's and CUB's reductions do."""
    counted = replace(draw_counters(100e6, sectors=sectors), l2_read_bytes=l2_bytes)
    found = causes(draw_side("slow", draw_part(1000, counters=counted)))
    assert [cause.code for cause in found] == (["uncoalesced"] if told else [])


def test_what_no_kernel_hides():
    assert said(draw_side("slow", draw_part(50), us=80)) == [
        "slow: launch-bound: nothing runs on the GPU in 30.0 µs of 80.0 µs; 37.5 % of the rep, up to 100 % of "
        "the difference."
    ]
    copying = draw_side("slow", draw_part(50), us=80, busy_ns=78e3)
    assert causes(copying) == ()
    as_exposed = draw_side("fast", draw_part(50), us=80)
    assert "launch_bound" not in [
        c.code for c in causes(draw_side("slow", draw_part(90), us=120), as_exposed)
    ]


def test_time_without_any_device_work_is_bound_by_no_launch_and_lacks_no_counters():
    assert causes(draw_side("slow", us=80, busy_ns=0.0), draw_side("fast", us=40, busy_ns=0.0)) == ()


def test_a_cause_that_both_sides_have_alike_is_no_cause_of_their_difference():
    shared = draw_part(100, op="outer", launch=draw_launch(250))
    slow = draw_side("slow", shared, draw_part(300, launch=draw_launch(100)))
    fast = draw_side("fast", shared, draw_part(60))
    assert [(cause.code, cause.op) for cause in causes(slow, fast)] == [("underfilled", "sum")]


def test_causes_come_by_their_share_of_the_rep():
    slow = draw_side(
        "slow", draw_part(200, op="outer", launch=draw_launch(100)), draw_part(300, launch=draw_launch(100))
    )
    assert [cause.op for cause in causes(slow)] == ["sum", "outer"]


def test_no_difference_has_no_cause():
    part = draw_part(1000, launch=draw_launch(250))
    slow = draw_side("b", part)
    assert causes(slow, replace(slow, time_ns=slow.time_ns * 1.015)) == ()
    unsure = explain(FAST, slow, interval=(0.9, 40.0))
    assert unsure is not None
    assert unsure.causes == ()


def outer(use: CpuUse, result: float | None = 256e6) -> Part:
    return Part(op="outer", ns=use.wall_ns, least_bytes=result, result_bytes=result, cpu=use)


def test_memory_that_the_system_hands_out_page_by_page():
    use = draw_use(124, 40, 108, faults=62_501)
    reused = draw_cpu_side("reused", draw_use(41, 40, 0.5), outer(draw_use(41, 40, 0.5)))
    assert said(draw_cpu_side("fresh", use, outer(use)), reused) == [
        "outer of fresh: page faults: 62501 a rep for 256 MB of fresh result; the system takes 73.0 % of its CPU time; "
        "73.0 % of the rep, up to 100 % of the difference."
    ]


@pytest.mark.parametrize(("backend", "told"), [("numpy", True), ("torch", False)])
def test_numpy_asks_for_huge_pages_and_so_faults_less(backend: str, told: bool):
    use = draw_use(30, 22, 7, faults=807)
    fresh = draw_cpu_side("fresh", use, outer(use, 64e6), backend=backend)
    fast = draw_cpu_side("fast", draw_use(10, 10, 0), outer(draw_use(10, 10, 0), 64e6))
    assert [cause.code for cause in causes(fresh, fast)] == (["page_faults"] if told else [])


def test_a_small_result_blames_no_page():
    use, quick = draw_use(0.1, 0.08, 0.015, faults=0.0), draw_use(0.05, 0.05, 0)
    slow, fast = (draw_cpu_side("s", use, outer(use, 4e3)), draw_cpu_side("f", quick, outer(quick, 4e3)))
    assert "page_faults" not in [cause.code for cause in causes(slow, fast)]


def test_cores_without_work():
    fast = draw_cpu_side("fast", draw_use(10, 70, 0))
    assert said(draw_cpu_side("slow", draw_use(80, 80, 0)), fast) == [
        "slow: few cores: 1.00 of 8 at work; up to 98.0 % of the difference."
    ]
    assert (
        causes(draw_cpu_side("slow", draw_use(80, 80, 0)), draw_cpu_side("fast", draw_use(40, 40, 0))) == ()
    )


@pytest.mark.parametrize(
    "slow", [draw_use(80, 79.7, 0, cores_allowed=2), draw_use(800, 80, 0), draw_use(80, 64, 0)]
)
def test_one_of_two_cores_is_half_and_less_than_one_waits(slow: CpuUse):
    """0.998 of two cores is what one thread has; a process with 0.1 waits for the others on its machine."""
    if slow.cores_allowed == 2:
        fast = draw_cpu_side("fast", draw_use(20, 38, 0, cores_allowed=2))
    else:
        fast = draw_cpu_side("fast", draw_use(20, 18, 0))
    assert causes(draw_cpu_side("slow", slow), fast) == ()


def test_causes_of_a_cpu_come_by_the_time_that_they_can_explain():
    """NumPy's outer product on 1 of 16 cores: the system's fifth is not what 15 more cores would save."""
    use = draw_use(195, 163, 32, faults=159, cores_allowed=16)
    slow = draw_cpu_side("slow", use, outer(use), backend="numpy")
    fast = draw_cpu_side("fast", draw_use(1.8, 28.8, 0, cores_allowed=16))
    found = {cause.code: round((cause.excess_ns or 0) / 1e6, 1) for cause in causes(slow, fast)}
    assert found == {"few_cores": 152.8, "page_faults": 32.0}
    assert list(found) == ["few_cores", "page_faults"]
    mostly = draw_use(195, 20, 140, faults=62_501, cores_allowed=16)
    other = draw_cpu_side("slow", mostly, outer(mostly))
    assert next(cause.code for cause in causes(other, fast)) == "page_faults"


def test_missing_evidence_says_which_pass_brings_it():
    bare = draw_side("slow", draw_part(1000, counters=None), note="ncu was not found on PATH")
    assert said(bare) == [
        "slow: not measured: what the kernels move and execute (ncu was not found on PATH); flopprof run with "
        "--evidence counters (Nsight Compute) counts it."
    ]
    ranges = replace(bare, note=None, traced_only=True)
    assert "flopprof profile with --gpu-metrics HZ samples it." in said(ranges)[0]
    cpu = draw_cpu_side("slow", None, time_ns=5e6)
    assert said(cpu, draw_cpu_side("fast", None)) == [
        "slow: not measured: user and system time; flopprof run with --evidence auto records it."
    ]


def test_a_graph_that_is_traced_whole_is_work_and_no_launch_overhead():
    window = WindowTimes(wall_ns=100_000, busy_ns=98_000, kernel_ns=0, graph_ns=98_000, memcpy_ns=0)
    step = StepResult(
        key="graph",
        label="graph",
        variant="graph",
        backend="torch",
        device="cuda",
        dtype="float32",
        mode="graph",
        params={},
        shard=None,
        status="done",
        costs=Costs(flops=10, bytes=100),
        per_rep=window,
    )
    side = subject_of_step(step, (), (), 99e3, "graph")
    assert (side.working_ns, side.busy_ns) == (98_000, 98_000)
    assert [cause.code for cause in causes(side, draw_side("fast", draw_part(50)))] == ["not_measured"]
