"""Figures of launches, GPUs and copies that cannot be: unknown, and announced."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from drawing.launches import add_kernel, launching
from drawing.traces import unpacked
from flopprof.analysis.breakdown.analyze import Analysis, analyze_trace
from flopprof.analysis.trace.reading import read_trace

MOST, LEAST = 2**63 - 1, -(2**63)

GPU_COLUMNS = (
    "smCount",
    "clockRate",
    "memoryBandwidth",
    "maxWarpsPerSm",
    "maxRegistersPerSm",
    "computeMajor",
)


def spoil(folder: Path, statement: str) -> Analysis:
    file = unpacked("streams", folder)
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    connection.close()
    return analyze_trace(read_trace(file))


def told(found: Analysis) -> dict[str, int | None]:
    return {one.code: one.count for one in found.quality}


@pytest.mark.parametrize(
    "column", ["gridX", "gridY", "blockX", "blockZ", "registersPerThread", "staticSharedMemory"]
)
@pytest.mark.parametrize("value", [LEAST, -5, MOST])
def test_a_launch_that_cannot_be_is_unknown(tmp_path: Path, column: str, value: int) -> None:
    found = spoil(tmp_path, f"UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET {column} = {value} WHERE rowid <= 5")
    assert told(found) == {"impossible_geometry": 5}
    launches = [launch for row in found.kernels for launch in row.launches]
    assert not {str(value)} & {word for launch in launches for word in str(launch).replace(",", " ").split()}
    assert sum(launch.waves is None for launch in launches) >= 1


def test_a_block_of_too_many_threads_cannot_be(tmp_path: Path) -> None:
    found = spoil(tmp_path, "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET blockX = 1024, blockY = 1024")
    assert told(found) == {"impossible_geometry": 32}
    assert {launch.block for row in found.kernels for launch in row.launches} == {None}


@pytest.mark.parametrize("column", GPU_COLUMNS)
@pytest.mark.parametrize("value", [LEAST, -1, MOST, "'many'"])
def test_a_gpu_that_cannot_be_is_unknown(tmp_path: Path, column: str, value: int | str) -> None:
    found = spoil(tmp_path, f"UPDATE TARGET_INFO_GPU SET {column} = {value}")
    assert told(found) == {"impossible_device_info": 1}


def test_what_a_gpu_has_none_of_is_only_unknown(tmp_path: Path) -> None:
    assert told(spoil(tmp_path, "UPDATE TARGET_INFO_GPU SET clockRate = 0")) == {}


@pytest.mark.parametrize("kind", [MOST, LEAST, 1 << 31, 257])
def test_a_kind_that_no_copy_has_is_unknown(tmp_path: Path, kind: int) -> None:
    found = spoil(tmp_path, f"UPDATE CUPTI_ACTIVITY_KIND_MEMCPY SET copyKind = {kind}")
    assert {row.kind for row in found.copies} == {"unknown"}


def test_launches_without_any_geometry_are_not_impossible(tmp_path: Path) -> None:
    export = launching(5)
    add_kernel(export, 4, 600, 700, correlationId=0)
    assert "impossible_geometry" not in told(analyze_trace(read_trace(export.write(tmp_path / "t.sqlite"))))
