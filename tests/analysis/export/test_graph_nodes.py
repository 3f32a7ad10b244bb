"""CUDA graphs in node mode: nodes belong to the range of the replay, or to that of their capture."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from drawing.nsys_file import Export, described, global_pid, global_tid
from drawing.traces import unpacked
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.attribution.attribution import attribute
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.trace.trace import Trace
from flopprof.analysis.words import GraphRanges


def owners(trace: Trace, graph_ranges: GraphRanges) -> list[str | None]:
    names = [trace.name(int(n)) for n in ints(trace.ranges, "name")]
    return [names[o] if o >= 0 else None for o in attribute(trace, graph_ranges=graph_ranges).owner]


def replayed(
    process: int = 0, ranges: tuple[str, str] = ("capture", "replay"), export: Export | None = None
) -> Export:
    """A graph captured in one range (but for its last node) and replayed in another.

    As in recorded traces, an instantiated node has two rows, and only the later names what it was cloned from.
    """
    export = export or described()
    tid = global_tid(process, 1)
    for name, start, end in zip(ranges, (0, 20), (10, 30), strict=True):
        export.add("NVTX_EVENTS", start=start, end=end, eventType=59, text=name, globalTid=tid)
    export.add(
        "CUPTI_ACTIVITY_KIND_RUNTIME",
        start=22,
        end=25,
        globalTid=tid,
        correlationId=9,
        nameId=export.string("cudaGraphLaunch_v10000"),
    )
    for number in range(3):
        export.add(
            "CUPTI_ACTIVITY_KIND_KERNEL",
            start=30 + number,
            end=31 + number,
            deviceId=0,
            streamId=7,
            correlationId=9,
            globalPid=global_pid(process),
            demangledName=export.string("k"),
            graphNodeId=(2 << 32) + number,
        )
        captured = (3, 4, 15)[number]
        for start, graph, original in ((captured, 1, None), (16, 2, None), (17, 2, 1)):
            node = None if original is None else (original << 32) + number
            export.add(
                "CUDA_GRAPH_NODE_EVENTS",
                start=start,
                end=start,
                globalTid=tid,
                graphNodeId=(graph << 32) + number,
                originalGraphNodeId=node,
            )
    return export


def test_graph_nodes_belong_to_the_replay_or_to_the_capture(tmp_path: Path):
    trace = read_trace(replayed().write(tmp_path / "t.sqlite"))
    assert owners(trace, "launch") == ["replay"] * 3
    assert owners(trace, "capture") == ["capture", "capture", None]


def test_every_process_numbers_its_graph_nodes_anew(tmp_path: Path):
    both = replayed(1, ("capture 1", "replay 1"), replayed())
    both.shuffle(3)
    trace = read_trace(both.write(tmp_path / "t.sqlite"))
    process = ints(trace.activities, "process").tolist()
    found = sorted(zip(process, owners(trace, "capture"), strict=True), key=str)
    assert found == [
        *((0, name) for name in ("capture", "capture", None)),
        *((1, name) for name in ("capture 1", "capture 1", None)),
    ]


@pytest.mark.parametrize("clones", [1, 2, 40])
def test_clones_of_clones_belong_to_the_first_capture(tmp_path: Path, clones: int):
    export = replayed()
    nodes = export.tables["CUDA_GRAPH_NODE_EVENTS"]
    for graph in range(2, 2 + clones):
        export.add(
            "CUDA_GRAPH_NODE_EVENTS",
            start=17,
            end=17,
            globalTid=global_tid(0, 1),
            graphNodeId=(graph + 1) << 32,
            originalGraphNodeId=graph << 32,
        )
    export.tables["CUPTI_ACTIVITY_KIND_KERNEL"][0]["graphNodeId"] = (2 + clones) << 32
    nodes.reverse()
    assert owners(read_trace(export.write(tmp_path / "t.sqlite")), "capture")[0] == "capture"


def test_a_recorded_graph_belongs_to_the_ranges_it_was_captured_in(tmp_path: Path):
    path = unpacked("graph_node", tmp_path)
    connection = sqlite3.connect(path)
    first, eighth = connection.execute(
        "SELECT min(start), max(start) FROM (SELECT start FROM CUDA_GRAPH_NODE_EVENTS ORDER BY start LIMIT 8)"
    ).fetchone()
    tid = connection.execute("SELECT globalTid FROM CUDA_GRAPH_NODE_EVENTS").fetchone()[0]
    for name, start, end in (("first half", first, eighth), ("second half", eighth, eighth + 100_000)):
        connection.execute(
            "INSERT INTO NVTX_EVENTS (start, end, eventType, text, globalTid) VALUES (?, ?, 59, ?, ?)",
            (start, end, name, tid),
        )
    connection.commit()
    connection.close()
    captured = owners(read_trace(path), "capture")
    assert {name: captured.count(name) for name in ("first half", "second half")} == {
        "first half": 140,
        "second half": 160,
    }
