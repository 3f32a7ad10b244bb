"""GPUs by the numbers that records have, or do not have."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from drawing.nsys_file import NVTX, TABLES, described, global_pid, global_tid
from drawing.traces import read_recorded, unpacked
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.words import HOST_FIRST
from flopprof.reports.render.text import render_text
from flopprof.reports.trace.compose import compose_analysis


def test_a_device_that_is_not_known_has_no_number(tmp_path: Path):
    """Neither the NULL of a record nor CUPTI's number for a graph that begins on the host is a GPU's."""
    export = described()
    export.add(NVTX, start=0, end=9, eventType=59, text="op", globalTid=global_tid(0, 1))
    common = {"streamId": 7, "correlationId": 1, "globalPid": global_pid(0), "deviceId": None}
    kernel = {"shortName": export.string("k"), "demangledName": export.string("k")}
    export.add(TABLES["kernel"], start=1, end=3, **common, **kernel)
    export.add(TABLES["memcpy"], start=3, end=4, **common, bytes=8, copyKind=1)
    another = {"deviceId": HOST_FIRST, "globalPid": global_pid(1)}
    export.add(TABLES["graph"], start=5, end=6, **{**common, **another})
    analysis = analyze_trace(read_trace(export.write(tmp_path / "t.sqlite")))
    data = analysis.to_json()
    assert [gpu["device"] for gpu in data["devices"]] == [None, None]
    assert [row["device"] for table in ("kernels", "copies") for row in data[table]] == [None, None]
    assert [(w["device"], w["kind"], w["busy_ns"]) for w in data["windows"]] == [
        (None, "trace", 3),
        (None, "trace", 1),
    ]
    assert analysis.windows[0].device is not None  # which is the host
    text = render_text(compose_analysis(analysis))
    assert "• unknown GPU: busy 33.3 %" in text
    assert "whole trace, unknown GPU" in text
    assert not re.search(rf"GPU -|\s-1\s|{HOST_FIRST}", text)


@pytest.mark.parametrize(
    ("name", "devices"),
    [("two_gpus_swapped", [(0, 1), (1, 0)]), ("three_processes", [(1, 0)] * 3), ("ddp", [(0, 0), (1, 1)])],
)
def test_devices_of_a_recording_are_physical_ones(name: str, devices: list[tuple[int, int]]):
    """(GPU, ordinal in its process): CUDA_VISIBLE_DEVICES was 1,0 in the first and 1 in the second."""
    found = read_recorded(name).devices
    assert sorted((d.device, d.ordinal) for d in found) == devices
    assert all(d.certain for d in found)


def test_a_recording_without_its_device_map_says_that_its_gpus_are_uncertain(tmp_path: Path):
    path = unpacked("two_gpus_swapped", tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE TARGET_INFO_CUDA_DEVICE")
    connection.commit()
    connection.close()
    trace = read_trace(path)
    assert [(d.device, d.uuid, d.certain) for d in trace.devices] == [(0, None, False), (1, None, False)]
    assert "device_uncertain" in {note.code for note in trace.quality}
