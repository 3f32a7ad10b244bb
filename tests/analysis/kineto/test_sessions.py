"""Sessions of torch.profiler beside ranges that their process kept: one program on an H200, recorded in two of them.

The program made ranges ``rep`` with one each for a product, a sum, a sum of CuPy's, a graph's replay and a copy, and
after them launched additions on a thread without ranges.
"""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.archives.scrub import scrub_trace
from flopprof.analysis.breakdown.analyze import Analysis, analyze_file
from flopprof.analysis.breakdown.kernel_names import read_template
from flopprof.analysis.kineto.sessions import add_activity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the worker left: its ranges, and of each session the trace and the record of clocks."""
    with tarfile.open(DATA / "kineto" / "session.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path / "session"


def analyze(folder: Path) -> Analysis:
    add_activity(folder / "raw.sqlite", folder)
    scrub_trace(folder / "raw.sqlite", folder / "trace.sqlite")
    return analyze_file(folder / "trace.sqlite")


def codes(analysis: Analysis) -> set[str]:
    return {note.code for note in analysis.quality} - {"counters_folded"}


def test_every_kernel_has_the_range_that_launched_it(folder: Path):
    analysis = analyze(folder)
    owners: Counter[tuple[str, str]] = Counter()
    for row in analysis.range_kernels:
        if len(row.path) == 3:
            owners[row.path[-1], read_template(row.kernel)] += row.instances
    gemm = "sm80_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize64x64x8_stage3_warpsize1x4x1_ffma_aligna4_alignc4_execute"
    assert owners == {
        ("matvec", "internal::gemvx::kernel"): 6,
        ("sum", "at::native::reduce_kernel"): 6,
        ("cupy", "cupy_sum"): 6,
        ("replay", f"{gemm}_kernel__5x_cublas"): 6,
        ("replay", f"{gemm}_split_k_kernel__5x_cublas"): 6,
        ("replay", "at::native::reduce_kernel"): 6,
    }
    assert {row.attribution for row in analysis.range_kernels if len(row.path) == 3} == {"thread"}
    beside = [row for row in analysis.range_kernels if row.attribution == "process"]
    assert [(row.path, row.instances) for row in beside] == [(("step:#",), 6)]
    assert analysis.unattributed_ns == 0


def test_device_time_is_that_of_the_traces(folder: Path):
    events = [
        event
        for path in folder.glob("activity-?.json")
        for event in json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
        if event.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset")
    ]
    assert len(events) == 48
    assert analyze(folder).device_ns == round(sum(event["dur"] for event in events) * 1000)


def test_it_says_what_recorded_and_how_closely_clocks_agree(folder: Path):
    analysis = analyze(folder)
    assert codes(analysis) == {"torch_activity", "stand_in_threads"}
    (note,) = (note for note in analysis.quality if note.code == "torch_activity")
    assert note.message.endswith("(their clocks agree within 0.5 µs)")


def test_sessions_share_no_correlation_id(folder: Path):
    analyze(folder)
    query = "SELECT correlationId, count(*) FROM CUPTI_ACTIVITY_KIND_RUNTIME GROUP BY 1 HAVING count(*) > 1"
    with sqlite3.connect(folder / "raw.sqlite") as connection:
        assert connection.execute(query).fetchall() == []


def keep_first(folder: Path, share: float) -> None:
    """Of the last session only what happened before, as where its buffers were full."""
    path = folder / "activity-3.json"
    trace = json.loads(path.read_text(encoding="utf-8"))
    events = trace["traceEvents"]
    times = sorted(event["ts"] for event in events if event.get("cat") == "cuda_runtime")
    last = times[int(len(times) * share)]
    trace["traceEvents"] = [event for event in events if float(event.get("ts", 0)) < last]
    path.write_text(json.dumps(trace), encoding="utf-8")


def test_a_recording_that_stopped_early_is_lost_data(folder: Path):
    keep_first(folder, 0.6)
    analysis = analyze(folder)
    assert "activity_cut_short" in codes(analysis)
    assert analysis.device_ns > 0


def test_a_session_whose_trace_is_damaged_costs_no_other(folder: Path):
    path = folder / "activity-3.json"
    path.write_text(path.read_text(encoding="utf-8")[:20_000], encoding="utf-8")
    analysis = analyze(folder)
    assert {"activity_not_recorded", "torch_activity"} <= codes(analysis)
    replays = [row.instances for row in analysis.range_kernels if row.path[-1:] == ("replay",)]
    assert replays == [3, 3, 3]


def test_a_clock_that_cannot_be_joined_leaves_the_rows_out(folder: Path):
    for path in folder.glob("*.clock.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        record |= {"begin": [[before, before + 1] for before, _ in record["begin"]], "end": []}
        path.write_text(json.dumps(record), encoding="utf-8")
    analysis = analyze(folder)
    assert {"activity_not_recorded", "embedded_recorder"} <= codes(analysis)
    assert analysis.device_ns == 0
