"""Records that run while others of their stream do, or after they were waited for: said, and left out of sums."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing.launches import add_call, add_kernel, launching
from drawing.nsys_file import RUNTIME, TABLES, Export, Row, described, global_pid, global_tid
from drawing.traces import read_case
from flopprof.analysis.breakdown.analyze import analyze_file, analyze_trace
from flopprof.analysis.codes.closed_list import CODES as CODES_OF
from flopprof.analysis.trace.reading import read_trace

CODES = (
    *("overlapping_records", "overlapping_streams", "outlasting_records", "repeated_records"),
    "missing_values",
)


def counts(export: Export, folder: Path) -> dict[str, int | None]:
    """Count by code, of those judged here."""
    trace = read_trace(export.write(folder / "t.sqlite"))
    return {note.code: note.count for note in trace.quality if note.code in CODES}


def test_a_record_over_thirteen_later_ones_is_left_out():
    trace = read_case("stream_overlap")
    (note,) = (note for note in trace.quality if note.code == "overlapping_records")
    assert (note.count, note.severity, CODES_OF[note.code].lossy) == (1, "error", True)
    assert len(trace.activities) == 19
    (window,) = analyze_trace(trace).windows
    assert window.times.kernel_ns == 8_500_000


def test_records_of_other_streams_may_overlap(tmp_path: Path):
    export = launching(10)
    add_call(export, 10, "cudaLaunchKernel_v7000", start=0, end=1)
    add_kernel(export, 10, 10, 900, streamId=13)
    assert counts(export, tmp_path) == {}


def test_a_kernel_launched_to_begin_early_may_overlap_the_one_before(tmp_path: Path):
    export = described()
    for at in range(10):
        add_call(export, at, "cuLaunchKernelEx")
        add_kernel(export, at, at * 1000 + 20, at * 1000 + 1500)
    assert counts(export, tmp_path) == {}
    for row in export.tables[RUNTIME]:
        row["nameId"] = export.string("cuLaunchKernel")
    (tmp_path / "t.sqlite").unlink()
    assert counts(export, tmp_path) == {"overlapping_streams": 5}


def test_a_trace_whose_streams_overlap_everywhere_keeps_its_records(tmp_path: Path):
    export = described()
    for at in range(40):
        add_call(export, at, "cuLaunchKernel")
        add_kernel(export, at, at * 1000 + 20, at * 1000 + 1500)
    found = analyze_file(export.write(tmp_path / "t.sqlite"))
    assert "overlapping_streams" in {note.code for note in found.quality}
    assert found.device_ns == 40 * 1480


def test_each_process_is_judged_by_what_it_recorded_itself(tmp_path: Path):
    """Twelve records of one process hide nothing of another, whose every other record overlaps the next."""
    export = launching(12)
    add_kernel(export, 12, 20, 1500)
    add_call(export, 12, "cuLaunchKernel")
    other = {"globalPid": global_pid(1), "contextId": 2}
    for at in range(20, 26):
        add_call(export, at, "cuLaunchKernel", globalTid=global_tid(1, 1))
        add_kernel(export, at, at * 1000 + 20, at * 1000 + 1500, **other)
    assert counts(export, tmp_path) == {"overlapping_records": 1, "overlapping_streams": 3}


EARLY = "cudaLaunchKernelExC_v11060"


@pytest.mark.parametrize("name", ["cudaLaunchKernel_v7000", EARLY])
@pytest.mark.parametrize("moved", [0, 80])
def test_a_second_record_of_a_launch_is_one_too_many(tmp_path: Path, name: str, moved: int):
    export = launching(40, name=name, last=400)
    add_kernel(export, 20, 16020 + moved, 16420 + moved)
    found = analyze_file(export.write(tmp_path / "t.sqlite"))
    assert {note.code: note.count for note in found.quality if note.code in CODES} == {
        "overlapping_records": 1
    }
    assert [(row.instances, row.total_ns) for row in found.kernels] == [(40, 16000)]


@pytest.mark.parametrize("name", ["cudaLaunchKernel_v7000", EARLY])
def test_a_trace_with_every_record_twice_says_so(tmp_path: Path, name: str):
    export = launching(40, name=name)
    export.tables[TABLES["kernel"]] *= 2
    assert counts(export, tmp_path) == {"overlapping_streams": 40}


def replaying() -> Export:
    """Twenty launches of a graph of three kernels, of which two run at the same time."""
    export = described()
    for at in range(20):
        add_call(export, at, "cudaGraphLaunch_v10000")
        for node, start in ((1, 20), (2, 400), (3, 450)):
            add_kernel(export, at, at * 1000 + start, at * 1000 + start + 150, graphNodeId=node)
    return export


def test_nodes_of_a_graph_may_overlap_but_none_itself(tmp_path: Path):
    export = replaying()
    add_kernel(export, 9, 9410, 9560, graphNodeId=2)
    found = analyze_file(export.write(tmp_path / "t.sqlite"))
    assert {note.code: note.count for note in found.quality if note.code in CODES} == {
        "overlapping_records": 1
    }
    assert [(row.instances, row.total_ns) for row in found.kernels] == [(60, 9000)]


def test_a_graph_with_every_node_twice_says_so(tmp_path: Path):
    export = replaying()
    assert counts(export, tmp_path) == {}
    (tmp_path / "t.sqlite").unlink()
    export.tables[TABLES["kernel"]] *= 2
    assert counts(export, tmp_path) == {"overlapping_streams": 60}


def test_a_node_that_runs_again_later_in_its_launch_is_no_second_record(tmp_path: Path):
    export = replaying()
    for at in range(20):
        add_kernel(export, at, at * 1000 + 600, at * 1000 + 700, graphNodeId=2)
    assert counts(export, tmp_path) == {}


def test_parts_of_a_batch_of_copies_may_be_alike(tmp_path: Path):
    export = described()
    add_call(export, 0, "cudaMemcpyBatchAsync_v12080")
    sizes = {"copyKind": 1, "srcKind": 1, "dstKind": 2, "bytes": 100}
    for _ in range(3):
        add_kernel(export, 0, 20, 50, **sizes)
    export.tables[TABLES["memcpy"]] = export.tables.pop(TABLES["kernel"])
    assert counts(export, tmp_path) == {}


@pytest.mark.parametrize("lost", ["column", "all", "one"])
def test_a_context_that_is_not_told_hides_no_overlap(tmp_path: Path, lost: str):
    export = launching(40)
    rows = export.tables[TABLES["kernel"]]
    rows[3]["end"] = 3000
    for row in rows[3:4] if lost == "one" else rows:
        row["contextId"] = None
    if lost == "column":
        export.drop_column(TABLES["kernel"], "contextId")
    unknown = {"column": {}, "all": {"missing_values": 40}, "one": {"missing_values": 1}}[lost]
    assert counts(export, tmp_path) == {"overlapping_records": 1, **unknown}


def test_streams_of_two_contexts_may_overlap_though_their_numbers_are_one(tmp_path: Path):
    export = launching(10)
    add_call(export, 10, "cudaLaunchKernel_v7000", start=0, end=1)
    add_kernel(export, 10, 10, 900, contextId=2)
    assert counts(export, tmp_path) == {}


WAIT = "cudaDeviceSynchronize_v3020"


def waiting(last: int, **changed: object) -> Export:
    """Forty launches, the last kernel of which ends then, and a wait for them that is over after 5 ms."""
    export = launching(40)
    export.tables[TABLES["kernel"]][-1]["end"] = last
    add_call(export, 40, WAIT, **{"start": 4_500, "end": 5_000_000, **changed})
    return export


def test_a_record_that_goes_on_after_a_wait_for_it_is_left_out(tmp_path: Path):
    found = analyze_file(waiting(2_000_000_000).write(tmp_path / "t.sqlite"))
    assert {note.code: note.count for note in found.quality if note.code in CODES} == {
        "outlasting_records": 1
    }
    assert [(row.instances, row.total_ns) for row in found.kernels] == [(39, 39 * 30)]
    assert [window.times.wall_ns for window in found.windows] == [5_000_000]


@pytest.mark.parametrize("changed", [{"returnValue": 2}, {"globalTid": global_tid(1, 1)}, {"start": 3_905}])
def test_a_wait_that_failed_or_was_for_other_work_shows_nothing(tmp_path: Path, changed: Row):
    assert counts(waiting(2_000_000_000, **changed), tmp_path) == {}


def test_a_wait_in_a_process_of_two_contexts_shows_nothing(tmp_path: Path):
    export = waiting(2_000_000_000)
    export.tables[TABLES["kernel"]][0]["contextId"] = 2
    assert counts(export, tmp_path) == {}


def test_clocks_that_are_apart_a_little_show_nothing(tmp_path: Path):
    assert counts(waiting(5_050_000), tmp_path) == {}


def test_clocks_that_are_apart_in_all_records_leave_nothing_out(tmp_path: Path):
    export = waiting(2_000_000_000)
    for at, row in enumerate(export.tables[TABLES["kernel"]]):
        row |= {"start": 10**9 + at * 100, "end": 10**9 + at * 100 + 30}
    trace = read_trace(export.write(tmp_path / "t.sqlite"))
    assert [(note.code, note.count) for note in trace.quality if note.code in CODES] == [
        ("outlasting_records", 40)
    ]
    assert len(trace.activities) == 40


def test_a_trace_that_overlaps_everywhere_keeps_what_outlasts_a_wait_too(tmp_path: Path):
    export = waiting(2_000_000_000)
    for row in export.tables[TABLES["kernel"]][:-1]:
        row["end"] = 4_000
    trace = read_trace(export.write(tmp_path / "t.sqlite"))
    assert {note.code: note.count for note in trace.quality if note.code in CODES} == {
        "overlapping_streams": 38,
        "outlasting_records": 1,
    }
    assert len(trace.activities) == 40


ELSEWHERE: list[Row] = [
    {},
    {"streamId": 13},
    {"streamId": None},
    {"contextId": 2},
    {"deviceId": 1},
    {"start": 350, "end": 360},
]


@pytest.mark.parametrize("changed", ELSEWHERE)
@pytest.mark.parametrize("name", ["cudaLaunchKernel_v7000", EARLY, "cuLaunchCooperativeKernel", "cuLaunch"])
def test_a_second_record_of_a_launch_is_left_out_wherever_it_is(tmp_path: Path, name: str, changed: Row):
    export = launching(40, name=name)
    add_kernel(export, 4, **{"start": 470, "end": 490, **changed})
    found = analyze_file(export.write(tmp_path / "t.sqlite"))
    (note,) = (note for note in found.quality if note.code == "repeated_records")
    assert (note.count, note.severity, CODES_OF[note.code].lossy) == (1, "error", True)
    assert [(row.instances, row.total_ns) for row in found.kernels] == [(40, 40 * 30)]


def test_a_second_record_of_a_launch_whose_call_was_lost_is_left_out(tmp_path: Path):
    export = launching(40)
    add_kernel(export, 4, 470, 490, streamId=13)
    del export.tables[RUNTIME][4]
    found = analyze_file(export.write(tmp_path / "t.sqlite"))
    assert {note.code: note.count for note in found.quality if note.code in CODES} == {"repeated_records": 1}
    assert [row.instances for row in found.kernels] == [40]


def test_a_launch_on_many_devices_has_a_record_on_each(tmp_path: Path):
    export = launching(40, name="cudaLaunchCooperativeKernelMultiDevice_v9000")
    add_kernel(export, 4, 470, 490, deviceId=1, contextId=2)
    assert counts(export, tmp_path) == {}


def test_a_copy_may_have_several_records(tmp_path: Path):
    """One of pageable memory goes in parts."""
    export = described()
    add_call(export, 0, "cudaMemcpyAsync_v3020")
    for start in (20, 60):
        add_kernel(export, 0, start, start + 30, copyKind=1, srcKind=0, dstKind=2, bytes=100)
    export.tables[TABLES["memcpy"]] = export.tables.pop(TABLES["kernel"])
    assert counts(export, tmp_path) == {}


def test_second_records_of_most_launches_are_kept_and_announced(tmp_path: Path):
    export = launching(40)
    for at in range(30):
        add_kernel(export, at, at * 100 + 60, at * 100 + 80)
    found = analyze_file(export.write(tmp_path / "t.sqlite"))
    (note,) = (note for note in found.quality if note.code == "repeated_records")
    assert (note.count, note.message.split("(")[1]) == (30, "0 left out, 30 kept for being so many)")
    assert [row.instances for row in found.kernels] == [70]


def test_calls_that_share_an_id_have_a_record_each(tmp_path: Path):
    export = launching(40)
    export.tables[RUNTIME][5]["correlationId"] = export.tables[TABLES["kernel"]][5]["correlationId"] = 5
    assert counts(export, tmp_path) == {}
