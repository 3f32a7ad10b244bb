"""Reading pages gives what SQLite gives, or leaves it to SQLite."""

from __future__ import annotations

import lzma
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing.draws import draws, one_in
from drawing.tree import DATA
from flopprof.analysis.errors import TraceError
from flopprof.analysis.sqlite import scan as sqlite_scan
from flopprof.analysis.sqlite.byte_words import number_distinct, varint_lengths, varints
from flopprof.analysis.sqlite.columns import ColumnBuilder, IntColumn, TextColumn, constant, join_columns
from flopprof.analysis.sqlite.file import SqliteFile
from flopprof.analysis.sqlite.unusual import Unusual
from hypothesis import given
from hypothesis import strategies as st

WIDTHS = [0, 1, 2**7, 2**15, 2**23, 2**31, 2**47, 2**63]

integers = st.one_of(
    st.sampled_from([s * w + d for w in WIDTHS for s in (1, -1) for d in (-1, 0, 1)]).filter(
        lambda v: -(2**63) <= v < 2**63
    ),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-300, 300),
)
texts = st.one_of(st.text(max_size=5), st.sampled_from(["x" * 57, "y" * 58, "ü" * 300, "long " * 400]))
values = st.one_of(
    st.none(), integers, integers, st.floats(allow_nan=False), texts, st.binary(max_size=80)
)  # fmt: skip
declared = st.sampled_from(
    ["INTEGER", "INTEGER", "", "TEXT", "REAL", "NUMERIC", "BLOB", "BIGINT NOT NULL DEFAULT 3"]
)
added = st.sampled_from(
    ["a1 INTEGER", "a1 INTEGER DEFAULT 7", "a1 DEFAULT NULL", "a1 TEXT DEFAULT 'x'", "a1 REAL"]
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """A table: how it is declared, what is put into it, and what happens to it afterwards."""
    kinds = draw(st.lists(declared, min_size=1, max_size=9))
    row = st.tuples(*[values if "NOT NULL" not in kind else integers for kind in kinds])
    return {
        "kinds": kinds,
        "key": draw(st.sampled_from([None, None, "INTEGER PRIMARY KEY", "INT PRIMARY KEY"])),
        "rows": draw(st.lists(row, max_size=25)),
        "times": draw(st.sampled_from([1, 1, 3, 40])),
        "page_size": draw(st.sampled_from([512, 512, 1024, 4096, 65536])),
        "auto_vacuum": draw(st.booleans()),
        "deleted": draw(st.sampled_from([0, 0, 2, 3])),
        "added": draw(st.sampled_from([None, draw(added)])),
        "rows_after": draw(st.lists(row, max_size=4)),
    }


def build(path: Path, table: dict[str, Any]) -> None:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA page_size = {table['page_size']}")
    connection.execute(f"PRAGMA auto_vacuum = {int(table['auto_vacuum'])}")
    columns = [f"c{i} {kind}" for i, kind in enumerate(table["kinds"])]
    key = table["key"]
    listed = [f"k {key}", *columns] if key else columns
    connection.execute(f"CREATE TABLE t ({', '.join(listed)})")
    names = ", ".join(f"c{i}" for i in range(len(columns)))
    insert = f"INSERT INTO t ({names}) VALUES ({', '.join('?' * len(columns))})"
    for _ in range(table["times"]):
        connection.executemany(insert, table["rows"])
    if table["deleted"]:
        connection.execute(f"DELETE FROM t WHERE rowid % {table['deleted']} = 0")
    if table["added"]:
        connection.execute(f"ALTER TABLE t ADD COLUMN {table['added']}")
    connection.executemany(insert, table["rows_after"])
    connection.commit()
    connection.close()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scan") / "t.sqlite"


def assert_same_integers(file: SqliteFile, table: str, columns: Sequence[str]) -> int:
    """The number of columns that could be scanned."""
    scanned = 0
    for group in [[c] for c in columns] + [list(columns)]:
        try:
            found = file._scan(table).integers(group)
        except Unusual:
            continue
        scanned += len(group)
        assert list(found) == group
        for name, column in file._ask_integers(table, group).items():
            assert_same(found[name], column)
    return scanned


def assert_same(one: IntColumn, other: IntColumn) -> None:
    assert one.values.dtype == other.values.dtype == np.int64
    np.testing.assert_array_equal(one.values, other.values)
    every = np.ones(len(one), np.bool_)
    np.testing.assert_array_equal(
        every if one.valid is None else one.valid, every if other.valid is None else other.valid
    )
    assert one.foreign == other.foreign


def assert_same_others(file: SqliteFile, table: str, columns: Sequence[str]) -> None:
    for name in columns:
        for scan, ask in (
            (TextScan(file).read, file._ask_text_column),
            (RealScan(file).read, file._ask_reals),
        ):
            found = scan(table, name)
            if found is None:
                continue
            other = ask(table, name)
            if isinstance(found, TextColumn):
                assert isinstance(other, TextColumn)
                assert found.texts == other.texts
                np.testing.assert_array_equal(found.codes, other.codes)
            else:
                np.testing.assert_array_equal(found, other)


def assert_same_combinations(file: SqliteFile, table: str, columns: Sequence[str]) -> bool:
    """Whether the scan could fold them; if so, row by row as SQLite gives them, each combination once."""
    try:
        _, folded = file._scan(table).fold([], columns)
    except Unusual:
        return False
    expected = [column.to_list() for column in file._ask_integers(table, columns).values()]
    assert [folded.combinations[code] for code in folded.codes] == list(zip(*expected, strict=True))
    assert len(set(folded.combinations)) == len(folded.combinations)
    assert folded.foreign == 0
    parts = file.parts(table, columns[:1], columns, lambda plain, rows: (plain[columns[0]], rows))
    assert [part.combinations[c] for _, part in parts for c in part.codes] == list(
        zip(*expected, strict=True)
    )
    assert [value for first, _ in parts for value in first.to_list()] == expected[0]
    return True


class TextScan:
    def __init__(self, file: SqliteFile) -> None:
        self.file = file

    def read(self, table: str, column: str) -> TextColumn | None:
        try:
            return self.file._scan(table).text_column(column)
        except Unusual:
            return None


class RealScan(TextScan):
    def read(self, table: str, column: str) -> Any:
        try:
            return self.file._scan(table).reals(column)
        except Unusual:
            return None


@draws(50)
@given(table=tables())
def test_a_scan_of_any_table_gives_what_sqlite_gives(scratch: Path, table: dict[str, Any]):
    build(scratch, table)
    with SqliteFile(scratch) as file:
        columns = file.tables["t"]
        assert_same_integers(file, "t", [*columns, "rowid"])
        assert_same_others(file, "t", columns)
        assert_same_combinations(file, "t", columns[1:][:3] or columns)


@draws(100)
@given(
    rows=st.lists(
        st.tuples(*[st.one_of(st.none(), st.sampled_from([0, 1, 2, -1, 300, -(2**40), 2**63 - 1]))] * 5),
        min_size=1,
        max_size=30,
    ),
    columns=st.lists(st.sampled_from("abcde"), min_size=1, max_size=5, unique=True),
    times=st.sampled_from([1, 50]),
)
def test_combinations_of_any_columns_are_those_of_the_rows(
    scratch: Path, rows: list[tuple[int | None, ...]], columns: list[str], times: int
):
    scratch.unlink(missing_ok=True)
    with sqlite3.connect(scratch) as connection:
        connection.execute("CREATE TABLE t (a, b, c, d, e)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows * times)
    connection.close()
    with SqliteFile(scratch) as file:
        assert assert_same_combinations(file, "t", columns)


@pytest.mark.parametrize("value", ["text", 1.5, b"blob"])
def test_combinations_with_other_values_are_left_to_sqlite_and_counted(scratch: Path, value: object):
    scratch.unlink(missing_ok=True)
    with sqlite3.connect(scratch) as connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, 2), (1, value), (1, 2), (None, 2)])
    connection.close()
    with SqliteFile(scratch) as file:
        assert not assert_same_combinations(file, "t", ["a", "b"])
        columns, folded = file.fold("t", ["a"], ["a", "b"])
    assert columns["a"].to_list() == [1, 1, 1, None]
    assert folded.combinations == ((1, 2), (1, None), (None, 2))
    assert folded.codes.tolist() == [0, 1, 0, 2]
    assert (folded.foreign, folded.values("b", -1).tolist(), folded.values("c", -1).tolist()) == (
        1,
        [2, -1, 2],
        [-1, -1, -1],
    )


@draws(50)
@given(
    table=tables(),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=6),
)
def test_a_scan_of_a_damaged_table_gives_what_sqlite_gives_or_nothing(
    scratch: Path, table: dict[str, Any], flips: list[tuple[float, int]]
):
    build(scratch, {**table, "page_size": 512})
    raw = bytearray(scratch.read_bytes())
    for place, bits in flips:
        raw[512 + int(place * (len(raw) - 512))] ^= bits
    scratch.write_bytes(raw)
    try:
        with SqliteFile(scratch) as file:
            columns = file.tables.get("t", ())
            assert_same_integers(file, "t", columns)
            assert_same_others(file, "t", columns)
    except TraceError as error:
        assert "is damaged" in str(error)


PACKED = sorted(
    str(path.relative_to(DATA)) for folder in (DATA, DATA / "cases") for path in folder.glob("*.sqlite.xz")
)


@pytest.mark.parametrize("name", one_in(4, PACKED))
def test_every_integer_column_of_a_real_trace_is_scanned_and_exact(name: str, tmp_path: Path):
    path = tmp_path / "t.sqlite"
    path.write_bytes(lzma.decompress((DATA / name).read_bytes()))
    with SqliteFile(path) as file:
        for table, columns in file.tables.items():
            if table.startswith("ENUM_"):  # one has negative rowids, which are left to SQLite
                continue
            asked = [c for c in columns if not holds_text(file, table, c)]
            assert not asked or assert_same_integers(file, table, asked) == 2 * len(asked)
            assert_same_others(file, table, columns)


def holds_text(file: SqliteFile, table: str, column: str) -> bool:
    """Texts where integers are asked for are left to SQLite: some may be integers."""
    return bool(file.rows(f"SELECT 1 FROM {table} WHERE typeof(\"{column}\") = 'text' LIMIT 1"))


def fill(path: Path, *statements: str, rows: int = 0) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    if rows:
        wide = [(i, i * 7 - 3, "n" * (i % 90), None, -i) for i in range(rows)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", wide)
    connection.commit()
    connection.close()
    return path


FIVE = "CREATE TABLE t (a INTEGER, b INTEGER, c TEXT, d INTEGER, e INTEGER)"


def test_a_tree_of_several_levels_is_scanned(tmp_path: Path):
    path = fill(tmp_path / "t.sqlite", "PRAGMA page_size = 512", FIVE, rows=20_000)
    with SqliteFile(path) as file:
        found = file._scan("t").integers(["a", "b", "d", "e", "rowid"])
        assert found["a"].values.tolist() == list(range(20_000))
        assert found["b"].values.tolist() == [i * 7 - 3 for i in range(20_000)]
        assert found["e"].values.tolist() == [-i for i in range(20_000)]
        assert found["rowid"].values.tolist() == list(range(1, 20_001))
        assert found["d"].valid is not None
        assert not found["d"].valid.any()
        assert found["d"].values.strides == (0,)


def test_blocks_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = fill(tmp_path / "t.sqlite", "PRAGMA page_size = 512", FIVE, rows=300)
    with SqliteFile(path) as file:
        for block in (1, 512, 5000, 1 << 20):
            monkeypatch.setattr(sqlite_scan, "BLOCK_BYTES", block)
            assert assert_same_integers(file, "t", ["a", "b", "d", "e"]) == 8
            assert_same_others(file, "t", ["a", "c", "d"])
            assert assert_same_combinations(file, "t", ["b", "e"])


def test_values_behind_a_long_text_are_exact(tmp_path: Path):
    path = fill(tmp_path / "t.sqlite", FIVE, rows=100)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE t SET c = ? WHERE a % 7 = 0", ("very long " * 2000,))
    connection.commit()
    connection.close()
    with SqliteFile(path) as file:
        assert assert_same_integers(file, "t", ["a", "b", "d", "e"]) == 8
        assert file.text_column("t", "c").texts[0] == "very long " * 2000


def test_many_values_on_overflow_pages_are_left_to_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = fill(tmp_path / "t.sqlite", FIVE, rows=50)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE t SET c = ?", ("very long " * 2000,))
    connection.commit()
    connection.close()
    monkeypatch.setattr(sqlite_scan, "MAX_FETCHED", 49)
    with SqliteFile(path) as file:
        with pytest.raises(Unusual):
            file._scan("t").integers(["e"])
        assert file.integers("t", ["e"])["e"].values.tolist() == [-i for i in range(50)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b) WITHOUT ROWID",
        "CREATE TABLE t (a INTEGER, b AS (a + 1) STORED)",
        "CREATE TABLE t (a INTEGER, b AS (a + 1))",
        "CREATE TABLE t (a INTEGER, rowid, _rowid_, oid)",
    ],
)
def test_tables_stored_otherwise_are_left_to_sqlite(tmp_path: Path, statement: str):
    path = fill(tmp_path / "t.sqlite", statement, "INSERT INTO t (a) VALUES (5)")
    with SqliteFile(path) as file:
        with pytest.raises(Unusual):
            file._scan("t").integers(["a"])
        column = file.integers("t", ["a"])["a"]
    assert column.values.tolist() == [5]


def test_files_of_another_encoding_are_left_to_sqlite(tmp_path: Path):
    path = fill(
        tmp_path / "t.sqlite", "PRAGMA encoding = 'UTF-16le'", FIVE, "INSERT INTO t VALUES (1,2,'ü',4,5)"
    )
    with SqliteFile(path) as file:
        with pytest.raises(Unusual):
            file._scan("t")
        assert file.integers("t", ["e"])["e"].values.tolist() == [5]
        assert file.text_column("t", "c").texts == ("ü",)


def test_rows_still_in_a_write_ahead_log_are_seen(tmp_path: Path):
    path = fill(tmp_path / "t.sqlite", FIVE, rows=10)
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO t (a) VALUES (99)")
    writer.commit()
    with SqliteFile(path) as file:
        assert file.integers("t", ["a"])["a"].values.tolist() == [*range(10), 99]
    writer.close()


@pytest.fixture
def reserved(tmp_path: Path) -> Iterator[Path]:
    """A file whose pages end with 32 reserved bytes."""
    path = tmp_path / "r.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    raw = bytearray(path.read_bytes())
    raw[20] = 32
    raw[105:107] = (4096 - 32).to_bytes(2, "big")
    path.write_bytes(raw)
    yield fill(path, FIVE, rows=3000)


def test_reserved_bytes_of_a_page_are_not_read(reserved: Path):
    with SqliteFile(reserved) as file:
        assert file.rows("PRAGMA quick_check") == [("ok",)]
        assert assert_same_integers(file, "t", ["a", "b", "d", "e"]) == 8


def test_two_headers_with_one_digest_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    columns = ", ".join(f"c{i}" for i in range(12))
    path = fill(tmp_path / "t.sqlite", f"CREATE TABLE t ({columns})")
    connection = sqlite3.connect(path)
    rows = [tuple((i * 7 + j) % 3 * 100 for j in range(12)) for i in range(60)]
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * 12)})", rows)
    connection.commit()
    connection.close()
    monkeypatch.setattr("flopprof.analysis.sqlite.byte_words.MIX", np.uint64(0))
    with SqliteFile(path) as file:
        assert_same_integers(file, "t", [f"c{i}" for i in range(12)])
        assert file.integers("t", ["c5"])["c5"].values.tolist() == [row[5] for row in rows]


def test_parts_that_are_not_plain_integers_are_left_to_sqlite_whole(tmp_path: Path):
    path = fill(tmp_path / "t.sqlite", "PRAGMA page_size = 512", FIVE, rows=300)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE t SET e = 'text' WHERE a = 299")
        connection.execute("UPDATE t SET c = ? WHERE a = 7", ("long " * 400,))
    with SqliteFile(path) as file:
        for columns, folded in ((["a"], ["e"]), (["e"], ["d"]), (["a"], ["d"])):
            ((plain, rows),) = file.parts("t", columns, folded, lambda plain, rows: (plain, rows))
            assert len(plain[columns[0]]) == len(rows.codes) == 300
            assert rows.foreign == int(folded == ["e"])


@pytest.mark.parametrize("rows", [1, 3, 100, 9000])
@pytest.mark.parametrize("most", [1, 2, 30, 1 << 14, 1 << 40])
@draws(5)
@given(seed=st.integers(0, 1 << 32), shift=st.sampled_from([0, 8, 20]))
def test_equal_words_have_one_number_in_the_order_in_which_they_appear(
    rows: int, most: int, seed: int, shift: int
):
    rng = np.random.default_rng(seed)
    words = [
        (rng.integers(0, most, rows) << shift).astype(np.uint64),
        rng.integers(5, 7, rows).astype(np.uint64),
    ]
    words[0][rows // 2] = (most - 1) << shift  # perhaps the only one, far from the beginning
    code, example = number_distinct(words)
    pairs = list(zip(*[word.tolist() for word in words], strict=True))
    known: dict[tuple[int, ...], int] = {}
    assert code.tolist() == [known.setdefault(pair, len(known)) for pair in pairs]
    assert [pairs[row] for row in example.tolist()] == list(known)


@given(numbers=st.lists(st.integers(0, (1 << 56) - 1), min_size=1, max_size=20))
def test_numbers_of_variable_length_are_read_exactly(numbers: list[int]):
    written = [write_varint(number) for number in numbers]
    word = np.array([int.from_bytes(raw.ljust(8, b"\xff"), "big") for raw in written], np.uint64)
    length = varint_lengths(word)
    assert length.tolist() == [len(raw) for raw in written]
    assert varints(word, length).tolist() == numbers
    assert varints(word[:1], length[:1]).tolist() == numbers[:1]


def write_varint(number: int) -> bytes:
    groups = [number & 127]
    while number := number >> 7:
        groups.append(number & 127 | 128)
    return bytes(groups[::-1])


@given(parts=st.lists(st.lists(st.one_of(st.none(), st.integers(0, 2)), max_size=4), max_size=5))
def test_joining_parts_is_concatenation(parts: list[list[int | None]]):
    made = []
    for part in parts:
        if part and len(set(part)) == 1:
            made.append(constant(part[0] or 0, len(part), known=part[0] is not None))
        else:
            values = np.array([v or 0 for v in part], np.int64)
            valid = np.array([v is not None for v in part], np.bool_)
            made.append(IntColumn(values=values, valid=None if valid.all() else valid))
    joined = join_columns(made)
    flat = [v for part in parts for v in part]
    assert joined.values.tolist() == [v or 0 for v in flat]
    valid = [True] * len(flat) if joined.valid is None else joined.valid.tolist()
    assert valid == [v is not None for v in flat]


def test_a_single_value_stays_one():
    builder = ColumnBuilder(7)
    builder.add(constant(5, 3))
    builder.add(constant(5, 4))
    column = builder.finish()
    assert column.values.tolist() == [5] * 7
    assert column.values.strides == (0,)
