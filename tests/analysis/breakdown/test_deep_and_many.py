"""Ranges deep in one another, and many windows: what is listed is bounded, what is counted stays exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest
from drawing.drawn import Call, Drawn, Range, Work, drawn_traces
from drawing.traces import read_recorded
from flopprof.analysis.attribution.attribution import attribute
from flopprof.analysis.attribution.paths import find_paths
from flopprof.analysis.breakdown import range_costs, window_cuts
from flopprof.analysis.breakdown.analyze import Analysis, analyze_trace
from flopprof.analysis.breakdown.range_costs import RangeTables, measure_ranges
from flopprof.analysis.breakdown.window_rows import NOT_LISTED, WindowRow
from flopprof.analysis.trace.trace import Trace
from hypothesis import given


def unpopped(count: int, name: str = "request {}") -> Drawn:
    """Ranges that are opened and never closed, each with one kernel."""
    end = 10 * count + 10
    calls = [Call(10 * at + 2, 10 * at + 4) for at in range(count)]
    work = [Work(10 * at + 5, 10 * at + 9, call=at, correlation_id=at + 1) for at in range(count)]
    return Drawn(calls, work, [Range(10 * at, end, name.format(at)) for at in range(count)])


def tables_of(trace: Trace, monkeypatch: pytest.MonkeyPatch, **limits: int) -> RangeTables:
    with monkeypatch.context() as patched:
        for name, value in limits.items():
            patched.setattr(range_costs, name, value)
        return measure_ranges(trace, attribute(trace), find_paths(trace))


@given(drawn_traces())
def test_going_up_the_tree_costs_ranges_as_going_level_by_level_does(drawn: Drawn):
    with pytest.MonkeyPatch.context() as monkeypatch:
        trace = drawn.trace()
        by_level, by_tree = tables_of(trace, monkeypatch), tables_of(trace, monkeypatch, DEEP=-1)
    assert by_tree.ranges == by_level.ranges
    assert sorted(map(repr, by_tree.kernels)) == sorted(map(repr, by_level.kernels))


@pytest.mark.parametrize("deep", [-1, 1 << 62])
def test_work_that_a_thread_asked_for_is_its_ranges_own_although_another_domain_owns_it(
    deep: int, monkeypatch: pytest.MonkeyPatch
):
    """A library's range of the calling thread beside one of another thread, which the work belongs to by process."""
    drawn = Drawn(
        [Call(1, 1)],
        [Work(1, 2, layer="memcpy", call=0, correlation_id=1)],
        [Range(0, 2, "gemm", domain="cuBLAS"), Range(1, 2, "step", thread=1)],
        threads=(0, 0),
    )
    own = {row.range: row.own_busy_ns for row in tables_of(drawn.trace(), monkeypatch, DEEP=deep).ranges}
    assert own["gemm"] == 1


@pytest.mark.parametrize("deep", [-1, 1 << 62])
def test_kernels_of_the_outermost_ranges_are_left_out_where_there_is_no_room(
    deep: int, monkeypatch: pytest.MonkeyPatch
):
    trace = unpopped(6).trace()
    tables = tables_of(trace, monkeypatch, DEEP=deep, MOST_PAIRS=4)
    assert [len(row.path) for row in tables.kernels] == [3, 4, 5, 6]
    assert tables.kernels_left_out == 2
    assert len(tables.ranges) == 6


def test_what_is_left_out_is_announced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(range_costs, "MOST_PAIRS", 4)
    assert quality(analyze_trace(unpopped(6).trace()))["kernels_not_listed"] == 2


def quality(analysis: Analysis) -> dict[str, int]:
    return {note.code: note.count for note in analysis.quality}


def test_a_path_of_32_messages_is_spelled_whole():
    analysis = analyze_trace(unpopped(32).trace())
    assert analysis.ranges[-1].path == tuple(f"request {at}" for at in range(32))
    assert "deep_ranges" not in quality(analysis)


def test_a_deeper_path_is_spelled_by_its_ends_and_says_what_it_leaves_out():
    analysis = analyze_trace(unpopped(100).trace())
    path = analysis.ranges[-1].path
    assert path[:16] == tuple(f"request {at}" for at in range(16))
    assert path[17:] == tuple(f"request {at}" for at in range(84, 100))
    assert path[16].startswith("… 68 more, ")
    assert quality(analysis)["deep_ranges"] == 68
    assert [row.kernel_sum_ns for row in analysis.ranges] == [4 * (100 - at) for at in range(100)]
    assert all(len(row.path) <= 33 for row in analysis.ranges)


@pytest.mark.parametrize("changes", [{"name": "other"}, {"domain": "other"}])
def test_paths_that_differ_only_in_what_is_left_out_are_not_spelled_alike(changes: dict[str, str]):
    one, other = unpopped(50).ranges, unpopped(50).ranges
    changed = [replace(r, **changes) if r.name == "request 20" else r for r in other]
    drawn = Drawn(ranges=[*one, *(replace(r, start=r.start + 1000, end=r.end + 1000) for r in changed)])
    paths = [(row.domains, row.path) for row in analyze_trace(drawn.trace()).ranges]
    assert len(paths) == len(set(paths)) == 80


def test_ranges_of_one_name_are_told_apart_by_how_many_are_left_out():
    paths = [row.path for row in analyze_trace(unpopped(60, "request").trace()).ranges]
    assert len(set(paths)) == 60


def unlisted(trace: Trace, **options: Any) -> Analysis:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(window_cuts, "ALWAYS_LISTED", 0)
        patched.setattr(window_cuts, "MOST_TIMES_COVERED", 0)
        return analyze_trace(trace, **options)


def without_owners(windows: Sequence[WindowRow]) -> list[WindowRow]:
    return [replace(window, owners=()) for window in windows]


@pytest.mark.parametrize("name", ["streams", "torch_axis0", "ddp", "unified_memory"])
@pytest.mark.parametrize("kind", ["host", "device"])
def test_a_window_that_lists_no_owners_has_the_same_times(name: str, kind: Literal["host", "device"]):
    trace = read_recorded(name)
    listed, found = (f(trace, range_glob="*", window=kind) for f in (analyze_trace, unlisted))
    assert without_owners(found.windows) == without_owners(listed.windows)
    assert quality(found)["owners_not_listed"] == len(found.windows)
    for window in found.windows:
        assert {owned.name.path for owned in window.owners} <= {NOT_LISTED}
        assert sum(owned.ns for owned in window.owners) == window.times.wall_ns


@pytest.mark.slow
@given(drawn_traces())
def test_layers_of_a_window_do_not_depend_on_how_they_are_added(drawn: Drawn):
    trace = drawn.trace()
    assert without_owners(unlisted(trace).windows) == without_owners(analyze_trace(trace).windows)
    both = [f(trace, range_glob="*") for f in (analyze_trace, unlisted)]
    assert without_owners(both[0].windows) == without_owners(both[1].windows)


def test_windows_in_one_another_list_no_more_owners_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(window_cuts, "ALWAYS_LISTED", 0)
    analysis = analyze_trace(unpopped(200).trace(), range_glob="*")
    listed = [window for window in analysis.windows if NOT_LISTED not in {o.name.path for o in window.owners}]
    assert sum(len(window.owners) for window in listed) <= 8 * (4 * 200 + 200)
    assert len(analysis.windows) - len(listed) == quality(analysis)["owners_not_listed"] > 0
    assert min(w.times.wall_ns for w in listed) < min(
        w.times.wall_ns for w in analysis.windows if w not in listed
    )


def test_windows_can_be_taken_by_place_and_in_part():
    windows = analyze_trace(read_recorded("three_processes"), range_glob="*").windows
    assert windows[-1] == list(windows)[-1]
    assert windows[1:4] == tuple(windows)[1:4]
    assert [windows[at] for at in range(len(windows))] == list(windows)
    with pytest.raises(IndexError):
        windows[len(windows)]
