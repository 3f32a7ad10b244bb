"""A scan of one SQLite table by its pages: about eight times as fast as asking SQLite for every value.

The scan gives what SQLite would give, or raises Unusual: then SQLite is asked after all, and it is SQLite that
says what is damaged. Rows with a wanted value on an overflow page are few, and SQLite is asked for those.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .cells import Cells, Ints, find_cells
from .columns import ColumnBuilder, IntColumn, TextColumn, interleave_columns, limit_column
from .exact import EXACT_REAL, exact_integer
from .folded import Folded, FoldedRows, Folder, Values, fold_columns
from .pages import Leaves, PageFile, Unusual
from .quoting import quote_name
from .record_format import ABSENT, HeaderBook, Records, read_records

BLOCK_BYTES = 4 << 20
"""Pages looked at together: few enough for the processor's cache, enough rows to be worth a numpy call."""

LEAST_CELL = 6
"""Bytes a row takes at least, with its cell pointer."""

MAX_FETCHED = 20_000
"""Rows on overflow pages above which SQLite reads the whole table faster."""

ROWID_NAMES = ("rowid", "_rowid_", "oid")

T = TypeVar("T")

Rows = list[tuple[Any, ...]]

Ask = Callable[[str, tuple[Any, ...]], Rows]
"""Asks SQLite; raises what sqlite3 raises."""

Group = tuple[NDArray[np.intp], Records]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a table's rows are stored: its columns in order, and which of them are not plain values."""

    table: str
    root: int
    columns: tuple[str, ...]
    alias: str | None
    """The column that is the rowid and stored nowhere else."""
    defaulted: frozenset[str]
    """Columns that read as something else than NULL in rows older than they are."""
    real: frozenset[str]
    """Columns whose stored integers are read as reals."""
    rowid: str
    """A name for the rowid that is no column."""
    rowids: int
    """From the first to the last rowid: rows there can be at most."""

    def place(self, column: str) -> int | None:
        """Where a column lies in a record; None is the rowid."""
        if column == self.alias or (column not in self.columns and column == "rowid"):
            return None
        return self.columns.index(column)


def read_layout(ask: Ask, table: str) -> Layout:
    """The layout of a table; raises Unusual for one that is stored otherwise, or that SQLite stumbles over."""
    try:
        return _layout(ask, table)
    except (sqlite3.Error, UnicodeError) as error:
        raise Unusual("schema") from error


def _layout(ask: Ask, table: str) -> Layout:
    roots = ask("SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    infos = ask("SELECT * FROM pragma_table_xinfo(?)", (table,))
    free = find_rowid_name([str(info[1]) for info in infos])
    if len(roots) != 1 or not isinstance(roots[0][0], int) or not free or any(info[6] for info in infos):
        raise Unusual("table")
    return Layout(
        table=table,
        root=roots[0][0],
        columns=tuple(info[1] for info in infos),
        alias=_alias(ask, table, infos),
        defaulted=frozenset(info[1] for info in infos if info[4] is not None),
        real=frozenset(info[1] for info in infos if _is_real(info[2])),
        rowid=free,
        rowids=_span(ask, table, free),
    )


def find_rowid_name(columns: Sequence[str]) -> str | None:
    """A name for the row id that no column has; None where columns took all of them."""
    taken = {name.lower() for name in columns}
    return next((name for name in ROWID_NAMES if name not in taken), None)


def _span(ask: Ask, table: str, rowid: str) -> int:
    name = quote_name(table)
    query = f"SELECT (SELECT min({rowid}) FROM {name}), (SELECT max({rowid}) FROM {name})"
    low, high = ask(query, ())[0]
    return 0 if low is None else max(0, high - low + 1)


def _alias(ask: Ask, table: str, infos: Rows) -> str | None:
    keys = [info for info in infos if info[5]]
    indexes = ask("SELECT origin FROM pragma_index_list(?)", (table,))
    if len(keys) != 1 or keys[0][2].upper() != "INTEGER" or ("pk",) in indexes:
        return None
    return str(keys[0][1])


def _is_real(declared: str) -> bool:
    """Whether a declared type has REAL affinity (sqlite.org/datatype3.html, 3.1)."""
    upper = declared.upper()
    others = ("INT", "CHAR", "CLOB", "TEXT", "BLOB")
    return any(word in upper for word in ("REAL", "FLOA", "DOUB")) and not any(w in upper for w in others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Generic[T]):
    """Rows of some pages, what was read from them, and the rows with a wanted value on other pages."""

    cells: Cells
    far: Ints
    decoded: T


@dataclass(frozen=True, slots=True, kw_only=True)
class TableScan:
    """Reads columns of one table; `fetch` asks SQLite for some columns of some rowids."""

    file: PageFile
    layout: Layout
    fetch: Callable[[Sequence[str], list[int]], Rows]

    def integers(self, columns: Sequence[str]) -> dict[str, IntColumn]:
        """Integer columns, all in rowid order."""
        return self.fold(columns, ())[0]

    def fold(self, columns: Sequence[str], folded: Sequence[str]) -> tuple[dict[str, IntColumn], Folded]:
        """Integer columns, and others of which few combinations occur; Unusual where those hold anything else."""
        rows = 0
        places = [self._stored(column) for column in folded]
        if set(folded) & self.layout.real:
            raise Unusual("integers read as reals")
        leaves = self.file.leaves(self.layout.root)
        capacity = min(self.layout.rowids, len(leaves) * (self.file.usable // LEAST_CELL))
        built = {name: ColumnBuilder(capacity) for name in columns}
        folder = Folder(tuple(folded), capacity if folded else 0)

        def decode(cells: Cells, groups: list[Group]) -> tuple[list[IntColumn], FoldedRows]:
            plain = [self._integers(name, cells, groups) for name in columns]
            return plain, _fold(groups, places) if places else FoldedRows()

        for block in self._blocks(leaves, [*columns, *folded], decode):
            rows += len(block.cells)
            if rows > capacity:
                raise Unusual("more rows than rowids")
            fetched = self._fetch(columns, block)
            plain, combinations = block.decoded
            for at, (name, column) in enumerate(zip(columns, plain, strict=True)):
                built[name].add(_with_fetched(column, block.far, [row[at] for row in fetched]))
            folder.add(combinations)
        return {name: column.finish() for name, column in built.items()}, (
            folder.finish() if folded else fold_columns({}, rows)
        )

    def reals(self, column: str) -> NDArray[np.float64]:
        """A numeric column, NaN where there is no number."""
        parts = [np.zeros(0)]
        place = self._stored(column)

        def decode(cells: Cells, groups: list[Group]) -> NDArray[np.float64]:
            part = np.full(len(cells), np.nan)
            for rows, records in groups:
                part[rows] = records.reals(place)
            return part

        for block in self._blocks(self.file.leaves(self.layout.root), [column], decode):
            values = [row[0] for row in self._fetch([column], block)]
            block.decoded[block.far] = [float(v) if isinstance(v, (int, float)) else np.nan for v in values]
            parts.append(block.decoded)
        return np.concatenate(parts)

    def text_column(self, column: str) -> TextColumn:
        """A text column, each distinct text once, what is no text as -1."""
        known: dict[bytes, int] = {}
        parts = [np.zeros(0, np.int32)]
        place = self._stored(column)

        def decode(cells: Cells, groups: list[Group]) -> tuple[Ints, Ints]:
            first, last = np.full(len(cells), -1), np.full(len(cells), -1)
            for group, records in groups:
                rows, begin, end = records.slices(place)
                first[group[rows]], last[group[rows]] = begin, end
            return first, last

        for block in self._blocks(self.file.leaves(self.layout.root), [column], decode):
            if len(block.far):
                raise Unusual("texts on overflow pages")
            first, last = block.decoded
            part = np.full(len(first), -1, np.int32)
            held = np.flatnonzero(first >= 0)
            part[held] = _codes(block.cells, first[held], last[held], known)
            parts.append(part)
        return _decode(np.concatenate(parts), known)

    def _blocks(
        self, leaves: Leaves, columns: Sequence[str], decode: Callable[[Cells, list[Group]], T]
    ) -> Iterator[Block[T]]:
        """Blocks of rows in order."""
        step = max(1, BLOCK_BYTES // self.file.page_size)
        book = HeaderBook(len(self.layout.columns))
        fetched = 0
        for first in range(0, len(leaves), step):
            part = leaves.part(first, first + step)
            block = self._block(part, columns, book, decode, root=len(leaves) == 1)
            fetched += len(block.far)
            if fetched > MAX_FETCHED:
                raise Unusual("many overflow pages")
            yield block

    def _block(
        self,
        leaves: Leaves,
        columns: Sequence[str],
        book: HeaderBook,
        decode: Callable[[Cells, list[Group]], T],
        *,
        root: bool,
    ) -> Block[T]:
        raw = self.file.read(leaves.numbers)
        cells = find_cells(raw, leaves, self.file.page_size, self.file.usable, root=root)
        groups = read_records(cells, book)
        self._check_stored(groups, columns)
        places = [p for p in map(self.layout.place, columns) if p is not None]
        far = [rows[~records.on_page(places)] for rows, records in groups] if places else []
        elsewhere = np.sort(np.concatenate([np.zeros(0, np.intp), *far])).astype(np.int64)
        return Block(cells=cells, far=elsewhere, decoded=decode(cells, groups))

    def _check_stored(self, groups: list[Group], columns: Sequence[str]) -> None:
        """Values that are not in the record must be those this scan knows: NULL, or the rowid."""
        for _, records in groups:
            for name in columns:
                place = self.layout.place(name)
                if name in self.layout.defaulted and place is not None:
                    if (records.types[:, place] == ABSENT).any():
                        raise Unusual("a default")
                elif name == self.layout.alias and records.types[:, self.layout.columns.index(name)].any():
                    raise Unusual("a rowid beside the rowid")

    def _integers(self, name: str, cells: Cells, groups: list[Group]) -> IntColumn:
        place = self.layout.place(name)
        if place is None:
            return IntColumn(values=cells.rowid)
        parts = [(rows, records.integers(place)) for rows, records in groups]
        column = parts[0][1] if len(parts) == 1 else interleave_columns(parts)
        return limit_column(column, EXACT_REAL) if name in self.layout.real else column

    def _fetch(self, columns: Sequence[str], block: Block[T]) -> Rows:
        return self.fetch(columns, block.cells.rowid[block.far].tolist()) if len(block.far) else []

    def _stored(self, column: str) -> int:
        place = self.layout.place(column)
        if place is None:
            raise Unusual("the rowid as another type")
        return place


def _fold(groups: list[Group], places: Sequence[int]) -> FoldedRows:
    """The combinations of a block's rows, group after group."""
    codes = np.empty(sum(len(rows) for rows, _ in groups), np.int32)
    combinations: list[Values] = []
    for rows, records in groups:
        code, found = records.combinations(places)
        codes[rows] = code + len(combinations)
        combinations += found
    return FoldedRows(codes=codes, combinations=combinations)


def _with_fetched(column: IntColumn, far: Ints, fetched: list[Any]) -> IntColumn:
    """The column with the values of some rows as SQLite gives them; their types were in their headers."""
    if not len(far) or column.values.strides == (0,):
        return column
    values = column.values.copy()
    values[far] = [exact_integer(v) or 0 for v in fetched]
    return IntColumn(values=values, valid=column.valid, foreign=column.foreign)


def _codes(cells: Cells, first: Ints, last: Ints, known: dict[bytes, int]) -> list[int]:
    """Codes of byte strings, new ones numbered on."""
    data = cells.raw.tobytes() if len(first) else b""
    return [
        known.setdefault(data[a:b], len(known)) for a, b in zip(first.tolist(), last.tolist(), strict=True)
    ]


def _decode(codes: NDArray[np.int32], known: dict[bytes, int]) -> TextColumn:
    """Texts from bytes; different invalid bytes may read as the same text, which then is one."""
    texts: dict[str, int] = {}
    merged = [texts.setdefault(raw.decode("utf-8", "replace"), len(texts)) for raw in known]
    table = np.array([*merged, -1], np.int32)
    return TextColumn(codes=table[codes], texts=tuple(texts))
