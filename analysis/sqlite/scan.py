"""A scan of one SQLite table by its pages: about eight times as fast as asking SQLite for every value.

The scan gives what SQLite would give, or raises Unusual: then SQLite is asked after all, and it is SQLite that
says what is damaged. Rows with a wanted value on an overflow page are few, and SQLite is asked for those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .byte_words import Ints
from .cells import Cells, find_cells
from .columns import ColumnBuilder, IntColumn, TextColumn, interleave_columns, limit_column
from .exact import EXACT_REAL, exact_integer
from .folded import Folded, FoldedRows, Folder, Values, fold_columns
from .layout import Layout, Rows
from .pages import Leaves, PageFile
from .record_format import ABSENT, HeaderBook, Records, read_records
from .unusual import Unusual

BLOCK_BYTES = 4 << 20
"""Pages looked at together: few enough for the processor's cache, enough rows to be worth a numpy call."""

LEAST_CELL = 6
"""Bytes a row takes at least, with its cell pointer."""

THREADS = 2
"""Threads that read the parts of one table; more would wait for the interpreter."""

MAX_FETCHED = 20_000
"""Rows on overflow pages above which SQLite reads the whole table faster."""

T = TypeVar("T")

Group = tuple[NDArray[np.intp], Records]

TakePart = Callable[[dict[str, IntColumn], Folded], T]
"""What is made of some rows: of integer columns, and others of which few combinations occur."""


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
        capacity = self._capacity(leaves)
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

    def parts(self, columns: Sequence[str], folded: Sequence[str], take: TakePart[T]) -> list[tuple[int, T]]:
        """What `take` makes of each block of rows, in order, and how many they are; by two threads at once.

        Unusual where rows lie on overflow pages, or `folded` columns hold anything but integers.
        """
        if set(folded) & self.layout.real:
            raise Unusual("integers read as reals")
        places = [self._stored(column) for column in folded]
        leaves = self.file.leaves(self.layout.root)
        book = HeaderBook(len(self.layout.columns))

        def decode(cells: Cells, groups: list[Group]) -> T:
            if cells.local is not cells.payload:
                raise Unusual("overflow pages")
            plain = {name: self._integers(name, cells, groups) for name in columns}
            rows = _fold(groups, places)
            return take(
                plain,
                Folded(columns=tuple(folded), codes=rows.codes, combinations=tuple(rows.combinations)),
            )

        def read(some: Leaves) -> tuple[int, T]:
            block = self._block(some, [*columns, *folded], book, decode, root=len(leaves) == 1)
            return len(block.cells), block.decoded

        found = _map(read, self._split(leaves))
        if sum(rows for rows, _ in found) > self._capacity(leaves):
            raise Unusual("more rows than rowids")
        return found

    def _capacity(self, leaves: Leaves) -> int:
        """Rows there can be at most."""
        return min(self.layout.rowids, len(leaves) * (self.file.usable // LEAST_CELL))

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
        book = HeaderBook(len(self.layout.columns))
        fetched = 0
        for part in self._split(leaves):
            block = self._block(part, columns, book, decode, root=len(leaves) == 1)
            fetched += len(block.far)
            if fetched > MAX_FETCHED:
                raise Unusual("many overflow pages")
            yield block

    def _split(self, leaves: Leaves) -> list[Leaves]:
        """The pages of each block."""
        step = max(1, BLOCK_BYTES // self.file.page_size)
        return [leaves.part(first, first + step) for first in range(0, len(leaves), step)]

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
        apart = cells.local is not cells.payload and places
        far = [rows[~records.on_page(places)] for rows, records in groups] if apart else []
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


def _map(work: Callable[[Leaves], T], blocks: list[Leaves]) -> list[T]:
    """The results in order; numpy lets threads work at once."""
    if len(blocks) < 2:
        return [work(block) for block in blocks]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, blocks))


def _fold(groups: list[Group], places: Sequence[int]) -> FoldedRows:
    """The combinations of a block's rows, group after group; without columns they are all alike."""
    if not places:
        rows = sum(len(rows) for rows, _ in groups)
        return FoldedRows(codes=np.zeros(rows, np.int64), combinations=[()])
    found = [records.combinations(places) for _, records in groups]
    if len(found) == 1:
        return found[0]
    codes = np.empty(sum(len(rows) for rows, _ in groups), np.int64)
    combinations: list[Values] = []
    for (rows, _), one in zip(groups, found, strict=True):
        codes[rows] = one.codes + len(combinations)
        combinations += one.combinations
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
