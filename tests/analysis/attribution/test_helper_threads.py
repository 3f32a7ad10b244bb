"""What another thread did beside a range is in no rate of it; what its backward thread did is."""

from __future__ import annotations

from dataclasses import replace

from drawing.drawn import Call, Drawn, Range, Work
from drawing.traces import read_case
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.breakdown.rows import RangeRow
from flopprof.analysis.export.frames import CROSS_THREAD

MIXED = ["memcpy", "memcpy", "kernel", "memcpy", "memcpy", "memcpy"]


def first_range(drawn: Drawn) -> RangeRow:
    return analyze_trace(drawn.trace()).ranges[0]


def beside(layers: list[str], *, calls_between: bool) -> Drawn:
    """Thread 1 has no range and asks for some work, with or without calls of thread 0 between."""
    calls = [Call(0, 2, 0), *(Call(10 + 10 * at, 12 + 10 * at, 1) for at in range(len(layers)))]
    if calls_between:
        calls += [Call(15 + 10 * at, 17 + 10 * at, 0, "cudaEventQuery") for at in range(len(layers))]
    work = [Work(3, 8, call=0)]
    work += [Work(13 + 10 * at, 19 + 10 * at, layer, at + 1, stream=8) for at, layer in enumerate(layers)]
    return Drawn(calls, work, [Range(0, 99, "step")], (0, 0))


def test_copies_of_another_thread_are_in_no_rate():
    row = first_range(beside(["memcpy"] * 3, calls_between=False))
    assert (row.busy_ns, row.own_busy_ns, row.attribution) == (23, 5, "both")


def test_a_backward_thread_works_for_the_range_that_waits_for_it():
    row = first_range(beside(["kernel", "memset", "kernel"], calls_between=False))
    assert (row.busy_ns, row.own_busy_ns, row.attribution) == (23, 23, "both")


def test_kernels_launched_beside_a_range_that_goes_on_leave_its_rate_unknown():
    row = first_range(beside(["kernel"] * 3, calls_between=True))
    assert (row.busy_ns, row.own_busy_ns, row.attribution) == (23, None, "both")


def test_a_range_of_its_own_thread_alone_is_its_own():
    drawn = Drawn([Call(0, 2, 0)], [Work(3, 8, call=0)], [Range(0, 99, "step")], (0,))
    row = first_range(drawn)
    assert (row.busy_ns, row.own_busy_ns, row.attribution) == (5, 5, "thread")


def test_a_range_that_ends_on_another_thread_has_a_rate_only_of_one_threads_work():
    ranges = [Range(0, 99, "request", 0, "ops", CROSS_THREAD)]
    one = Drawn([Call(0, 2, 1)], [Work(3, 8, call=0)], ranges, (0, 0))
    two = Drawn([Call(0, 2, 1), Call(4, 5, 0)], [Work(3, 8, call=0), Work(9, 12, call=1)], ranges, (0, 0))
    assert [first_range(drawn).own_busy_ns for drawn in (one, two)] == [5, None]


def test_a_recorded_prefetching_thread_is_marked_in_every_table():
    found = analyze_trace(read_case("prefetch_thread"))
    (row,) = found.ranges
    assert (row.busy_ns, row.own_busy_ns, row.attribution) == (4_500_000, 1_500_000, "both")
    assert [(copy.attribution, copy.total_ns) for copy in found.copies] == [("process", 3_000_000)]
    by = {(owned.layer, owned.attribution): owned.ns for owned in found.windows[0].owners}
    assert by["memcpy", "process"] == 3_000_000
    assert by["kernel", "thread"] == 1_500_000


def test_idle_time_belongs_to_the_only_range_that_is_open_wherever_it_ends():
    (window,) = analyze_trace(read_case("process_range_idle")).windows
    hosts = {
        owned.name.path: (owned.ns, owned.attribution) for owned in window.owners if owned.layer == "host"
    }
    assert hosts == {
        ("request",): (1_120_000, "process"),
        ("pre",): (10_000, "thread"),
        ("post",): (10_000, "thread"),
    }


def test_a_thread_that_copies_as_often_as_it_computes_leaves_the_rate_unknown():
    rows = [first_range(beside(layers, calls_between=False)) for layers in (["memcpy", "kernel"] * 2, MIXED)]
    assert [(row.busy_ns, row.own_busy_ns) for row in rows] == [(29, None), (41, None)]


def test_a_copy_now_and_then_makes_no_backward_thread_doubtful():
    row = first_range(beside([*["kernel"] * 5, "memcpy"], calls_between=False))
    assert (row.busy_ns, row.own_busy_ns) == (41, 41)


def test_copies_are_doubtful_though_their_thread_computed_in_another_range():
    drawn = beside(["memcpy", "memcpy", "kernel"], calls_between=False)
    (forward, later) = analyze_trace(
        replace(drawn, ranges=[Range(0, 29, "forward"), Range(29, 99, "later")]).trace()
    ).ranges
    assert (forward.own_busy_ns, later.own_busy_ns) == (None, 6)


def test_a_range_whose_thread_waits_for_the_device_waits_for_no_helper():
    """PyTorch's backward is waited for without any call."""
    waiting = Call(9, 90, 0, "cudaDeviceSynchronize_v3020")
    drawn = beside(["kernel"] * 3, calls_between=False)
    row = first_range(replace(drawn, calls=[*drawn.calls, waiting]))
    assert (row.busy_ns, row.own_busy_ns) == (23, None)
