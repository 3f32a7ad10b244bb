"""Whatever holds a trace opens as SQLite, and leaves nothing behind."""

from __future__ import annotations

import gzip
import lzma
import shutil
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from flopprof.analysis.errors import TraceError
from flopprof.analysis.packing import packed as packed_files
from flopprof.analysis.sqlite.file import SqliteFile
from flopprof.analysis.trace import open as open_trace
from flopprof.analysis.trace.open import find_trace, open_trace_file

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "trace.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.executemany("INSERT INTO t VALUES (?)", [(i * 7919,) for i in range(3000)])
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty TMPDIR."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_plain_file_is_read_where_it_is(plain: Path, scratch: Path):
    with open_trace_file(plain) as opened:
        assert opened == plain
        assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("named", [True, False])
def test_a_packed_file_is_unpacked_in_private_and_gone_afterwards(
    plain: Path, scratch: Path, suffix: str, named: bool
):
    packed = plain.with_name("trace.sqlite" + suffix if named else "some.trace")
    packed.write_bytes(PACKERS[suffix](plain.read_bytes()))
    said: list[str] = []
    with open_trace_file(packed, announce=said.append) as opened:
        assert opened.read_bytes() == plain.read_bytes()
        assert opened.is_relative_to(scratch)
        assert stat.S_IMODE(opened.parent.stat().st_mode) == 0o700
    assert list(scratch.iterdir()) == []
    assert said == [f"unpacking {packed.name}"]


def test_a_failure_in_the_middle_leaves_nothing(plain: Path, scratch: Path):
    packed = plain.with_name("trace.sqlite.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    with pytest.raises(KeyboardInterrupt), open_trace_file(packed):
        raise KeyboardInterrupt
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "flipped", "headless"])
def test_damage_is_one_line_about_the_file_given(plain: Path, scratch: Path, suffix: str, damage: str):
    raw = bytearray(PACKERS[suffix](plain.read_bytes()))
    if damage == "cut":
        raw = raw[: len(raw) // 2]
    elif damage == "flipped":
        raw[len(raw) // 2] ^= 0xFF
        raw[len(raw) // 3] ^= 0xFF
    else:
        raw = raw[:6]
    packed = plain.with_name("trace.sqlite" + suffix)
    packed.write_bytes(raw)
    with pytest.raises(TraceError) as raised, open_trace_file(packed) as opened, SqliteFile(opened) as file:
        if file.integers("t", ["a"])["a"].values.tolist() != [i * 7919 for i in range(3000)]:
            raise TraceError(packed, "flipped into other data")
    assert str(raised.value).startswith(f"{packed}: ")
    assert "\n" not in str(raised.value)
    assert list(scratch.iterdir()) == []


def test_an_error_about_the_unpacked_file_names_the_packed_one(tmp_path: Path, scratch: Path):
    packed = tmp_path / "notes.xz"
    packed.write_bytes(lzma.compress(b"these are notes\n" * 20))
    with pytest.raises(TraceError) as raised, open_trace_file(packed) as opened:
        SqliteFile(opened)
    assert str(raised.value).startswith(f"{packed}: is not a SQLite file")


def test_unpacking_stops_before_the_disk_is_full(plain: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch):
    packed = plain.with_name("trace.sqlite.xz")
    packed.write_bytes(lzma.compress(bytes(5 << 20)))
    monkeypatch.setattr(packed_files, "ROOM_LEFT", shutil.disk_usage(scratch).free - (2 << 20))
    with (
        pytest.raises(TraceError, match=r"unpacks to more than the \d MiB there is room for"),
        open_trace_file(packed),
    ):
        pass
    assert list(scratch.iterdir()) == []


def test_a_file_packed_twice_is_refused(plain: Path, scratch: Path):
    packed = plain.with_name("trace.sqlite.gz.xz")
    packed.write_bytes(lzma.compress(gzip.compress(plain.read_bytes())))
    with pytest.raises(TraceError, match="packed twice"), open_trace_file(packed):
        pass


def test_zstd_without_its_package_names_the_remedy(plain: Path, monkeypatch: pytest.MonkeyPatch):
    packed = plain.with_name("trace.sqlite.zst")
    packed.write_bytes(PACKERS[".zst"](plain.read_bytes()))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(TraceError, match="pip install zstandard"), open_trace_file(packed):
        pass


def test_a_missing_file_and_a_directory_are_one_line(tmp_path: Path):
    with pytest.raises(TraceError, match="no such file"), open_trace_file(tmp_path / "none.sqlite"):
        pass
    with pytest.raises(TraceError, match="is not a file"), open_trace_file(tmp_path):
        pass


@pytest.mark.parametrize("name", ["r.nsys-rep", "r.qdstrm", "r.qdrep"])
def test_a_recording_without_nsys_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    (tmp_path / name).write_bytes(b"NVIDIA Tegra Profiler Report 1.\n")
    monkeypatch.setattr(open_trace, "find_nsys", lambda: None)
    with (
        pytest.raises(TraceError, match=r"needs nsys, .* or give the \.sqlite"),
        open_trace_file(tmp_path / name),
    ):
        pass


def test_an_unreadable_scratch_folder_is_one_line(
    plain: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    packed = plain.with_name("trace.sqlite.xz")
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    with (
        pytest.raises(TraceError, match="cannot be unpacked or exported: No such file"),
        open_trace_file(packed),
    ):
        pass


def test_a_folder_means_its_only_trace(tmp_path: Path) -> None:
    first = tmp_path / "shards" / "numpy-cpu" / "trace.sqlite"
    first.parent.mkdir(parents=True)
    first.touch()
    assert find_trace(tmp_path) == first
    assert find_trace(first) == first
    assert find_trace(tmp_path / "none") == tmp_path / "none"
    second = tmp_path / "shards" / "torch-cpu" / "trace.sqlite"
    second.parent.mkdir()
    with pytest.raises(TraceError, match="is a folder without a trace"):
        find_trace(second.parent)
    second.touch()
    both = "shards/numpy-cpu/trace.sqlite, shards/torch-cpu/trace.sqlite"
    with pytest.raises(TraceError, match=f"holds 2 traces; give one of them: {both}"):
        find_trace(tmp_path)
