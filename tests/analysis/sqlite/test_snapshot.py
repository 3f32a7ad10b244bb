"""A database is read as it is at one moment, whole: through links, beside writers, whatever indexes it has."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.draws import draws
from flopprof.analysis.errors import TraceError
from flopprof.analysis.sqlite.file import SqliteFile
from hypothesis import given
from hypothesis import strategies as st
from running.full_disks import can_mount, read_only, small_disk

ROWS = [(at, 10_000 - at, f"name {at % 7}") for at in range(3000)]


def written(path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b INTEGER, c TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
        connection.commit()
    return path


def read(path: Path) -> list[tuple[int, int, str]]:
    """Columns read one by one, as a trace's are."""
    with SqliteFile(path) as file:
        columns = [file.integers("t", [name])[name].to_list() for name in "ab"]
        text = file.text_column("t", "c")
    return list(zip(*columns, [text.texts[code] for code in text.codes], strict=True))


def test_a_links_target_has_its_log(tmp_path: Path):
    real, link = written(tmp_path / "real.sqlite"), tmp_path / "link.sqlite"
    link.symlink_to(real.name)
    with contextlib.closing(sqlite3.connect(real, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE t SET b = b + 1")
        assert Path(f"{real}-wal").stat().st_size > 0
        assert read(link) == read(real) == [(a, b + 1, c) for a, b, c in ROWS]


def test_a_links_target_is_not_read_over_a_half_done_transaction(tmp_path: Path):
    real = written(tmp_path / "real.sqlite")
    hot, link = tmp_path / "hot.sqlite", tmp_path / "link.sqlite"
    with contextlib.closing(sqlite3.connect(real, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN")
        writer.execute("UPDATE t SET b = b + 1")
        shutil.copy(real, hot)
        shutil.copy(f"{real}-journal", f"{hot}-journal")
        writer.execute("ROLLBACK")
    link.symlink_to(hot.name)
    said = (
        f"was left half written: {hot.name}-journal beside it holds what was there before; open it once with"
    )
    for path in (hot, link):
        with pytest.raises(TraceError, match=said):
            read(path)
    sqlite3.connect(hot).execute("SELECT * FROM t").fetchall()  # as the message says
    assert [read(path) for path in (hot, link)] == [ROWS, ROWS]


def test_a_log_that_is_not_written_into_the_file_yet_is_no_damage(tmp_path: Path):
    real = written(tmp_path / "real.sqlite")
    with contextlib.closing(sqlite3.connect(real, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE t SET b = b + 1")
        (tmp_path / "copied").mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(f"{real}{suffix}", tmp_path / "copied" / f"real.sqlite{suffix}")
    assert read(tmp_path / "copied" / "real.sqlite") == read(real) == [(a, b + 1, c) for a, b, c in ROWS]


LOGGED = [(a, b + 1, c) for a, b, c in ROWS]


@pytest.mark.skipif(not can_mount(), reason="a disk can be mounted read-only by root only")
@pytest.mark.parametrize(
    ("beside", "rows"),
    [
        (("-wal", "-shm"), LOGGED),
        (("-wal", "empty-shm"), LOGGED),
        (("-wal",), None),
        (("empty-wal",), ROWS),
        (("-shm",), ROWS),
        ((), ROWS),
    ],
)
def test_a_log_in_a_folder_that_may_not_be_written_to_is_read_or_named(
    beside: tuple[str, ...], rows: list[tuple[int, int, str]] | None
):
    with small_disk(1024) as disk:
        real, there = written(disk / "real.sqlite"), disk / "there" / "t.sqlite"
        there.parent.mkdir()
        with contextlib.closing(sqlite3.connect(real, isolation_level=None)) as writer:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("UPDATE t SET b = b + 1")
            shutil.copy(real, there)
            for suffix in beside:
                copied = Path(f"{there}-{suffix.split('-')[1]}")
                copied.touch() if suffix.startswith("empty") else shutil.copy(f"{real}{suffix}", copied)
        with read_only(disk):
            if rows is None:
                with pytest.raises(
                    TraceError, match=r"is not whole without t\.sqlite-wal, which SQLite cannot read"
                ):
                    read(there)
            else:
                assert read(there) == rows


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_like_a_disk_without(tmp_path: Path):
    real, there = written(tmp_path / "real.sqlite"), tmp_path / "there" / "t.sqlite"
    there.parent.mkdir()
    with contextlib.closing(sqlite3.connect(real, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE t SET b = b + 1")
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{real}{suffix}", f"{there}{suffix}")
    there.parent.chmod(0o500)
    try:
        assert read(there) == LOGGED
    finally:
        there.parent.chmod(0o700)


@draws(40)
@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True), max_size=3), st.booleans()
)
def test_no_index_shuffles_one_column_against_another(indexes: list[list[str]], log: bool):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / "t.sqlite")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
            for number, columns in enumerate(indexes):
                writer.execute(f"CREATE INDEX i{number} ON t ({', '.join(columns)})")
            if log:
                writer.execute("PRAGMA journal_mode = WAL")
                writer.execute("CREATE TABLE other (x)")
            assert read(path) == ROWS


def test_a_page_that_lost_its_rows_is_damage(tmp_path: Path):
    path = written(tmp_path / "t.sqlite")
    raw = bytearray(path.read_bytes())
    leaf = next(at for at in range(len(raw) - 4096, 0, -4096) if raw[at] == 13)
    raw[leaf + 3 : leaf + 5] = b"\0\0"
    path.write_bytes(raw)
    with pytest.raises(TraceError, match="damaged"):
        read(path)


def test_reading_holds_the_lock_until_the_file_is_closed(tmp_path: Path):
    path = written(tmp_path / "t.sqlite")
    commit = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('DELETE FROM t').connection.commit()"
    command = [sys.executable, "-c", commit, str(path)]
    with SqliteFile(path) as file:
        file.integers("t", ["a"])
        with SqliteFile(path):
            pass
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "database is locked" in done.stderr
        assert file.integers("t", ["b"])["b"].to_list() == [b for _, b, _ in ROWS]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_change_past_the_locks_is_said(tmp_path: Path):
    path = written(tmp_path / "t.sqlite")
    with pytest.raises(TraceError, match="written to"), SqliteFile(path) as file:
        file.integers("t", ["a"])
        with path.open("r+b") as other:
            other.seek(24)
            other.write(os.urandom(4))
