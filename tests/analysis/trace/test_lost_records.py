"""Calls without records, and amounts that cannot be: said, never summed."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from drawing.launches import add_call, add_kernel, launching
from drawing.nsys_file import RUNTIME, TABLES, Export, Row, described, global_pid, global_tid
from drawing.traces import GPU, read_case, read_recorded, unpacked
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.codes.closed_list import CODES as CODES_OF
from flopprof.analysis.trace.reading import read_trace

CODES = ("lost_records", "clipped_records", "empty_calls", "overlapping_records", "overlapping_streams")


def counts(export: Export, folder: Path) -> dict[str, int | None]:
    """Count by code, of those judged here."""
    trace = read_trace(export.write(folder / "t.sqlite"))
    return {note.code: note.count for note in trace.quality if note.code in CODES}


@pytest.mark.parametrize("name", [name for name in GPU if name != "crash"])
def test_recorded_traces_lost_nothing_and_overlap_nowhere(name: str):
    wrong = {"lost_records", "overlapping_records", "outlasting_records"}
    assert not {note.code for note in read_recorded(name).quality} & wrong


def test_twelve_of_forty_eight_launches_without_a_record_are_an_error():
    (note,) = read_case("lost_records").quality
    assert (note.code, note.count, note.severity, CODES_OF[note.code].lossy) == (
        "lost_records",
        12,
        "error",
        True,
    )
    assert read_case("whole_records").quality == ()


def test_a_launch_in_the_middle_without_a_record_is_lost(tmp_path: Path):
    assert counts(launching(50, lost=(20,)), tmp_path) == {"lost_records": 1}


@pytest.mark.parametrize("name", ["cuLaunchKernelEx", "cudaMemcpyAsync_v3020", "cudaMemsetAsync_v3020"])
def test_so_is_a_launch_of_the_driver_a_copy_and_a_fill(tmp_path: Path, name: str):
    assert counts(launching(50, lost=(20, 21), name=name), tmp_path) == {"lost_records": 2}


@pytest.mark.parametrize("name", ["cudaMemsetAsync_v3020", "cudaMemcpyAsync_v3020"])
def test_a_fill_or_copy_that_returned_sooner_than_any_recorded_one_had_zero_bytes(tmp_path: Path, name: str):
    """In a real GPT-2 training 120 fills took 0.1 to 0.7 µs, and the 1440 with a record 1.6 µs and more."""
    export = launching(50, lost=(20, 21, 30), name=name)
    for at in (20, 21):
        export.tables[RUNTIME][at]["end"] = at * 100 + 2
    assert counts(export, tmp_path) == {"empty_calls": 2, "lost_records": 1}


def test_a_launch_that_returned_soon_is_lost_all_the_same(tmp_path: Path):
    export = launching(50, lost=(20,))
    export.tables[RUNTIME][20]["end"] = 2002
    assert counts(export, tmp_path) == {"lost_records": 1}


def test_nine_recorded_fills_do_not_tell_how_soon_one_can_return(tmp_path: Path):
    export = launching(10, lost=(4,), name="cudaMemsetAsync_v3020")
    export.tables[RUNTIME][4]["end"] = 402
    assert "empty_calls" not in counts(export, tmp_path)


def test_a_few_at_the_end_are_clipped(tmp_path: Path):
    assert counts(launching(50, lost=(48, 49)), tmp_path) == {"clipped_records": 2}


def test_a_few_launches_of_a_graph_at_the_end_are_many_records(tmp_path: Path):
    """Three of two hundred calls, and over a tenth of the kernels."""
    export = launching(197)
    for at in range(180, 200):
        add_call(
            export, at, "cudaGraphLaunch_v10000", correlationId=at + 500, start=at * 200, end=at * 200 + 10
        )
        for node in range(1, 9 if at < 197 else 1):
            add_kernel(export, at + 499, at * 200 + node * 20, at * 200 + node * 20 + 10, graphNodeId=node)
    assert counts(export, tmp_path) == {"lost_records": 3}


def test_many_at_the_end_are_lost(tmp_path: Path):
    assert counts(launching(50, lost=tuple(range(30, 50))), tmp_path) == {"lost_records": 20}


def test_a_call_that_failed_or_asked_for_nothing_lost_nothing(tmp_path: Path):
    export = launching(50)
    add_call(export, 25, "cudaLaunchKernel_v7000", correlationId=900, returnValue=2)
    add_call(export, 26, "cudaLaunchHostFunc_v10000", correlationId=901)
    assert counts(export, tmp_path) == {}


def test_calls_in_a_stream_capture_have_no_records(tmp_path: Path):
    export = launching(50, lost=(20, 21))
    add_call(export, 19, "cudaStreamBeginCapture_v10000", correlationId=900, start=1950, end=1960)
    add_call(export, 22, "cudaStreamEndCapture_v10000", correlationId=901, start=2150, end=2160)
    assert counts(export, tmp_path) == {}


def test_a_graph_that_lacks_a_node_now_and_then_lost_it(tmp_path: Path):
    export = described()
    for at in range(20):
        add_call(export, at, "cudaGraphLaunch_v10000")
        for node in range(1, 4):
            if (at, node) != (9, 2):
                add_kernel(export, at, at * 100 + node * 20, at * 100 + node * 20 + 10, graphNodeId=node)
    assert counts(export, tmp_path) == {"lost_records": 1}


Node = tuple[int, int, int]
"""(rowid, correlation id, graph node) of a recorded kernel of a graph."""

RNG = random.Random(12)


@pytest.mark.parametrize(
    "choose",
    [
        lambda rows: RNG.sample(rows, 20),
        lambda rows: RNG.sample(rows, 140),
        lambda rows: [row for row in rows if row[2] == rows[0][2]][:18],
        lambda rows: [row for row in rows if row[2] == rows[0][2]],
        lambda rows: [row for row in rows if row[1] == rows[100][1]],
        lambda rows: rows,
    ],
    ids=["a few", "most", "a node of most launches", "a node of all", "all of a launch", "all kernels"],
)
def test_a_recorded_graph_that_lacks_nodes_lost_them(
    tmp_path: Path, choose: Callable[[list[Node]], list[Node]]
):
    path = unpacked("graph_node", tmp_path)
    connection = sqlite3.connect(path)
    rows = connection.execute(
        f"SELECT rowid, correlationId, graphNodeId FROM {TABLES['kernel']} WHERE graphNodeId IS NOT NULL"
    ).fetchall()
    gone = choose(rows)
    connection.executemany(f"DELETE FROM {TABLES['kernel']} WHERE rowid = ?", [row[:1] for row in gone])
    connection.commit()
    connection.close()
    found = {note.code: note.count for note in read_trace(path).quality if note.code in CODES}
    assert found == {"lost_records": len({row[1] for row in gone})}


def test_a_graph_whose_making_was_not_seen_may_have_nodes_that_run_now_and_then(tmp_path: Path):
    export = described()
    for at in range(20):
        add_call(export, at, "cudaGraphLaunch_v10000")
        for node in (1, 2) if at % 4 else (1, 2, 3):
            add_kernel(export, at, at * 100 + node * 20, at * 100 + node * 20 + 10, graphNodeId=node)
    assert counts(export, tmp_path) == {}


def test_a_graph_of_which_each_launch_lacks_other_nodes_lost_them(tmp_path: Path):
    export = described()
    for at in range(20):
        add_call(export, at, "cudaGraphLaunch_v10000")
        for node in (1 + at % 3, 1 + (at + 1) % 3):
            add_kernel(export, at, at * 100 + node * 10, at * 100 + node * 10 + 5, graphNodeId=node)
    assert counts(export, tmp_path) == {"lost_records": 20}


def test_calls_beside_a_capture_whose_nodes_are_known_have_records(tmp_path: Path):
    """What was captured made a node; what another thread launched meanwhile did not."""
    export = launching(50, lost=(20, 21))
    add_call(export, 19, "cudaStreamBeginCapture_v10000", correlationId=900, start=1950, end=1960)
    add_call(export, 22, "cudaStreamEndCapture_v10000", correlationId=901, start=2150, end=2160)
    made: Row = {"start": 2005, "end": 2005, "globalTid": global_tid(0, 1), "graphNodeId": 1 << 32}
    export.add("CUDA_GRAPH_NODE_EVENTS", **made)
    assert counts(export, tmp_path) == {"lost_records": 1}


@pytest.mark.parametrize(
    "name", ["cudaLaunch_v3020", "cuLaunchGridAsync", "cudaLaunchCooperativeKernel_v9000"]
)
def test_launches_of_any_kind_without_any_kernel_are_missed(tmp_path: Path, name: str):
    trace = read_trace(launching(9, lost=tuple(range(9)), name=name).write(tmp_path / "t.sqlite"))
    assert {note.code: note.count for note in trace.quality if "missing_kernels" in note.code} == {
        "missing_kernels": 9
    }


def copying(amounts: list[object]) -> Export:
    export = described()
    for at, amount in enumerate(amounts):
        add_call(export, at, "cudaMemcpyAsync_v3020")
        row: Row = {
            "start": at * 100 + 20,
            "end": at * 100 + 50,
            "deviceId": 0,
            "contextId": 1,
            "streamId": 7,
        }
        row |= {
            "correlationId": at + 1,
            "globalPid": global_pid(0),
            "copyKind": 1,
            "srcKind": 1,
            "dstKind": 2,
        }
        export.add(TABLES["memcpy"], **row, bytes=amount)
    return export


@pytest.mark.parametrize("amount", [-5, -(2**63), 2**63 - 1, 2**51])
def test_bytes_that_cannot_be_are_unknown(tmp_path: Path, amount: int):
    found = analyze_file(copying([100, amount]).write(tmp_path / "t.sqlite"))
    assert [(note.code, note.count) for note in found.quality if "bytes" in note.code] == [
        ("impossible_bytes", 1)
    ]
    assert [(row.instances, row.bytes, row.gbps) for row in found.copies] == [(2, None, None)]


def test_bytes_that_are_not_there_are_unknown_too(tmp_path: Path):
    found = analyze_file(copying([100, None]).write(tmp_path / "t.sqlite"))
    assert [row.bytes for row in found.copies] == [None]


def test_durations_whose_sum_no_clock_holds_are_left_out(tmp_path: Path):
    export = described()
    for at in range(3000):
        add_kernel(export, at, at, at + 2**50, streamId=at)
    found = analyze_file(export.write(tmp_path / "t.sqlite"))
    dropped = sum(note.count or 0 for note in found.quality if note.code == "impossible_times")
    assert dropped > 0
    assert found.device_ns == (3000 - dropped) * 2**50 == sum(row.total_ns for row in found.kernels)


@pytest.mark.parametrize("kind", ["TEXT", "REAL", "BLOB"])
def test_ids_and_times_stored_as_another_type_are_read(tmp_path: Path, kind: str):
    path = launching(50).write(tmp_path / "t.sqlite")
    plain = read_trace(path)
    connection = sqlite3.connect(path)
    connection.executescript(
        f"""ALTER TABLE StringIds RENAME TO old; CREATE TABLE StringIds (id {kind} PRIMARY KEY, value TEXT);
        INSERT INTO StringIds SELECT * FROM old; DROP TABLE old;
        UPDATE {TABLES["kernel"]} SET start = start * 1.0, "end" = "end" || ''"""
    )
    connection.close()
    changed = read_trace(path)
    assert changed.names == plain.names
    assert changed.quality == plain.quality
    for column in plain.activities.columns:
        assert ints(changed.activities, column).tolist() == ints(plain.activities, column).tolist()
