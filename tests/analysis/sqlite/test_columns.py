"""Columns come out of SQLite files exactly, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from flopprof.analysis.errors import TraceError
from flopprof.analysis.sqlite.columns import IntColumn
from flopprof.analysis.sqlite.file import SqliteFile

EDGES = [0, 1, -1, 127, -128, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63)]


def make(path: Path, *statements: str, rows: tuple[str, Sequence[tuple[object, ...]]] | None = None) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    if rows:
        connection.executemany(*rows)
    connection.commit()
    connection.close()
    return path


def test_every_64_bit_integer_comes_out_exactly(tmp_path: Path):
    path = make(
        tmp_path / "t.sqlite",
        "CREATE TABLE t (a INTEGER)",
        rows=("INSERT INTO t VALUES (?)", [(v,) for v in EDGES]),
    )
    with SqliteFile(path) as file:
        column = file.integers("t", ["a"])["a"]
    assert column.values.tolist() == EDGES
    assert column.valid is None
    assert column.foreign == 0


def test_null_and_values_of_other_types_are_invalid_and_counted(tmp_path: Path):
    values = [5, None, 1.5, "text", b"blob", -7]
    path = make(
        tmp_path / "t.sqlite", "CREATE TABLE t (a)", rows=("INSERT INTO t VALUES (?)", [(v,) for v in values])
    )
    with SqliteFile(path) as file:
        column = file.integers("t", ["a"])["a"]
    assert column.values.tolist() == [5, 0, 0, 0, 0, -7]
    assert column.valid is not None
    assert column.valid.tolist() == [True, False, False, False, False, True]
    assert column.foreign == 3


def test_an_empty_table_gives_empty_columns(tmp_path: Path):
    path = make(tmp_path / "t.sqlite", "CREATE TABLE t (a INTEGER, b REAL, c TEXT)")
    with SqliteFile(path) as file:
        assert file.tables == {"t": ("a", "b", "c")}
        assert file.count("t") == 0
        assert file.integers("t", ["a"])["a"].values.dtype == np.int64
        assert file.reals("t", "b").shape == (0,)
        assert file.text_column("t", "c").texts == ()


def test_a_text_column_holds_each_text_once(tmp_path: Path):
    path = make(
        tmp_path / "t.sqlite",
        "CREATE TABLE t (c TEXT)",
        "INSERT INTO t VALUES ('a'), (NULL), ('b'), ('a'), (CAST(x'ff41' AS TEXT))",
    )
    with SqliteFile(path) as file:
        column = file.text_column("t", "c")
    assert column.codes.tolist() == [0, -1, 1, 0, 2]
    assert column.texts == ("a", "b", "\ufffdA")


def test_reals_are_nan_where_there_is_no_number(tmp_path: Path):
    path = make(tmp_path / "t.sqlite", "CREATE TABLE t (c)", "INSERT INTO t VALUES (1.5), (NULL), (2), ('x')")
    with SqliteFile(path) as file:
        np.testing.assert_array_equal(file.reals("t", "c"), [1.5, np.nan, 2.0, np.nan])


def test_only_the_texts_asked_for_are_read(tmp_path: Path):
    rows = [(i, f"name {i}") for i in range(2000)]
    path = make(
        tmp_path / "t.sqlite",
        "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT)",
        rows=("INSERT INTO StringIds VALUES (?, ?)", rows),
    )
    with SqliteFile(path) as file:
        assert file.texts([3, 3, 1999, 5000]) == {3: "name 3", 1999: "name 1999"}
        assert len(file.texts(range(2000))) == 2000
        assert file.texts([]) == {}


def test_an_index_that_leads_to_another_row_names_nothing(tmp_path: Path):
    """What an id is called says its own row, as it does to whoever reads the whole table."""
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, ids in (("StringIds", "123"), ("Other", "213")):
            connection.execute(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, value TEXT)")
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", [(i, f"name {i}") for i in ids])
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET rootpage ="
            " (SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_Other_1')"
            " WHERE name = 'sqlite_autoindex_StringIds_1'"
        )
    with SqliteFile(path) as file:
        assert file.texts([1]) == {}
        assert file.texts([3]) == {3: "name 3"}


def test_an_oversized_text_is_left_out_and_does_not_hide_its_neighbours(tmp_path: Path):
    path = make(
        tmp_path / "t.sqlite",
        "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT)",
        "INSERT INTO StringIds VALUES (1, 'kernel'), (2, CAST(zeroblob(2000000) AS TEXT))",
    )
    with SqliteFile(path) as file:
        assert file.texts([1, 2]) == {1: "kernel"}


def test_an_oversized_text_of_its_own_row_is_one_line(tmp_path: Path):
    path = make(
        tmp_path / "t.sqlite",
        "CREATE TABLE t (a INTEGER, c TEXT)",
        "INSERT INTO t VALUES (1, 'range'), (2, CAST(zeroblob(2000000) AS TEXT))",
    )
    with SqliteFile(path) as file:
        assert file.integers("t", ["a"])["a"].values.tolist() == [1, 2]
        with pytest.raises(TraceError, match="holds a text of over 1 MiB"):
            file.text_column("t", "c")


@pytest.mark.parametrize("name", ["CAST('t' AS BLOB)", "NULL"])
def test_a_table_whose_name_is_no_text_is_one_line(name: str, tmp_path: Path):
    path = make(tmp_path / "t.sqlite", "CREATE TABLE t (a INTEGER)")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(f"UPDATE sqlite_master SET name = {name}")
    with pytest.raises(TraceError, match="is damaged"), SqliteFile(path):
        pass


def test_a_schema_that_is_no_text_is_one_line(tmp_path: Path):
    path = make(tmp_path / "t.sqlite", "CREATE TABLE tttttttt (a INTEGER)")
    raw = path.read_bytes().replace(b"CREATE TABLE tttttttt", b"CREATE TABLE t\xfft(tttt ")
    path.write_bytes(raw)
    with pytest.raises(TraceError, match="is damaged") as raised:
        SqliteFile(path)
    assert "\n" not in str(raised.value)


def test_awkward_paths_open(tmp_path: Path):
    path = make(tmp_path / "a b%20?mode=rwc#ü.sqlite", "CREATE TABLE t (a)")
    with SqliteFile(path) as file:
        assert file.tables == {"t": ("a",)}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("empty.sqlite", b"", "is empty"),
        (
            "text.sqlite",
            b"hello, this is text\n" * 50,
            "is not a SQLite file; flopprof reads .sqlite, .nsys-rep, .qdstrm and the .json of torch.profiler",
        ),
        ("short.sqlite", b"SQLite format 3\x00\x10", "is cut short"),
    ],
)
def test_what_is_no_sqlite_file_is_one_line(tmp_path: Path, name: str, content: bytes, problem: str):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TraceError, match=problem) as raised:
        SqliteFile(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_and_a_directory_are_one_line(tmp_path: Path):
    with pytest.raises(TraceError, match="no such file"):
        SqliteFile(tmp_path / "none.sqlite")
    with pytest.raises(TraceError, match="is a directory"):
        SqliteFile(tmp_path)


def test_a_truncated_file_says_so(tmp_path: Path):
    path = make(
        tmp_path / "t.sqlite",
        "CREATE TABLE t (a)",
        rows=("INSERT INTO t VALUES (?)", [(i,) for i in range(5000)]),
    )
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TraceError, match="is cut short; export it again"):
        SqliteFile(path)


def test_damage_met_while_reading_is_a_trace_error(tmp_path: Path):
    path = make(
        tmp_path / "t.sqlite",
        "CREATE TABLE t (a)",
        rows=("INSERT INTO t VALUES (?)", [(i,) for i in range(5000)]),
    )
    raw = bytearray(path.read_bytes())
    raw[2 * 4096 :] = b"\xff" * (len(raw) - 2 * 4096)
    path.write_bytes(raw)
    with SqliteFile(path) as file, pytest.raises(TraceError, match="is damaged"):
        file.integers("t", ["a"])


def test_a_missing_table_or_column_is_named(tmp_path: Path):
    path = make(tmp_path / "t.sqlite", "CREATE TABLE t (a)")
    with SqliteFile(path) as file:
        with pytest.raises(TraceError, match="has no table KERNEL"):
            file.integers("KERNEL", ["start"])
        with pytest.raises(TraceError, match="t has no column start"):
            file.integers("t", ["start"])


def test_columns_know_their_length():
    assert len(IntColumn(values=np.arange(3))) == 3
