"""A trace written as Chrome's events: read again it is the same trace to the nanosecond."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from drawing.draws import one_in
from drawing.traces import unpacked
from drawing.tree import DATA
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.errors import TraceError
from flopprof.analysis.timeline.event_texts import format_micros
from flopprof.analysis.timeline.moment import find_moment, whole_moment
from flopprof.analysis.timeline.trace_events import open_timeline, write_trace_events
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.trace.trace import Trace
from hypothesis import given
from hypothesis import strategies as st

WITH_KERNELS = (
    *("cupy_axis0", "ddp", "graph_node", "spans_across_threads", "streams", "threads", "three_processes"),
    *("torch_axis0", "two_gpus_swapped", "unified_memory"),
)


def written(trace: Trace) -> str:
    return "".join(write_trace_events(trace, whole_moment(trace)))


def events_of(text: str) -> list[dict[str, Any]]:
    return json.loads(text, parse_float=Decimal)["traceEvents"]


def nanoseconds(value: Decimal) -> int:
    exact = value * 1000
    assert exact == int(exact)
    return int(exact)


@given(st.integers(-(2**62), 2**62))
def test_no_nanosecond_is_lost_in_microseconds(ns: int):
    assert Decimal(format_micros(ns)) * 1000 == ns


@pytest.mark.parametrize("name", one_in(4, WITH_KERNELS))
def test_read_again_kernels_and_ranges_have_the_same_sums(name: str, tmp_path: Path):
    path = unpacked(name, tmp_path)
    before = analyze_file(path)
    again = tmp_path / "again.json"
    again.write_text(written(read_trace(path)), encoding="utf-8")
    after = analyze_file(again)
    sums = [
        sorted((row.kernel, row.device, row.instances, row.total_ns) for row in analysis.kernels)
        for analysis in (before, after)
    ]
    assert sums[0] == sums[1]
    assert sums[0]
    assert (after.device_ns, after.attributed_ns) == (before.device_ns, before.attributed_ns)


@pytest.mark.parametrize("name", [*WITH_KERNELS, "graph_graph"])
def test_durations_of_each_kernel_sum_to_the_analysis(name: str, tmp_path: Path):
    path = unpacked(name, tmp_path)
    sums: Counter[str] = Counter()
    for event in events_of(written(read_trace(path))):
        if event.get("cat") == "kernel":
            sums[event["name"]] += nanoseconds(event["dur"])
    wanted: Counter[str] = Counter()
    for row in analyze_file(path).kernels:
        wanted[row.kernel] += row.total_ns
    assert sums == wanted


@pytest.mark.parametrize("name", [*WITH_KERNELS, "graph_graph", "nvtx_all_types_2024.2"])
def test_no_two_events_of_a_lane_cross(name: str, tmp_path: Path):
    lanes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in events_of(written(read_trace(unpacked(name, tmp_path)))):
        if event["ph"] == "X":
            start = nanoseconds(event["ts"])
            lanes[event["pid"], event["tid"]].append((start, start + nanoseconds(event["dur"])))
    assert lanes
    for spans in lanes.values():
        stack: list[int] = []
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            while stack and stack[-1] <= start:
                stack.pop()
            assert not stack or end <= stack[-1]
            stack.append(end)


def test_every_range_call_and_piece_of_work_is_there_once(tmp_path: Path):
    trace = read_trace(unpacked("ddp", tmp_path))
    found = Counter(event.get("cat", event["ph"]) for event in events_of(written(trace)))
    assert found["user_annotation"] + found["nvtx_library"] == len(trace.ranges)
    assert found["cuda_runtime"] == len(trace.calls)
    assert found["kernel"] + found["gpu_memcpy"] + found["gpu_memset"] == len(trace.activities)
    assert found["ac2g"] == int((ints(trace.activities, "call") >= 0).sum()) + len(
        set(ints(trace.activities, "call").tolist()) - {-1}
    )


def test_nccl_has_lanes_of_its_own(tmp_path: Path):
    text = written(read_trace(unpacked("ddp", tmp_path)))
    lanes = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events_of(text)
        if event["name"] == "thread_name"
    }
    kernels = {
        ("NCCL" in lanes[event["pid"], event["tid"]], "nccl" in event["name"].lower())
        for event in events_of(text)
        if event.get("cat") == "kernel"
    }
    assert kernels == {(True, True), (False, False)}
    assert any(name.startswith("thread") and name.endswith(", NCCL") for name in lanes.values())


def test_samples_of_the_gpu_are_counters_that_begin_where_they_hold(tmp_path: Path):
    trace = read_trace(unpacked("gpu_metrics_100khz", tmp_path))
    (samples,) = trace.samples
    counters = [event for event in events_of(written(trace)) if event["ph"] == "C"]
    assert {event["name"] for event in counters} == samples.values.keys()
    figure, values = next(iter(samples.values.items()))
    mine = [event for event in counters if event["name"] == figure]
    start, end = whole_moment(trace).start_ns, whole_moment(trace).end_ns
    shown = [
        at for at in range(1, len(values)) if start <= samples.time_ns[at] and samples.time_ns[at - 1] <= end
    ]
    assert [nanoseconds(event["ts"]) for event in mine][-len(shown) :] == [
        int(samples.time_ns[at - 1]) for at in shown
    ]
    assert [float(event["args"]["%"]) for event in mine][-1] == pytest.approx(values[shown[-1]], rel=1e-5)


def test_one_instance_shows_its_work_until_that_has_ended(tmp_path: Path):
    trace = read_trace(unpacked("torch_axis0", tmp_path))
    moment = find_moment(trace, "sum", 2)
    events = events_of("".join(write_trace_events(trace, moment)))
    ranges = [event for event in events if event.get("cat") == "user_annotation"]
    assert any(nanoseconds(event["ts"]) == moment.start_ns and event["name"] == "sum" for event in ranges)
    ends = [nanoseconds(e["ts"]) + nanoseconds(e["dur"]) for e in events if e.get("cat") == "kernel"]
    assert moment.end_ns in ends
    whole = [event for event in events_of(written(trace)) if event["ph"] == "X"]
    assert 0 < len([event for event in events if event["ph"] == "X"]) < len(whole)


@pytest.mark.parametrize(
    ("glob", "instance", "said"),
    [
        ("nosuch", None, "has no range 'nosuch'; it has '"),
        ("train_step", 300, "instances of 'train_step'; --instance is 1 to "),
        ("train_step", 0, "instances of 'train_step'; --instance is 1 to "),
    ],
)
def test_what_is_not_there_is_one_line(glob: str, instance: int | None, said: str, tmp_path: Path):
    trace = read_trace(unpacked("ddp", tmp_path))
    with pytest.raises(TraceError) as error:
        find_moment(trace, glob, instance)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_trace_has_nothing_to_show(tmp_path: Path):
    path = DATA / "no_nvtx_2022.4.sqlite.xz"
    with pytest.raises(TraceError, match="there is nothing to show"):
        open_timeline(path, tmp_path / "out.json", None, None)


def test_a_trace_is_not_overwritten_by_its_timeline(tmp_path: Path):
    path = unpacked("streams", tmp_path)
    with pytest.raises(TraceError, match="is the trace itself"):
        open_timeline(path, path, None, None)


def test_names_from_outside_stay_json(tmp_path: Path):
    """Names that are no Unicode, too."""
    text = written(read_trace(unpacked("invalid_utf8_2024.2", tmp_path)))
    assert text.isascii()
    assert events_of(text)
