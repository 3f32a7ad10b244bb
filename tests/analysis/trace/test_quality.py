"""What a trace admits about itself."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import flopprof.analysis.trace.quality
import pytest
from drawing.nsys_file import NVTX, RUNTIME, TABLES, described, global_pid, global_tid
from drawing.traces import read_recorded, unpacked
from drawing.tree import ROOT
from flopprof.analysis.codes.closed_list import CODES
from flopprof.analysis.codes.lossy import loses_data
from flopprof.analysis.errors import TraceError
from flopprof.analysis.export.metadata import Diagnostic
from flopprof.analysis.trace.diagnostics import DIAGNOSTICS, judge_diagnostics
from flopprof.analysis.trace.quality import note, sort_notes
from flopprof.analysis.trace.reading import read_trace

LOSSES = [
    ("Not all CUDA events might have been collected.", "cuda_events_lost"),
    ("Not all NVTX events might have been collected.", "nvtx_events_lost"),
    ("Not all CUDA API events might have been collected.", "cuda_events_lost"),
    ("Not all events might have been collected.", "cuda_events_lost"),
    ("Not all OS runtime libraries events might have been collected.", "other_events_lost"),
    ("No CUDA events collected. Does the process use CUDA?", "cuda_not_recorded"),
    ("CUDA profiling might have not been started correctly.", "cuda_not_recorded"),
    ("No NVTX events collected. Does the process use NVTX?", "nvtx_not_recorded"),
    ("CUPTI dropped 12 records", "cuda_events_lost"),
    ("Number of incomplete CUPTI events dropped: 7", "cuda_events_lost"),
    ("Couldn't allocate CUPTI buffers 3 times", "cuda_events_lost"),
    ("Some CUPTI events might be missing", "cuda_events_lost"),
    ("Crossed maximum limit for CUPTI buffer allocation", "cuda_events_lost"),
    ("Reached the size limit on recording trace events", "trace_truncated"),
    ("Injection storage file /tmp/x has reached 95% of size limit", "trace_truncated"),
    ("Some events (42) were lost", "cuda_events_lost"),
    ("Wrong event order has been detected", "events_misordered"),
    ("NVTX payload extension is incompatible. Provided compatibility ID 260 != 259.", "nvtx_incompatible"),
    ("A client is already subscribed to CUPTI", "profiler_conflict"),
    (
        "Using CUDA stream capture prior to version 11.4 may result in incorrect NVTX projection",
        "capture_projection",
    ),
    (
        "GPU Metrics [0]: NVPA_STATUS_INSUFFICIENT_PRIVILEGE: insufficient privileges",
        "gpu_metrics_not_permitted",
    ),
    ("GPU Metrics [0]: the counters are already in use", "gpu_metrics_busy"),
    ("GPU Metrics [1]: Sampling buffer overflow", "gpu_metrics_lost"),
    ("Not all GPU Metrics events might have been collected.", "gpu_metrics_lost"),
    ("The payload exceeds maximum allowed size 1024 for NVTX payloads", "payload_too_large"),
]


@pytest.mark.parametrize(("text", "code"), LOSSES)
@pytest.mark.parametrize("severity", [0, 1, 2, 3, 4])
def test_every_sign_of_loss_has_its_code_at_any_severity(text: str, code: str, severity: int):
    assert [q.code for q in judge_diagnostics([Diagnostic(severity=severity, text=text.upper())])] == [code]


def test_only_what_is_not_recorded_or_projected_is_no_loss():
    assert {code for _, code in LOSSES if not CODES[code].lossy} == {
        *("cuda_not_recorded", "nvtx_not_recorded", "capture_projection", "other_events_lost"),
        *("gpu_metrics_not_permitted", "gpu_metrics_busy"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "Process was launched by the profiler, see /tmp/a and stderr.log for program output",
        "Number of CUDA events collected: \t2245.",
        "NVTX function nvtxDomainDestroy was called with wrong domain ID argument.",
        "Number of CUPTI events produced: \t2296, CUPTI buffers: 50.",
        "CUPTI dropped 0 records",
        "Number of incomplete CUPTI events dropped: 0",
        "Couldn't allocate CUPTI buffers 0 times",
        "Some events (0) were lost",
        "Scheduling information is absent",
    ],
)
@pytest.mark.parametrize("severity", [0, 1, 2, 3, 4])
def test_harmless_messages_are_silent(text: str, severity: int):
    assert [q.code for q in judge_diagnostics([Diagnostic(severity=severity, text=text)])] == []


def test_only_warnings_and_errors_of_unknown_text_count():
    said = [Diagnostic(severity=severity, text="Something new /home/user/secret") for severity in range(5)]
    notes = judge_diagnostics(said)
    assert [(q.code, q.count) for q in notes] == [("profiler_warning", 1), ("profiler_error", 1)]
    assert not any("secret" in q.message for q in notes)


def test_the_list_is_closed_and_complete():
    assert {code for _, code in DIAGNOSTICS} <= set(CODES)
    assert {entry.severity for entry in CODES.values()} == {"error", "warning", "info"}
    source = "".join(
        p.read_text() for p in Path(flopprof.analysis.trace.quality.__file__).parents[1].rglob("*.py")
    )
    for code in CODES:
        assert len(re.findall(rf'"{code}"', source)) >= (1 if code.startswith("profiler_") else 2), code
    with pytest.raises(KeyError):
        note("made_up")


def test_the_list_is_documented():
    documented = (ROOT / "docs" / "quality.md").read_text()
    for code, entry in CODES.items():
        severity = f"{entry.severity}, lossy" if entry.lossy else entry.severity
        assert f"| `{code}` | {severity} | {entry.meaning} | {', '.join(entry.affects)} |" in documented


def test_errors_come_first_and_each_code_once():
    notes = [note("open_ranges"), note("nvtx_events_lost"), note("impossible_times", 3), note("open_ranges")]
    assert [q.code for q in sort_notes(notes)] == ["impossible_times", "nvtx_events_lost", "open_ranges"]
    assert [q.count for q in sort_notes(notes)] == [3, 1, 2]


def test_shards_that_lost_the_same_are_each_named():
    lost = note("cuda_events_lost")
    notes = [replace(lost, message=f"{shard}: {lost.message}") for shard in ("cupy-cuda", "torch-cuda")]
    assert sort_notes(notes) == tuple(notes)


@pytest.mark.parametrize(
    ("name", "codes", "lossy"),
    [
        ("crash", {"cuda_events_lost", "nvtx_events_lost", "missing_device_work", "open_ranges"}, True),
        ("nvtx0216_lost_2024.2", {"nvtx_incompatible", "missing_ranges", "missing_device_work"}, True),
        ("child_sigkill_2024.2", {"nvtx_events_lost", "missing_device_work"}, True),
        (
            "fork_traced_2024.2",
            {"nvtx_events_lost", "missing_device_work", "nameless_domain", "open_ranges"},
            True,
        ),
        ("cuda_requested_no_gpu_2024.2", {"cuda_not_recorded", "missing_device_work"}, False),
        ("no_nvtx_2022.4", {"missing_ranges", "missing_device_work"}, False),
        ("graph_graph", {"graph_mode"}, False),
        ("graph_node", set(), False),
        ("torch_axis0", set(), False),
    ],
)
def test_recorded_traces_say_what_is_wrong_with_them(name: str, codes: set[str], lossy: bool):
    quality = read_recorded(name).quality
    assert {q.code for q in quality} == codes
    assert loses_data(quality) is lossy


def test_the_incompatibility_shows_without_any_message(tmp_path: Path):
    export = described("3.0.0")
    for start, kind in ((1000, 75), (60_000, 76)):
        export.add(
            NVTX,
            start=start,
            end=None,
            eventType=kind,
            text="flopprof",
            globalTid=global_tid(0, 1),
            domainId=1,
        )
    trace = read_trace(export.write(tmp_path / "t.sqlite"))
    assert "nvtx_incompatible" in {q.code for q in trace.quality}


@pytest.mark.parametrize(("ranged", "lost"), [(0, False), (1, True)])
def test_the_default_domain_is_lost_where_a_process_destroys_it_and_has_no_range(
    tmp_path: Path, ranged: int, lost: bool
):
    """`nvtx.annotate("step")` under an older Nsight Systems leaves nothing else."""
    export = described()
    export.add(
        NVTX, start=1000, end=2000, eventType=59, text="r", globalTid=global_tid(ranged, 1), domainId=0
    )
    export.add(NVTX, start=3000, end=None, eventType=76, globalTid=global_tid(0, 1), domainId=0)
    trace = read_trace(export.write(tmp_path / "t.sqlite"))
    assert ("nvtx_incompatible" in {q.code for q in trace.quality}) == lost


def test_a_domain_that_was_used_is_no_sign_of_incompatibility(tmp_path: Path):
    export = described()
    tid = global_tid(0, 1)
    export.add(NVTX, start=1000, end=None, eventType=75, text="ops", globalTid=tid, domainId=1)
    export.add(NVTX, start=1010, end=1020, eventType=59, text="r", globalTid=tid, domainId=1)
    export.add(NVTX, start=1100, end=None, eventType=76, globalTid=tid, domainId=1)
    trace = read_trace(export.write(tmp_path / "t.sqlite"))
    assert "nvtx_incompatible" not in {q.code for q in trace.quality}


def test_graph_launches_without_any_work_are_named(tmp_path: Path):
    export = described()
    for number in range(2):
        export.add(
            RUNTIME,
            start=10 * number,
            end=10 * number + 5,
            globalTid=global_tid(0, 1),
            correlationId=number + 1,
            nameId=export.string("cudaGraphLaunch_v10000"),
        )
    trace = read_trace(export.write(tmp_path / "t.sqlite"))
    assert [(q.code, q.count) for q in trace.quality if q.severity == "error"] == [("graphs_not_recorded", 2)]


def test_a_partial_export_is_lossy(tmp_path: Path):
    export = described()
    export.add("META_DATA_EXPORT", name="EXPORT_PARAM_TABLES_TO_EXPORT", value="NVTX_EVENTS")
    quality = read_trace(export.write(tmp_path / "t.sqlite")).quality
    assert "partial_export" in {q.code for q in quality}
    assert loses_data(quality)


def test_values_of_the_wrong_type_are_counted_and_missing(tmp_path: Path):
    export = described()
    row = {"start": 1, "end": 2, "deviceId": 0, "streamId": 7, "globalPid": global_pid(0), "demangledName": 1}
    export.add(TABLES["kernel"], correlationId="text", **row)
    trace = read_trace(export.write(tmp_path / "t.sqlite"))
    assert {q.code: q.count for q in trace.quality}["bad_values"] == 1
    assert len(trace.activities) == 1


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("torch_axis0", "DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL", "missing_kernels"),
        ("streams", "DROP TABLE CUPTI_ACTIVITY_KIND_MEMCPY", "missing_copies"),
        ("torch_axis0", "DROP TABLE CUPTI_ACTIVITY_KIND_MEMSET", "missing_fills"),
        ("torch_axis0", "DROP TABLE CUPTI_ACTIVITY_KIND_RUNTIME", "missing_calls"),
        ("crash", "DROP TABLE CUPTI_ACTIVITY_KIND_RUNTIME", "missing_calls"),
        ("torch_axis0", "DROP TABLE NVTX_EVENTS", "missing_ranges"),
        ("torch_axis0", "DROP TABLE TARGET_INFO_GPU", "missing_device_info"),
        ("torch_axis0", "DROP TABLE META_DATA_EXPORT", "schema_unknown"),
        ("torch_axis0", "DROP TABLE ANALYSIS_DETAILS", "missing_duration"),
        ("torch_axis0", "DELETE FROM StringIds WHERE id % 2", "missing_names"),
        ("streams", "UPDATE CUPTI_ACTIVITY_KIND_MEMCPY SET bytes = 'many'", "bad_values"),
        ("threads", "UPDATE NVTX_EVENTS SET domainId = NULL WHERE rowid % 3 = 0", "missing_values"),
        ("ddp", "DROP TABLE CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "stream_uncertain"),
    ],
)
def test_what_is_missing_from_a_recording_is_named(name: str, change: str, code: str, tmp_path: Path):
    path = unpacked(name, tmp_path)
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    assert code in {q.code for q in read_trace(path).quality} - {q.code for q in read_recorded(name).quality}


@pytest.mark.parametrize("column", ["gridZ", "blockX", "registersPerThread"])
def test_a_launch_geometry_that_some_kernels_lack_is_counted(column: str, tmp_path: Path):
    path = unpacked("streams", tmp_path)
    kernels = "CUPTI_ACTIVITY_KIND_KERNEL"
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE other AS SELECT * FROM {kernels}")  # without constraints
    connection.execute(f"DROP TABLE {kernels}")
    connection.execute(f"ALTER TABLE other RENAME TO {kernels}")
    connection.execute(f"UPDATE {kernels} SET {column} = NULL WHERE rowid % 2")
    connection.commit()
    connection.close()
    assert {q.code: q.count for q in read_trace(path).quality}["missing_values"] == 16


def test_a_null_device_or_size_is_counted(tmp_path: Path):
    export = described()
    row = {"start": 1, "end": 2, "streamId": 7, "correlationId": 1, "globalPid": global_pid(0), "copyKind": 1}
    export.add(TABLES["memcpy"], deviceId=None, bytes=None, **row)
    trace = read_trace(export.write(tmp_path / "t.sqlite"))
    assert {q.code: q.count for q in trace.quality}["missing_values"] == 2


def test_without_any_strings_a_trace_is_refused(tmp_path: Path):
    path = unpacked("torch_axis0", tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE StringIds")
    connection.commit()
    connection.close()
    with pytest.raises(TraceError, match="StringIds"):
        read_trace(path)


def test_that_some_processes_have_no_ranges_is_no_loss_where_others_have():
    """The launcher of `three_processes` makes none, nor do its two helpers make CUDA events."""
    counts = {q.code: q.count for q in read_recorded("three_processes").quality}
    assert counts == {"processes_without_cuda": 2, "processes_without_ranges": 1}


def test_of_ranges_that_never_closed_the_last_to_begin_is_named():
    (said,) = [one.message for one in read_recorded("crash").quality if one.code == "open_ranges"]
    assert said == "ranges were never closed: they end with the recording (the last of them to begin is sum)"
