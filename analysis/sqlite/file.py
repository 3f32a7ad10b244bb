"""Columns of a SQLite file as numpy arrays: exact 64-bit integers, no pandas, no float in between.

A trace is a SQLite file that another program wrote, perhaps on a full disk: nothing in it is trusted, every
failure to read it is a TraceError, and a value of the wrong type is counted instead of converted. All columns of
a table come in the order of its row ids, however they are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import TraceError
from .columns import IntColumn, TextColumn, join_columns
from .exact import exact_integer
from .folded import Folded, fold_columns
from .layout import find_rowid_name, read_layout
from .quoting import quote_name
from .scan import LEAST_CELL, TableScan, TakePart
from .snapshot import AGAIN, READ_FAILURES, Rows, Snapshot, translate_error
from .unusual import Unusual

BATCH_IDS = 300
"""Each is sought in three ways, and old SQLites take 999 parameters."""

T = TypeVar("T")


class SqliteFile:
    """A SQLite file opened for reading only, as it is when it is opened; use it as a context manager.

    Several threads may read at once. While it is open nobody can commit a change to the file.
    """

    tables: dict[str, tuple[str, ...]]
    """Table name -> its columns, in their stored order."""

    chosen_here = False
    """Whether its tables were chosen here, among which are all that are read, whatever it says of itself."""

    def __init__(self, path: Path) -> None:
        """Open `path`, or raise TraceError: missing, a directory, empty, not SQLite, cut short, damaged."""
        self.path = Path(path)
        self._snapshot = Snapshot(self.path)
        self._counts: dict[str, int] = {}
        self._problems: dict[str, str] = {}
        try:
            with self._translated():
                self.tables = _list_tables(self._snapshot)
        except BaseException:
            self._snapshot.close()
            raise

    def __enter__(self) -> SqliteFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; raises TraceError when it was written to meanwhile."""
        try:
            if error is None:
                self._snapshot.check_unchanged()
        finally:
            self.close()

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._snapshot.close()

    def integers(self, table: str, columns: Sequence[str]) -> dict[str, IntColumn]:
        """Integer columns of a table in one pass, all in the same row order; `rowid` may be asked for too."""
        self._require(table, columns)
        found = self._read(
            table, lambda scan: scan.integers(columns), lambda: self._ask_integers(table, columns)
        )
        self._agree(table, {len(column) for column in found.values()})
        return found

    def fold(
        self, table: str, columns: Sequence[str], folded: Sequence[str]
    ) -> tuple[dict[str, IntColumn], Folded]:
        """The same, and other columns of which few combinations occur."""
        self._require(table, [*columns, *folded])
        found = self._read(
            table, lambda scan: scan.fold(columns, folded), lambda: self._ask_folded(table, columns, folded)
        )
        self._agree(table, {*map(len, found[0].values()), len(found[1].codes)})
        return found

    def parts(self, table: str, columns: Sequence[str], folded: Sequence[str], take: TakePart[T]) -> list[T]:
        """What `take` makes of such columns part by part, in the order of the rows; threads call it at once.

        Two combinations of a part may be equal.
        """
        self._require(table, [*columns, *folded])

        def ask() -> list[tuple[int, T]]:
            whole, combinations = self._ask_folded(table, columns, folded)
            return [(len(combinations.codes), take(whole, combinations))]

        found = self._read(table, lambda scan: scan.parts(columns, folded, take), ask)
        self._agree(table, {sum(rows for rows, _ in found)})
        return [taken for _, taken in found]

    def reals(self, table: str, column: str) -> NDArray[np.float64]:
        """A numeric column as float64; NaN for NULL and for what is no number."""
        self._require(table, [column])
        found = self._read(table, lambda scan: scan.reals(column), lambda: self._ask_reals(table, column))
        self._agree(table, {len(found)})
        return found

    def text_column(self, table: str, column: str) -> TextColumn:
        """A text column, each distinct text once; invalid UTF-8 is replaced, what is no text is -1."""
        self._require(table, [column])
        found = self._read(
            table, lambda scan: scan.text_column(column), lambda: self._ask_text_column(table, column)
        )
        self._agree(table, {len(found.codes)})
        return found

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

    def rows(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """All rows of a query over a small table."""
        with self._translated():
            return self._snapshot.ask(sql, params)

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        self._require(table, ())
        return int(self.rows(f"SELECT count(*) FROM {quote_name(table)}")[0][0])

    def attach_to(self, connection: sqlite3.Connection, schema: str) -> None:
        """Make this file readable, and only readable, under the name `schema` of another connection."""
        with self._translated():
            connection.execute(f"ATTACH ? AS {quote_name(schema)}", (self._snapshot.uri,))

    def _read(self, table: str, scan: Callable[[TableScan], T], ask: Callable[[], T]) -> T:
        """By its pages, or where those are not understood by SQLite, once it has looked at the table's b-tree."""
        try:
            return scan(self._scan(table))
        except Unusual:
            self._examine(table)
            return ask()

    def _agree(self, table: str, rows: set[int]) -> None:
        """Columns that are read one after another belong to the same rows."""
        if rows and len(rows | {self._counts.setdefault(table, min(rows))}) > 1:
            raise TraceError(self.path, f"is damaged (columns of {table} differ in length); {AGAIN}")

    def _examine(self, table: str) -> None:
        """Raise TraceError for a table whose pages contradict each other, where SQLite might yet read on."""
        if table not in self._problems:
            self._problems[table] = self._find_problem(table)
        if problem := self._problems[table]:
            raise translate_error(self.path, sqlite3.DatabaseError(problem))

    def _find_problem(self, table: str) -> str:
        """What SQLite finds wrong with a table's pages; "" for nothing."""
        try:
            found = self._snapshot.ask(f"PRAGMA quick_check({quote_name(table)})")
        except (sqlite3.OperationalError, sqlite3.DataError):
            return ""  # a schema that cannot be checked; what is damaged shows in reading
        except READ_FAILURES as error:
            return str(error) if isinstance(error, sqlite3.Error) else "unreadable"
        # Not those of columns: a NULL where none belongs is a value like others.
        return next((str(text) for (text,) in found if "page" in str(text).lower()), "")

    def _scan(self, table: str) -> TableScan:
        """The fast way to read a table; raises Unusual where SQLite itself must."""
        if self._snapshot.pages is None:
            raise Unusual("file")
        layout = read_layout(self._snapshot.ask, table)

        def fetch(columns: Sequence[str], rowids: list[int]) -> Rows:
            names = ", ".join(quote_name(c) for c in columns)
            query = f"SELECT {names} FROM {quote_name(table)} WHERE {layout.rowid} = ?"
            found = [self.rows(query, (rowid,)) for rowid in rowids]
            if any(len(rows) != 1 for rows in found):
                raise Unusual("rowid")
            return [rows[0] for rows in found]

        return TableScan(file=self._snapshot.pages, layout=layout, fetch=fetch)

    def _ask_integers(self, table: str, columns: Sequence[str]) -> dict[str, IntColumn]:
        parts: list[list[IntColumn]] = [[] for _ in columns]
        for rows in self._chunks(table, columns):
            for part, values in zip(parts, zip(*rows, strict=True), strict=True):
                part.append(_integers_of(values))
        return {name: join_columns(part) for name, part in zip(columns, parts, strict=True)}

    def _ask_folded(
        self, table: str, columns: Sequence[str], folded: Sequence[str]
    ) -> tuple[dict[str, IntColumn], Folded]:
        whole = self._ask_integers(table, [*columns, *folded])
        rows = len(next(iter(whole.values()), ()))
        return {n: whole[n] for n in columns}, fold_columns({n: whole[n] for n in folded}, rows)

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
        """By any way in which an id may be stored; a column of integers has but one."""
        sought = [*ids, *map(str, ids), *(f"{one}.0" for one in ids)]
        which = f"WHERE id IN ({','.join('?' * len(sought))})"
        if rowid := self._rowid_name("StringIds"):
            # An index finds the row; what it says of it is taken from the row itself, should the two differ.
            which = f"NOT INDEXED WHERE {rowid} IN (SELECT {rowid} FROM StringIds {which})"
        try:
            rows = self._snapshot.ask(f"SELECT id, value FROM StringIds {which}", sought)
        except sqlite3.DataError:  # a value over MAX_VALUE_BYTES, which is no name
            alone = ids if len(ids) > 1 else []
            return {i: text for one in alone for i, text in self._some_texts([one]).items()}
        except READ_FAILURES as error:
            raise translate_error(self.path, error) from None
        found = ((exact_integer(one), value) for one, value in rows if isinstance(value, str))
        wanted = set(ids)
        return {one: value for one, value in found if one in wanted}

    def _chunks(self, table: str, columns: Sequence[str]) -> Iterator[Rows]:
        names = ", ".join(quote_name(c) for c in columns)
        with self._translated():
            room = self._snapshot.size() // LEAST_CELL
            for rows in self._snapshot.stream(
                f"SELECT {names} FROM {quote_name(table)} {self._order(table)}"
            ):
                room -= len(rows)
                if room < 0:  # pages that hold each other's rows
                    raise TraceError(self.path, f"is damaged ({table} has more rows than room); {AGAIN}")
                yield rows

    def _order(self, table: str) -> str:
        """The order in which the table lies in its file, whatever indexes there are."""
        name = self._rowid_name(table)
        return f"NOT INDEXED ORDER BY {name}" if name else "NOT INDEXED"

    def _rowid_name(self, table: str) -> str | None:
        """What a table calls the ids of its rows; None where columns took all names for it, or it has none."""
        name = find_rowid_name(self.tables[table])
        try:
            self._snapshot.ask(f"SELECT {name} FROM {quote_name(table)} LIMIT 0")
        except sqlite3.OperationalError:
            return None
        return name

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


def _list_tables(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Tables with all their columns, also those that are computed when they are read."""
    names = snapshot.ask("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'")
    if not all(isinstance(name, str) for (name,) in names):
        raise TraceError(snapshot.path, f"is damaged (a table without a name); {AGAIN}")
    return {
        name: tuple(row[1] for row in snapshot.ask(f"PRAGMA table_xinfo({quote_name(name)})") if row[6] != 1)
        for (name,) in names
    }


def _integers_of(values: Sequence[Any]) -> IntColumn:
    if set(map(type, values)) == {int}:
        return IntColumn(values=np.fromiter(values, np.int64, len(values)))
    found = [exact_integer(value) for value in values]
    return IntColumn(
        values=np.array([0 if one is None else one for one in found], np.int64),
        valid=np.array([one is not None for one in found], np.bool_),
        foreign=sum(one is None and value is not None for one, value in zip(found, values, strict=True)),
    )
