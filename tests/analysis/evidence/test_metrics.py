"""Samples of the GPU: read in both layouts, credited to whose work they saw, and said to be missing where they are."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing.launches import add_call, add_kernel
from drawing.nsys_file import NVTX, RUNTIME, TABLES, Export, described, global_pid, global_tid
from drawing.traces import read_recorded, unpacked
from flopprof.analysis.archives.scrub import scrub_trace
from flopprof.analysis.breakdown.analyze import Analysis, analyze_trace
from flopprof.analysis.evidence.metric_rows import KernelMetrics, RangeMetrics
from flopprof.analysis.samples.gpu_samples import GpuSamples
from flopprof.analysis.trace.reading import read_trace
from flopprof.reports.trace.compose import compose_analysis
from hypothesis import given
from hypothesis import strategies as st

H200_MB = {
    "outer": (0, 250),
    "sum0": (257, 5),
    "sum1": (256, 5),
    "matvec": (256, 4),
    "cp_outer": (0, 251),
    "cp_sum0": (256, 2),
    "cp_sum1": (256, 3),
    "cp_matvec": (256, 4),
}
"""What Nsight Compute counted of one call each at N = 8000: DRAM read and written."""

BANDWIDTH = 1_000_000_000_000


@pytest.fixture(scope="module")
def recorded() -> Analysis:
    return analyze_trace(read_recorded("gpu_metrics_100khz"))


def test_the_bytes_of_every_loop_are_those_that_hardware_counters_gave(recorded: Analysis):
    """Within 3 % of each other; small traffic beside it is of caches that were cold under Nsight Compute."""
    loops = {row.range.removeprefix("loop:"): row for row in recorded.metrics.ranges if len(row.path) == 1}
    assert set(loops) == set(H200_MB)
    for name, (read, written) in H200_MB.items():
        figures = loops[name].figures
        assert figures.dram_read_bytes is not None and figures.dram_write_bytes is not None
        if read:
            assert figures.dram_read_bytes / 20 / 1e6 == pytest.approx(read, rel=0.03)
            assert figures.dram_write_bytes / 20 / 1e6 < 5
        else:
            assert figures.dram_write_bytes / 20 / 1e6 == pytest.approx(written, rel=0.03)
            assert figures.dram_read_bytes / 20 / 1e6 < 8


def test_small_traffic_beside_large_is_known_to_a_percent_of_the_peak(recorded: Analysis):
    """Nsight Systems rounds up: nearly every sample of the outer products says 1 % of what was 0.04 %."""
    loops = {
        row.range.removeprefix("loop:"): row.figures for row in recorded.metrics.ranges if len(row.path) == 1
    }
    for name in ("outer", "cp_outer"):
        figures = loops[name]
        assert figures.dram_read_bytes is not None and figures.dram_step_bytes is not None
        assert 0.2 < figures.dram_read_bytes / 20 / 1e6 < 0.2 + 1.02 * figures.dram_step_bytes / 20 / 1e6
        assert figures.dram_read_pct == pytest.approx(1.0, abs=0.02)


def test_a_loop_its_range_and_its_kernel_have_the_same_bytes(recorded: Analysis):
    outer, inner = (row for row in recorded.metrics.ranges if row.path[0] == "loop:cp_sum0")
    (kernel,) = (row for row in recorded.metrics.kernels if row.kernel == "cupy_sum")
    assert outer.figures == inner.figures == kernel.figures
    assert (outer.instances, inner.instances, kernel.instances) == (1, 20, 20)


def test_the_document_has_the_metrics_of_the_contract(recorded: Analysis):
    plain = recorded.to_json()
    device = plain["device_metrics"]
    assert (device["source"], device["set"], device["samples"]) == ("GPU_METRICS", None, 4759)
    assert device["frequency_hz"] == pytest.approx(100_000, rel=0.001)
    assert len(device["names"]) == 30
    figures = (
        "dram_read_bytes",
        "dram_write_bytes",
        "dram_step_bytes",
        "dram_read_pct",
        "dram_write_pct",
        "sm_active_pct",
    )
    rest = ("pid", "tid", "device", "instances", "samples", *figures)
    rest = (*rest, "sm_issue_pct", "warps_pct", "tensor_pct")
    assert set(plain["range_metrics"][0]) == {"range", "path", "domain", *rest}
    assert set(plain["kernel_metrics"][0]) == {"kernel", "path", "domain", *rest}
    json.dumps(plain)


def test_a_trace_without_samples_has_none():
    plain = analyze_trace(read_recorded("torch_axis0")).to_json()
    assert (plain["device_metrics"], plain["range_metrics"], plain["kernel_metrics"]) == (None, [], [])


def test_a_scrubbed_copy_keeps_the_samples(tmp_path: Path, recorded: Analysis):
    scrub_trace(unpacked("gpu_metrics_100khz", tmp_path), tmp_path / "copy.sqlite")
    again = analyze_trace(read_trace(tmp_path / "copy.sqlite"))
    assert again.metrics == recorded.metrics


def test_a_report_shows_what_ranges_moved(recorded: Analysis):
    document = compose_analysis(recorded)
    (table,) = (t for section in document.sections for t in section.tables if t.name == "range_metrics")
    keys = [column.key for column in table.columns]
    assert keys[:6] == ["range", "place", "instances", "read", "written", "step"]
    assert table.rows[0].cells[2] in (1, 20)
    assert table.notes[1].startswith("The samples are whole percents: ")
    assert table.notes[2].startswith("GPU 0 was sampled at 100 kHz, 4759 times")


def drawn(
    work: list[tuple[int, int, str]], samples: list[tuple[int, int]], *, event_layout: bool = False
) -> Export:
    """Kernels (start, end, range) and samples (time, percent read) of GPU 0, whose memory reads 1000 bytes a ns."""
    export = described()
    export.add("TARGET_INFO_GPU", id=0, name="GPU", memoryBandwidth=BANDWIDTH, smCount=100)
    for at, (start, end, name) in enumerate(work):
        call = 10 * at
        export.add(
            NVTX,
            start=call,
            end=call + 5,
            eventType=59,
            text=name,
            textId=None,
            domainId=0,
            globalTid=global_tid(0, 0),
        )
        times = {"start": call + 1, "end": call + 2}
        export.add(
            RUNTIME,
            **times,
            globalTid=global_tid(0, 0),
            correlationId=at + 1,
            nameId=export.string("cudaLaunchKernel"),
        )
        export.add(
            TABLES["kernel"],
            start=start,
            end=end,
            globalPid=global_pid(0),
            deviceId=0,
            contextId=1,
            streamId=7,
            correlationId=at + 1,
            demangledName=export.string(name),
            shortName=export.string(name),
        )
    kind = 0x1000100000000
    if event_layout:
        export.add("GENERIC_EVENT_SOURCES", sourceId=kind, data=json.dumps({"Name": "GpuMetrics"}))
        export.add("GENERIC_EVENT_TYPES", typeId=kind, sourceId=kind, data=json.dumps({"Name": "gh100"}))
    else:
        name = "DRAM Read Bandwidth [Throughput %]"
        export.add(
            "TARGET_INFO_GPU_METRICS", typeId=kind, sourceId=kind, typeName="", metricId=9, metricName=name
        )
    for time, percent in samples:
        if event_layout:
            data = json.dumps({"DRAM Read Throughput": str(percent), "GR Active": "100"})
            export.add("GENERIC_EVENTS", rawTimestamp=time, timestamp=None, typeId=kind, data=data)
        else:
            export.add(
                "GPU_METRICS", rawTimestamp=time, timestamp=time, typeId=kind, metricId=9, value=percent
            )
    return export


def measure(export: Export, folder: Path) -> Analysis:
    return analyze_trace(read_trace(export.write(folder / "drawn.sqlite")))


def read_bytes(rows: tuple[RangeMetrics, ...] | tuple[KernelMetrics, ...]) -> list[float | None]:
    return [row.figures.dram_read_bytes for row in rows]


STEADY = [(1000 + 100 * at, 50) for at in range(1, 11)]


@pytest.mark.parametrize("event_layout", [False, True])
def test_both_layouts_say_the_same(tmp_path: Path, event_layout: bool):
    analysis = measure(drawn([(1000, 2000, "a")], STEADY, event_layout=event_layout), tmp_path)
    assert (
        read_bytes(analysis.metrics.ranges)
        == read_bytes(analysis.metrics.kernels)
        == [pytest.approx(500_000)]
    )
    (device,) = analysis.metrics.devices
    assert device.source == ("GENERIC_EVENTS" if event_layout else "GPU_METRICS")
    assert (device.set, device.samples, device.frequency_hz) == ("gh100" if event_layout else None, 10, 1e7)


def test_samples_may_come_in_any_order_and_with_their_raw_time_alone(tmp_path: Path):
    wanted = measure(drawn([(1000, 2000, "a")], STEADY), tmp_path)
    export = drawn([(1000, 2000, "a")], STEADY[:1])
    for at, (time, percent) in enumerate(reversed(STEADY[1:])):
        known = time if at % 2 else None
        export.add(
            "GPU_METRICS",
            rawTimestamp=time,
            timestamp=known,
            typeId=0x1000100000000,
            metricId=9,
            value=percent,
        )
    (tmp_path / "disordered").mkdir()
    found = measure(export, tmp_path / "disordered")
    assert found.metrics == wanted.metrics


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("times", [1, 2])
def test_samples_that_lie_in_many_parts_are_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: int, times: int
):
    """Instants may be cut by a part's end, come back in a later part, or come before those of an earlier one."""
    samples = [(1000 + at, at % 90) for at in range(1, 1000)][::order] * times
    export = drawn([(1000, 1500, "a"), (1500, 2000, "b")], samples)
    (name,) = export.tables["TARGET_INFO_GPU_METRICS"]
    export.tables["TARGET_INFO_GPU_METRICS"].append({**name, "metricId": 4, "metricName": "SMs Active"})
    values = export.tables["GPU_METRICS"]
    export.tables["GPU_METRICS"] = [{**row, "metricId": id} for row in values for id in (3, 4, 9)]
    whole = measure(export, tmp_path)
    assert whole.metrics.ranges[0].figures.sm_active_pct is not None
    monkeypatch.setattr("flopprof.analysis.sqlite.scan.BLOCK_BYTES", 4096)
    assert analyze_trace(read_trace(tmp_path / "drawn.sqlite")).metrics == whole.metrics


def test_metrics_are_named_alike_whatever_the_order_of_their_rows(tmp_path: Path):
    export = drawn([(1000, 2000, "a")], STEADY)
    (first,) = export.tables["TARGET_INFO_GPU_METRICS"]
    others = [{**first, "metricId": at, "metricName": f"SMs Active {at} [Throughput %]"} for at in (7, 11)]
    export.tables["TARGET_INFO_GPU_METRICS"] += others
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    wanted = measure(export, tmp_path / "one")
    export.tables["TARGET_INFO_GPU_METRICS"].reverse()
    assert len(wanted.metrics.devices[0].names) == 3
    assert measure(export, tmp_path / "other").metrics == wanted.metrics


def test_a_sample_that_work_fills_in_part_is_all_its_own(tmp_path: Path):
    """Each kernel runs in half of its sample at full rate, so the sample says 40 %."""
    work = [(1000 + 100 * at, 1050 + 100 * at, "a") for at in range(5)]
    samples = [(1000 + 100 * at, 40) for at in range(1, 6)]
    (row,) = measure(drawn(work, samples), tmp_path).metrics.ranges
    assert (row.figures.samples, row.figures.dram_read_pct) == (5, 80.0)
    assert row.figures.dram_read_bytes == pytest.approx(200_000)


def test_a_mixed_sample_is_shared_out_by_time(tmp_path: Path):
    """b begins in the middle of the sixth sample."""
    work = [(1000, 1575, "a"), (1575, 2000, "b")]
    a, b = measure(drawn(work, STEADY), tmp_path).metrics.ranges
    assert (a.figures.samples, b.figures.samples) == (5, 4)
    assert read_bytes((a, b)) == [pytest.approx(287_500), pytest.approx(212_500)]


def test_copies_of_another_thread_are_in_no_figures_of_the_range_beside_them(tmp_path: Path):
    """The range is open all the time; the copies fill the second half of what was sampled."""
    export = drawn([(1000, 1500, "a")], STEADY)
    export.tables[NVTX][0]["end"] = 3000
    add_call(export, 1, "cudaMemcpyAsync_v3020", globalTid=global_tid(0, 5))
    sizes = {"copyKind": 1, "srcKind": 1, "dstKind": 2, "bytes": 100}
    add_kernel(export, 1, 1500, 2000, streamId=8, **sizes)
    export.tables[TABLES["memcpy"]] = [export.tables[TABLES["kernel"]].pop()]
    (row,) = measure(export, tmp_path).metrics.ranges
    assert (row.figures.samples, row.figures.dram_read_bytes) == (5, pytest.approx(250_000))


def test_work_shorter_than_samples_has_no_figures_and_a_note(tmp_path: Path):
    work = [(1000 + 50 * at, 1050 + 50 * at, "ab"[at % 2]) for at in range(20)]
    analysis = measure(drawn(work, STEADY), tmp_path)
    assert read_bytes(analysis.metrics.ranges) == [None, None]
    assert [row.figures.samples for row in analysis.metrics.ranges] == [0, 0]
    assert {(n.code, n.count) for n in analysis.quality if n.code.startswith("gpu")} == {
        ("gpu_metrics_few", 2)
    }


def test_a_gap_between_samples_is_announced_and_rates_go_on(tmp_path: Path):
    samples = [one for one in STEADY if not 1400 < one[0] < 1700]
    analysis = measure(drawn([(1000, 2000, "a")], samples), tmp_path)
    assert read_bytes(analysis.metrics.ranges) == [pytest.approx(500_000)]
    assert [(n.code, n.count) for n in analysis.quality if n.code.startswith("gpu")] == [
        ("gpu_metrics_gaps", 1)
    ]


@pytest.mark.parametrize("end", ["first", "last"])
def test_work_that_samples_do_not_reach_is_announced(tmp_path: Path, end: str):
    """A buffer that overflows ends the samples; the rate of the rest is taken to go on."""
    samples = STEADY[3:] if end == "first" else STEADY[:-3]
    analysis = measure(drawn([(1000, 2000, "a")], samples), tmp_path)
    assert read_bytes(analysis.metrics.ranges) == [pytest.approx(500_000)]
    (note,) = [note for note in analysis.quality if note.code == "gpu_metrics_gaps"]
    assert (note.severity, note.count) == ("warning", 1)
    assert "sample at a lower frequency, or record for a shorter time" in note.message


def test_an_overflow_that_the_profiler_tells_of_is_lost_data(tmp_path: Path):
    export = drawn([(1000, 2000, "a"), (3000, 5000, "b")], STEADY)
    message = "GPU Metrics [0]: Sampling buffer overflow."
    export.add("DIAGNOSTIC_EVENT", timestamp=0, severity=3, text=message, globalPid=global_pid(0))
    analysis = measure(export, tmp_path)
    assert read_bytes(analysis.metrics.ranges) == [pytest.approx(500_000), None]
    found = {note.code: note for note in analysis.quality}
    assert found["gpu_metrics_lost"].severity == "error"
    assert "sample at a lower frequency" in found["gpu_metrics_lost"].message
    assert found["gpu_metrics_gaps"].count == found["gpu_metrics_few"].count == 1


def test_each_of_two_gpus_has_its_own_samples(tmp_path: Path):
    """GPU 1 reads at four fifths of what GPU 0 does, is sampled half as often, and has a gap."""
    export = drawn([(1000, 2000, "a"), (1000, 2000, "b")], STEADY)
    export.tables[TABLES["kernel"]][1]["deviceId"] = 1
    export.add("TARGET_INFO_GPU", id=1, name="GPU", memoryBandwidth=2 * BANDWIDTH, smCount=100)
    kind = 0x1000100000001
    name = "DRAM Read Bandwidth [Throughput %]"
    export.add(
        "TARGET_INFO_GPU_METRICS", typeId=kind, sourceId=kind, typeName="", metricId=4, metricName=name
    )
    for time in (1200, 1400, 1800, 2000):
        row = {"rawTimestamp": time, "timestamp": time, "typeId": kind}
        export.add("GPU_METRICS", **row, metricId=4, value=40)
    analysis = measure(export, tmp_path)
    rows = {(row.range, row.device): row.figures for row in analysis.metrics.ranges}
    assert {key: figures.dram_read_bytes for key, figures in rows.items()} == {
        ("a", 0): pytest.approx(500_000),
        ("b", 1): pytest.approx(800_000),
    }
    assert [one.samples for one in analysis.metrics.devices] == [10, 4]
    assert [(n.code, n.count) for n in analysis.quality if n.code.startswith("gpu")] == [
        ("gpu_metrics_gaps", 1)
    ]


def test_without_a_bandwidth_there_are_percentages_only(tmp_path: Path):
    export = drawn([(1000, 2000, "a")], STEADY)
    export.tables["TARGET_INFO_GPU"] = [{"id": 0, "name": "GPU", "smCount": 100}]
    analysis = measure(export, tmp_path)
    assert [(r.figures.dram_read_bytes, r.figures.dram_read_pct) for r in analysis.metrics.ranges] == [
        (None, 50.0)
    ]
    assert "gpu_metrics_no_bandwidth" in {n.code for n in analysis.quality}


def test_work_on_a_device_that_was_not_sampled_is_announced(tmp_path: Path):
    export = drawn([(1000, 2000, "a")], STEADY)
    for table in ("GPU_METRICS", "TARGET_INFO_GPU_METRICS"):
        export.tables[table] = [{**row, "typeId": 0x1000100000001} for row in export.tables[table]]
    analysis = measure(export, tmp_path)
    assert analysis.metrics.ranges == ()
    assert "GPU 0" in next(n.message for n in analysis.quality if n.code == "gpu_metrics_other_device")


def test_values_of_the_wrong_type_are_no_samples(tmp_path: Path):
    export = drawn([(1000, 2000, "a")], STEADY)
    path = export.write(tmp_path / "odd.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE GPU_METRICS SET value = 'much' WHERE timestamp = 1500")
    (row,) = analyze_trace(read_trace(path)).metrics.ranges
    assert row.figures.samples == 9
    assert row.figures.dram_read_bytes == pytest.approx(500_000)


@given(
    cuts=st.lists(st.integers(1001, 1999), max_size=8, unique=True),
    values=st.lists(st.integers(0, 100), min_size=10, max_size=10),
)
def test_the_bytes_of_all_owners_sum_to_those_of_the_samples(cuts: list[int], values: list[int]):
    """Whatever the cuts, of work without idle time."""
    from flopprof.analysis.evidence.metrics import cut_work

    bounds = [1000, *sorted(cuts), 2000]
    trace = DRAWN
    frame = trace.activities.iloc[[0] * (len(bounds) - 1)].reset_index(drop=True)
    frame["start_ns"], frame["end_ns"] = bounds[:-1], bounds[1:]
    whole = replace(trace, activities=frame, by_start=np.arange(len(frame)))
    samples = GpuSamples(
        device=0,
        time_ns=np.array([time for time, _ in STEADY]),
        period_ns=100.0,
        values={"dram_read_pct": np.array(values, float)},
        source="GPU_METRICS",
    )
    pieces = cut_work(whole, samples)
    credited = pieces.share * np.array(values)[pieces.sample]
    assert credited.sum() == pytest.approx(sum(values))
    assert pieces.ns.sum() == 1000


def _drawn_trace():
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return read_trace(drawn([(1000, 2000, "a")], STEADY).write(Path(folder) / "one.sqlite"))


DRAWN = _drawn_trace()
