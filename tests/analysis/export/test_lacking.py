"""What every exporter fills is missed when it is not there."""

from __future__ import annotations

import lzma
import sqlite3
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.export.lacking import find_lacking
from flopprof.analysis.export.nvtx import REAL_PAYLOADS
from flopprof.analysis.sqlite.file import SqliteFile


def unpack(name: str, folder: Path, *statements: str) -> SqliteFile:
    path = folder / "t.sqlite"
    path.write_bytes(lzma.decompress((DATA / f"{name}.sqlite.xz").read_bytes()))
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return SqliteFile(path)


@pytest.mark.parametrize("name", sorted(p.name.split(".sqlite")[0] for p in DATA.glob("*.sqlite.xz")))
def test_recorded_traces_lack_nothing(name: str, tmp_path: Path):
    with unpack(name, tmp_path) as file:
        assert find_lacking(file, "nsys") == ()


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        (
            "ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME gridX TO other",
            ("CUPTI_ACTIVITY_KIND_KERNEL.gridX",),
        ),
        ("ALTER TABLE NVTX_EVENTS RENAME textId TO other", ("NVTX_EVENTS.textId",)),
        ("UPDATE NVTX_EVENTS SET textId = NULL", ()),
        ("ALTER TABLE NVTX_EVENTS DROP uint32Value", ("NVTX_EVENTS.uint32Value",)),
        ("ALTER TABLE NVTX_EVENTS DROP endGlobalTid", ("NVTX_EVENTS.endGlobalTid",)),
        ("UPDATE NVTX_EVENTS SET domainId = NULL", ("NVTX_EVENTS.domainId",)),
        ("UPDATE TARGET_INFO_GPU SET uuid = NULL", ("TARGET_INFO_GPU.uuid",)),
        ("DROP TABLE META_DATA_CAPTURE", ("META_DATA_CAPTURE",)),
        ("DELETE FROM CUPTI_ACTIVITY_KIND_KERNEL", ()),
        ("DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL", ()),
    ],
)
def test_what_was_taken_out_is_named(statement: str, lacking: tuple[str, ...], tmp_path: Path):
    with unpack("torch_axis0", tmp_path, statement) as file:
        assert find_lacking(file, "nsys") == lacking


def test_the_embedded_recorder_describes_no_capture(tmp_path: Path):
    no_payloads = (f"ALTER TABLE NVTX_EVENTS DROP {column}" for column in REAL_PAYLOADS)
    with unpack("torch_axis0", tmp_path, "DROP TABLE META_DATA_CAPTURE", *no_payloads) as file:
        assert find_lacking(file, "embedded") == ()
