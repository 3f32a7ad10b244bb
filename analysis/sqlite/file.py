"""Columns of a SQLite file as numpy arrays: exact 64-bit integers, no pandas, no float in between.

A trace is a SQLite file that another program wrote, perhaps on a full disk: nothing in it is trusted, every
failure to read it is a TraceError, and a value of the wrong type is counted instead of converted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import TraceError
from .columns import IntColumn, TextColumn, join_columns
from .folded import Folded, fold_columns
from .pages import PageFile, Unusual
from .quoting import quote_name
from .scan import LEAST_CELL, TableScan, read_layout

MAGIC = b"SQLite format 3\x00"

CHUNK_ROWS = 65536

BATCH_IDS = 500

MAX_VALUE_BYTES = 1 << 20
"""No name is longer; a longer text is a program's output, an environment, or damage."""

READ_FAILURES = (sqlite3.Error, OverflowError, UnicodeError)
"""What sqlite3 raises on a damaged file; the last when its message quotes bytes that are no text."""

AGAIN = "export it again from its .nsys-rep"


class SqliteFile:
    """A SQLite file opened for reading only; use it as a context manager."""

    tables: dict[str, tuple[str, ...]]
    """Table name -> its columns, in their stored order."""

    def __init__(self, path: Path) -> None:
        """Open `path`, or raise TraceError: missing, a directory, empty, not SQLite, cut short, damaged."""
        self.path = Path(path)
        _check_header(self.path)
        with self._translated():
            self._connection, self._uri = _connect(self.path)
        try:
            with self._translated():
                self.tables = _list_tables(self._connection)
        except BaseException:
            self._connection.close()
            raise
        self._pages = _open_pages(self.path)

    def __enter__(self) -> SqliteFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._connection.close()
        if self._pages is not None:
            self._pages.close()

    def integers(self, table: str, columns: Sequence[str]) -> dict[str, IntColumn]:
        """Integer columns of a table in one pass, all in the same row order; `rowid` may be asked for too."""
        self._require(table, columns)
        try:
            return self._scan(table).integers(columns)
        except Unusual:
            return self._ask_integers(table, columns)

    def fold(
        self, table: str, columns: Sequence[str], folded: Sequence[str]
    ) -> tuple[dict[str, IntColumn], Folded]:
        """The same, and other columns of which few combinations occur."""
        self._require(table, [*columns, *folded])
        try:
            return self._scan(table).fold(columns, folded)
        except Unusual:
            whole = self._ask_integers(table, [*columns, *folded])
            rows = len(next(iter(whole.values()), ()))
            return {n: whole[n] for n in columns}, fold_columns({n: whole[n] for n in folded}, rows)

    def reals(self, table: str, column: str) -> NDArray[np.float64]:
        """A numeric column as float64; NaN for NULL and for what is no number."""
        self._require(table, [column])
        try:
            return self._scan(table).reals(column)
        except Unusual:
            return self._ask_reals(table, column)

    def text_column(self, table: str, column: str) -> TextColumn:
        """A text column, each distinct text once; invalid UTF-8 is replaced, what is no text is -1."""
        self._require(table, [column])
        try:
            return self._scan(table).text_column(column)
        except Unusual:
            return self._ask_text_column(table, column)

    def texts(self, ids: Iterable[int]) -> dict[int, str]:
        """StringIds' texts for the ids asked for, never the whole table.

        Unknown ids are left out, and what names nothing: other values, texts of over MAX_VALUE_BYTES.
        """
        wanted = sorted({int(i) for i in ids})
        found: dict[int, str] = {}
        if {"id", "value"} <= set(self.tables.get("StringIds", ())):
            for first in range(0, len(wanted), BATCH_IDS):
                found.update(self._some_texts(wanted[first : first + BATCH_IDS]))
        return found

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query over a small table."""
        with self._translated():
            return self._connection.execute(sql, params).fetchall()

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        self._require(table, ())
        return int(self.rows(f"SELECT count(*) FROM {quote_name(table)}")[0][0])

    def attach_to(self, connection: sqlite3.Connection, schema: str) -> None:
        """Make this file readable, and only readable, under the name `schema` of another connection."""
        with self._translated():
            connection.execute(f"ATTACH ? AS {quote_name(schema)}", (self._uri,))

    def _scan(self, table: str) -> TableScan:
        """The fast way to read a table; raises Unusual where SQLite itself must."""
        if self._pages is None:
            raise Unusual("file")
        layout = read_layout(self._connection, table)

        def fetch(columns: Sequence[str], rowids: list[int]) -> list[tuple[Any, ...]]:
            names = ", ".join(quote_name(c) for c in columns)
            query = f"SELECT {names} FROM {quote_name(table)} WHERE {layout.rowid} = ?"
            found = [self.rows(query, (rowid,)) for rowid in rowids]
            if any(len(rows) != 1 for rows in found):
                raise Unusual("rowid")
            return [rows[0] for rows in found]

        return TableScan(file=self._pages, layout=layout, fetch=fetch)

    def _ask_integers(self, table: str, columns: Sequence[str]) -> dict[str, IntColumn]:
        parts: list[list[IntColumn]] = [[] for _ in columns]
        for rows in self._chunks(table, columns):
            for part, values in zip(parts, zip(*rows, strict=True), strict=True):
                part.append(_integers_of(values))
        return {name: join_columns(part) for name, part in zip(columns, parts, strict=True)}

    def _ask_reals(self, table: str, column: str) -> NDArray[np.float64]:
        values = [
            float(row[0]) if isinstance(row[0], (int, float)) else np.nan
            for rows in self._chunks(table, [column])
            for row in rows
        ]
        return np.array(values, np.float64)

    def _ask_text_column(self, table: str, column: str) -> TextColumn:
        known: dict[str, int] = {}
        codes = [
            known.setdefault(row[0], len(known)) if isinstance(row[0], str) else -1
            for rows in self._chunks(table, [column])
            for row in rows
        ]
        return TextColumn(codes=np.array(codes, np.int32), texts=tuple(known))

    def _some_texts(self, ids: list[int]) -> dict[int, str]:
        marks = ",".join("?" * len(ids))
        try:
            rows = self._connection.execute(f"SELECT id, value FROM StringIds WHERE id IN ({marks})", ids)
            return {i: value for i, value in rows if isinstance(value, str)}
        except sqlite3.DataError:  # a value over MAX_VALUE_BYTES, which is no name
            alone = ids if len(ids) > 1 else []
            return {i: text for one in alone for i, text in self._some_texts([one]).items()}
        except READ_FAILURES as error:
            raise translate_error(self.path, error) from None

    def _chunks(self, table: str, columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
        names = ", ".join(quote_name(c) for c in columns)
        with self._translated():
            cursor = self._connection.execute(f"SELECT {names} FROM {quote_name(table)}")
            room = self.path.stat().st_size // LEAST_CELL
            while rows := cursor.fetchmany(CHUNK_ROWS):
                room -= len(rows)
                if room < 0:  # pages that hold each other's rows
                    raise TraceError(self.path, f"is damaged ({table} has more rows than room); {AGAIN}")
                yield rows

    def _require(self, table: str, columns: Sequence[str]) -> None:
        if table not in self.tables:
            raise TraceError(self.path, f"has no table {table}; {AGAIN}")
        for column in columns:
            if column not in self.tables[table] and column != "rowid":
                raise TraceError(self.path, f"{table} has no column {column}; {AGAIN}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except READ_FAILURES as error:
            raise translate_error(self.path, error) from None


def _check_header(path: Path) -> None:
    """Name the plain cases in plain words before SQLite says `file is not a database` to all of them."""
    try:
        if path.is_dir():
            raise TraceError(path, "is a directory, not a trace file")
        with path.open("rb") as file:
            head = file.read(100)
        size = path.stat().st_size
    except FileNotFoundError:
        raise TraceError(path, "no such file") from None
    except OSError as error:
        raise TraceError(path, f"cannot be read: {error.strerror}") from None
    if not head:
        raise TraceError(path, f"is empty (an export on a full disk looks like this); {AGAIN}")
    if head[:16] != MAGIC[: len(head)]:
        raise TraceError(path, "is not a SQLite file; flopprof reads .sqlite, .nsys-rep and .qdstrm")
    if len(head) < 100 or size < _size_by_header(head):
        raise TraceError(path, f"is cut short; {AGAIN}")


def _size_by_header(head: bytes) -> int:
    """Bytes the header promises; 0 where an old writer left that field unset (SQLite file format, 1.3.7)."""
    page_size = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    if head[24:28] != head[92:96]:
        return 0
    return pages * (65536 if page_size == 1 else page_size)


def _open_pages(path: Path) -> PageFile | None:
    try:
        return PageFile(path)
    except (Unusual, OSError):
        return None


def _connect(path: Path) -> tuple[sqlite3.Connection, str]:
    uri = path.absolute().as_uri() + "?mode=ro"
    try:
        return _usable(sqlite3.connect(uri, uri=True)), uri
    except sqlite3.OperationalError:
        # A read-only folder or a file system without locks; but not over a half-done transaction.
        journal = path.with_name(path.name + "-journal")
        if journal.exists() and journal.stat().st_size:
            raise
        uri += "&immutable=1"
        return _usable(sqlite3.connect(uri, uri=True)), uri


def _usable(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Set up the connection and touch the file, which is when SQLite finds out that it cannot."""
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _list_tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
    ).fetchall()
    return {
        name: tuple(row[1] for row in connection.execute(f"PRAGMA table_info({quote_name(name)})"))
        for (name,) in names
    }


def _integers_of(values: Sequence[Any]) -> IntColumn:
    if set(map(type, values)) == {int}:
        return IntColumn(values=np.fromiter(values, np.int64, len(values)))
    good = [type(v) is int for v in values]
    return IntColumn(
        values=np.array([v if ok else 0 for v, ok in zip(values, good, strict=True)], np.int64),
        valid=np.array(good, np.bool_),
        foreign=sum(not ok and v is not None for v, ok in zip(values, good, strict=True)),
    )


def translate_error(path: Path, error: Exception) -> TraceError:
    """What SQLite said about `path`, as one line that names the remedy."""
    text = "unreadable schema" if isinstance(error, UnicodeError) else str(error)
    if "locked" in text or "busy" in text:
        return TraceError(path, "is locked by another program; wait until its export has finished")
    if isinstance(error, sqlite3.DataError):
        return TraceError(
            path, f"holds a text of over {MAX_VALUE_BYTES >> 20} MiB, which is no name; {AGAIN}"
        )
    plain = "".join(c if c.isprintable() else " " for c in text)
    return TraceError(path, f"is damaged ({' '.join(plain.split())[:200]}); {AGAIN}")
