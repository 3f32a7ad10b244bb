"""Tables of HDF5 files, against what was written and what SQLite says of the same."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from drawing.draws import draws
from flopprof.analysis.errors import TraceError
from flopprof.analysis.sqlite.columns import IntColumn
from flopprof.analysis.sqlite.folded import Folded
from flopprof.analysis.tables.joined import open_file
from hypothesis import given
from hypothesis import strategies as st

h5py = pytest.importorskip("h5py", reason="HDF5 files are read where h5py is")

KINDS = [("raw", "u8"), ("time", "i8"), ("type", "u8"), ("metric", "u4"), ("value", "i8")]

NUMBERS = st.integers(-(1 << 62), 1 << 62)

ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 2), st.integers(0, 2), NUMBERS))


def write(path: Path, rows: list[tuple[int, ...]]) -> Path:
    with h5py.File(path, "w") as file:
        file["SAMPLES"] = np.array(rows, [(name, "i8") for name, _ in KINDS]).astype(KINDS)
    return path


def read(path: Path) -> list[tuple[int | None, ...]]:
    found: list[tuple[int | None, ...]] = []

    def take(columns: dict[str, IntColumn], folded: Folded) -> None:
        plain = [columns[name].to_list() for name in ("raw", "time", "value")]
        for raw, time, value, code in zip(*plain, folded.codes.tolist(), strict=True):
            found.append((raw, time, *folded.combinations[code], value))

    with open_file(path) as file:
        assert file.tables["SAMPLES"] == tuple(name for name, _ in KINDS)
        file.parts("SAMPLES", ["raw", "time", "value"], ["type", "metric"], take)
    return found


@pytest.mark.parametrize("at_once", [1, 3, 1 << 18])
@given(rows=ROWS)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, at_once: int, rows: list[tuple[int, ...]]
):
    path = write(tmp_path_factory.mktemp("hdf") / "samples.h5", rows)
    with patch("flopprof.analysis.tables.hdf_file.AT_ONCE", at_once):
        assert read(path) == rows


def test_a_file_without_tables_has_none(tmp_path: Path):
    h5py.File(tmp_path / "empty.h5", "w").close()
    with open_file(tmp_path / "empty.h5") as file:
        assert file.tables == {}


@pytest.mark.parametrize("kinds", [[("value", "f8")], [("value", "S4")]])
def test_other_values_than_integers_are_refused(tmp_path: Path, kinds: list[tuple[str, str]]):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["SAMPLES"] = np.zeros(3, kinds)
    with pytest.raises(TraceError, match=r"other.h5: SAMPLES is no table of integers"):
        open_file(tmp_path / "other.h5")


NO_TABLES = {
    "a group": lambda file: file.create_group("SAMPLES"),
    "bare numbers": lambda file: file.create_dataset("SAMPLES", data=[1, 2]),
    "nothing": lambda file: file.create_dataset("SAMPLES", data=h5py.Empty(np.dtype(KINDS))),
    "a type": lambda file: file.__setitem__("SAMPLES", np.dtype(KINDS)),
}


@pytest.mark.parametrize("kind", NO_TABLES)
def test_what_is_no_table_is_refused(tmp_path: Path, kind: str):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        NO_TABLES[kind](file)
    with pytest.raises(TraceError, match="SAMPLES is no table of integers"):
        open_file(tmp_path / "other.h5")


@pytest.mark.parametrize("left", [0, 7, 100, 900])
def test_a_file_that_is_cut_short_is_told(tmp_path: Path, left: int):
    path = write(tmp_path / "samples.h5", [(1, 2, 3, 4, 5)] * 50)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(TraceError, match="is no HDF5 file that can be read"):
        open_file(path)


def test_damaged_records_are_told(tmp_path: Path):
    path = tmp_path / "samples.h5"
    with h5py.File(path, "w") as file:
        rows = np.arange(5000 * len(KINDS)).reshape(5000, -1)
        records = np.array(list(map(tuple, rows)), [(name, "i8") for name, _ in KINDS]).astype(KINDS)
        file.create_dataset("SAMPLES", data=records, chunks=(1000,), compression="gzip", compression_opts=1)
        place = file["SAMPLES"].id.get_chunk_info(3).byte_offset
    damaged = bytearray(path.read_bytes())
    damaged[place : place + 200] = bytes(200)
    path.write_bytes(damaged)
    with pytest.raises(TraceError, match="SAMPLES cannot be read"):
        read(path)


@draws(300)
@given(data=st.data())
def test_a_damaged_file_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    path = tmp_path_factory.mktemp("hdf") / "samples.h5"
    whole = write(path, [(number, number, 1, number % 3, 7) for number in range(40)]).read_bytes()
    damaged = bytearray(whole)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged[place : place + data.draw(st.integers(1, 16))] = data.draw(st.binary(min_size=1, max_size=16))
    path.write_bytes(damaged)
    with suppress(TraceError), open_file(path) as file:
        for table, columns in file.tables.items():
            file.parts(table, columns, (), lambda found, _: found)
