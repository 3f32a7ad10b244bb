"""Traces of torch.profiler: one program on an H200 recorded by it and by Nsight Systems, and files made by hand."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from drawing.tree import DATA
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.breakdown.analyze import Analysis, analyze_file
from flopprof.analysis.breakdown.kernel_names import unify_spelling
from flopprof.analysis.errors import TraceError
from flopprof.analysis.trace.reading import read_trace
from hypothesis import given
from hypothesis import strategies as st

LOOP, CUDA_ONLY, BY_NSYS = (
    DATA / "kineto" / name for name in ("loop.json.gz", "loop_cuda_only.json.gz", "loop_nsys.sqlite.xz")
)

BASE_NS = 1_790_857_026_000_000_000


@pytest.fixture(scope="module")
def loop() -> Analysis:
    return analyze_file(LOOP)


@pytest.fixture(scope="module")
def by_nsys() -> Analysis:
    return analyze_file(BY_NSYS)


def event(cat: str, name: str, ts: str, dur: str, **more: Any) -> dict[str, Any]:
    return {
        "ph": "X",
        "cat": cat,
        "name": name,
        "pid": 7,
        "tid": 7,
        "ts": Decimal(ts),
        "dur": Decimal(dur),
        **more,
    }


def kernel(name: str, ts: str, dur: str, *, correlation: int = 1, **more: Any) -> dict[str, Any]:
    args = {
        "device": 0,
        "stream": 7,
        "context": 1,
        "correlation": correlation,
        "grid": [1, 2, 3],
        "block": [32, 1, 1],
    }
    return {**event("kernel", name, ts, dur), "pid": 0, "args": {**args, **more}}


def launch(ts: str, dur: str, *, correlation: int = 1, **more: Any) -> dict[str, Any]:
    return event("cuda_runtime", "cudaLaunchKernel", ts, dur, args={"correlation": correlation}, **more)


def write(folder: Path, events: Iterable[Any], **head: Any) -> Path:
    """A file as torch writes it; Decimals keep their digits."""
    path = folder / "made.json"
    document = {"schemaVersion": 1, "traceEvents": list(events), **head}
    path.write_text(
        json.dumps(document, default=lambda value: f"\0{value}\0")
        .replace('"\\u0000', "")
        .replace('\\u0000"', "")
    )
    return path


def count_kernels(analysis: Analysis) -> Counter[tuple[str, str]]:
    """How many kernels each range of the program has, by how they came to it; torch's own ranges aside."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in analysis.range_kernels:
        path = row.path if isinstance(row.path, str) else "/".join(row.path)
        if row.domain == "" and "Optimizer.step#" not in path:
            counts[path, row.attribution] += row.instances
    return counts


def test_every_kernel_belongs_to_the_range_that_it_has_under_nsight_systems(
    loop: Analysis, by_nsys: Analysis
):
    assert count_kernels(loop) == count_kernels(by_nsys)
    assert sum(row.instances for row in loop.kernels) == sum(row.instances for row in by_nsys.kernels) == 430
    assert loop.unattributed_ns == by_nsys.unattributed_ns == 0


def test_device_time_is_that_of_nsight_systems_within_a_percent(loop: Analysis, by_nsys: Analysis):
    assert loop.device_ns == 8_995_658
    assert loop.device_ns == pytest.approx(by_nsys.device_ns, rel=0.01)
    assert sum(row.bytes or 0 for row in loop.copies) == sum(row.bytes or 0 for row in by_nsys.copies)


def test_every_kernel_has_its_name_however_it_is_spelled(loop: Analysis, by_nsys: Analysis):
    def launches(analysis: Analysis) -> dict[str, int]:
        return {unify_spelling(row.kernel): row.instances for row in analysis.kernels}

    assert len(loop.kernels) == len(launches(loop)) == 34
    assert launches(loop) == launches(by_nsys)


def test_launch_geometry_gives_the_same_occupancies(loop: Analysis, by_nsys: Analysis):
    def occupancies(analysis: Analysis) -> list[tuple[Any, ...]]:
        return sorted(
            (launch.grid, launch.block, launch.occupancy, launch.instances)
            for row in analysis.kernels
            for launch in row.launches
        )

    assert occupancies(loop) == occupancies(by_nsys)


def test_what_torch_profiler_cannot_say_is_said(loop: Analysis):
    assert [note.code for note in loop.quality] == ["kineto_recorder"]
    alone = analyze_file(CUDA_ONLY)
    assert {note.code: note.count for note in alone.quality} == {
        "kineto_recorder": 1,
        "missing_ranges": 1,
        "stand_in_threads": 2,
    }
    assert any(row.kernel == "cupy_sum" for row in alone.kernels)


def test_operators_own_nothing_and_are_credited_all_the_same(loop: Analysis):
    operators = [row for row in loop.ranges if row.domain == "torch.operators"]
    assert any("aten::mm (" in str(row.path) for row in operators)
    assert not any(owner.name.domain == "torch.operators" for row in loop.windows for owner in row.owners)


def test_nodes_of_a_graph_belong_to_its_launch(loop: Analysis):
    (replay,) = (row for row in loop.ranges if "replay" in str(row.path) and row.domain == "")
    assert (replay.instances, replay.activities) == (10, 30)


def test_times_are_exact_to_the_nanosecond(tmp_path: Path):
    path = write(tmp_path, [launch("5031331758209.001", "2"), kernel("k", "5031331758211.983", "0.832")])
    activities = read_trace(path).activities
    assert (ints(activities, "start_ns").tolist(), ints(activities, "end_ns").tolist()) == ([2983], [3815])


@given(st.lists(st.tuples(st.integers(0, 10**18), st.integers(0, 10**9)), min_size=1, max_size=20))
def test_no_nanosecond_is_lost_or_made(
    tmp_path_factory: pytest.TempPathFactory, times: list[tuple[int, int]]
):
    def micro(ns: int) -> str:
        return f"{ns // 1000}.{ns % 1000:03d}"

    events = [kernel(f"k{at}", micro(start), micro(length)) for at, (start, length) in enumerate(times)]
    trace = read_trace(write(tmp_path_factory.mktemp("kineto"), events))
    first = min(start for start, _ in times)
    got = sorted(
        zip(
            ints(trace.activities, "start_ns").tolist(),
            ints(trace.activities, "end_ns").tolist(),
            strict=True,
        )
    )
    assert got == sorted((start - first + 1, start - first + 1 + length) for start, length in times)


def test_a_list_of_events_is_a_trace_too(tmp_path: Path):
    path = tmp_path / "old.json"
    path.write_text("\n  " + json.dumps([json.loads(json.dumps(kernel("k", "1", "2"), default=float))]))
    assert analyze_file(path).device_ns == 2000


def test_the_clock_is_that_of_the_wall(tmp_path: Path):
    path = write(tmp_path, [kernel("k", "5.5", "1")], baseTimeNanoseconds=BASE_NS)
    assert analyze_file(path).device_ns == 1000


def test_a_trace_without_cuda_has_ranges_and_calls_nothing_lost(tmp_path: Path):
    analysis = analyze_file(
        write(tmp_path, [event("user_annotation", "step", "1", "9"), event("cpu_op", "aten::mm", "2", "3")])
    )
    assert {row.path if isinstance(row.path, str) else row.path[-1] for row in analysis.ranges} == {
        "step",
        "aten::mm",
    }
    assert not analysis.kernels


def test_device_work_of_two_processes_goes_to_that_of_its_call(tmp_path: Path):
    events = [
        event("user_annotation", "a", "0", "9"),
        {**event("user_annotation", "b", "0", "9"), "pid": 8, "tid": 8},
        launch("1", "1", correlation=11),
        {**launch("1", "1", correlation=12), "pid": 8, "tid": 8},
        kernel("k", "3", "1", correlation=11),
        kernel("l", "5", "2", correlation=12),
    ]
    owned = {(row.path, row.kernel) for row in analyze_file(write(tmp_path, events)).range_kernels}
    assert {(path if isinstance(path, str) else path[-1], name) for path, name in owned} == {
        ("a", "k"),
        ("b", "l"),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"traceEvents": [{"ph": "X"', "is cut short after"),
        ('{"flopprof": 1, "windows": []}', "is JSON without traceEvents"),
        ('{"traceEvents": [1, 2]}', "something else than events"),
        ('{"traceEvents": []}', "nothing was recorded"),
        ("{nonsense}", "is no JSON that can be read"),
        ('{"traceEvents": [{"ph": "X", "cat": "kernel", "name": "k", "ts": 1}]}', "lacks 'args'"),
        (
            '{"traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "k", "ts": "x", "pid": 1, "tid": 1}]}',
            "lacks",
        ),
    ],
)
def test_what_is_no_trace_is_one_line(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(TraceError, match=problem) as caught:
        read_trace(path)
    assert str(caught.value).startswith(str(path)) or "bad.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_packed_trace_that_is_cut_says_so(tmp_path: Path):
    path = tmp_path / "cut.json.gz"
    path.write_bytes(LOOP.read_bytes()[:50_000])
    with pytest.raises(TraceError, match="cut short"):
        read_trace(path)


def test_an_unpacked_trace_says_the_same(tmp_path: Path, loop: Analysis):
    path = tmp_path / "loop.json"
    path.write_bytes(gzip.decompress(LOOP.read_bytes()))
    assert analyze_file(path).kernels == loop.kernels
