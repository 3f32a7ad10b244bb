"""Columns of a SQLite table out of the raw bytes of its leaf pages, many rows at a time.

A record is a header of type codes and the values without any gap. Rows of one table share few headers, so
headers are told apart as a whole, each distinct one is decoded once, and a column of all rows is then one
gather: eight bytes that end where the value ends, shifted by what does not belong to it.
https://www.sqlite.org/fileformat2.html#record_format
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .columns import IntColumn, constant
from .folded import Values
from .sqlite_pages import TABLE_LEAF, Bytes, Unusual

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
_T = TypeVar("_T", bound=np.generic)

LEAF_HEADER = 8
ABSENT = -1
"""Type of a column that an old record does not have."""
REAL, ZERO, ONE = 7, 8, 9
FIRST_TEXT = 13
"""Types of texts are odd, those of blobs even, from 12 on."""
WIDTHS = np.array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0], np.int64)
"""Bytes of a value by its type, up to ONE; 10 and 11 are reserved, from 12 on texts and blobs."""
HIGH_BITS = np.uint64(0x8080808080808080)
MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Where the rows of a block of leaf pages lie in it.

    `local` is the part of `payload` on the page, and the same array when no row has overflow pages.
    """

    raw: Bytes
    rowid_at: Ints
    record: Ints
    payload: Ints
    local: Ints

    def __len__(self) -> int:
        return len(self.record)

    def rowids(self, rows: Ints | slice = slice(None)) -> Ints:
        """Row ids; Unusual for those of nine bytes, which are negative or astronomic."""
        at = self.rowid_at[rows]
        return _varints(_load(self.raw, at), self.record[rows] - at)

    def take(self, rows: Ints) -> Cells:
        """Some of the rows."""
        payload = self.payload[rows]
        whole = self.local is self.payload
        return Cells(
            raw=self.raw,
            rowid_at=self.rowid_at[rows],
            record=self.record[rows],
            payload=payload,
            local=payload if whole else self.local[rows],
        )


def find_cells(raw: Bytes, pages: int, page_size: int, usable: int) -> Cells:
    """The rows of `pages` leaf pages that lie one after another in `raw`."""
    base = np.arange(pages, dtype=np.int64) * page_size
    counts = _load16(raw, base + 3)
    most = int(counts.max(initial=0))
    if (raw[base] != TABLE_LEAF).any() or most * 2 + LEAF_HEADER > usable:
        raise Unusual("leaf page")
    slots = raw[: pages * page_size].reshape(pages, page_size)[:, LEAF_HEADER : LEAF_HEADER + 2 * most]
    pointer = np.ascontiguousarray(slots).view(">u2")[np.arange(most) < counts[:, None]]
    if len(pointer) and (pointer.min() < LEAF_HEADER or pointer.max() > usable - 4):
        raise Unusual("cell pointer")
    page = np.repeat(base, counts)
    payload, rowid_at, record = _cell_heads(raw, page + pointer)
    local = _local_bytes(payload, usable)
    if (record - page + local > usable).any() or int(local.sum()) + 2 * len(page) > pages * usable:
        raise Unusual("records beyond their page, or over each other")
    return Cells(raw=raw, rowid_at=rowid_at, record=record, payload=payload, local=local)


def _cell_heads(raw: Bytes, cell: Ints) -> tuple[Ints, Ints, Ints]:
    """(payload, place of the row id, place of the record): a cell is its payload, its row id and its record.

    Nearly all cells of a block begin with numbers as long as its first cell's, which is checked quickly.
    """
    word = _load(raw, cell)
    one = _varint_lengths(word[:1])
    both = one + _second_lengths(raw, cell[:1] + one, word[:1], one)
    if len(word) and both[0] <= 8:
        first, second = int(one[0]), int(both[0])
        last = _high_bit(first - 1) | _high_bit(second - 1)
        looked_at = sum(map(_high_bit, range(second)))
        if ((word & np.uint64(looked_at)) == np.uint64(looked_at ^ last)).all():
            return _varints(word, one), cell + first, cell + second
    length = _varint_lengths(word)
    rowid_at = cell + length
    return _varints(word, length), rowid_at, rowid_at + _second_lengths(raw, rowid_at, word, length)


def _high_bit(byte: int) -> int:
    """The highest bit of a byte of a word."""
    return 1 << 63 - 8 * byte


def _local_bytes(payload: Ints, usable: int) -> Ints:
    """How much of each record is on its leaf; the rest is on overflow pages."""
    most = usable - 35
    if payload.max(initial=0) <= most:
        return payload
    least = (usable - 12) * 32 // 255 - 23
    kept = least + (payload - least) % (usable - 4)
    return np.where(payload <= most, payload, np.where(kept <= most, kept, least))


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Rows with the distinct headers among them: `types` and `ends` are (headers, columns), `shape` per row."""

    cells: Cells
    shape: NDArray[np.intp]
    types: Ints
    ends: Ints
    """Byte after each value, counted from the record's first."""

    def integers(self, column: int) -> IntColumn:
        """A column as integers: NULL, absent and other values are invalid, the other ones counted."""
        types = self.types[:, column]
        if (types == types[0]).all() and not 0 < types[0] < REAL:
            return self._constant(int(types[0]))
        width = WIDTHS[np.clip(types, 0, ONE)]
        stored = (types > 0) & (types < REAL)
        known = stored | (types == ZERO) | (types == ONE)
        shift = np.where(stored, 64 - 8 * width, 0)
        values = self._shifted(column, shift)
        if not stored.all():
            fixed = np.where(types == ONE, 1, 0)
            values = np.where(stored.take(self.shape), values, fixed.take(self.shape))
        if known.all():
            return IntColumn(values=values)
        other = ~known & (types > 0)
        foreign = int(other[self.shape].sum()) if other.any() else 0
        return IntColumn(values=values, valid=known.take(self.shape), foreign=foreign)

    def reals(self, column: int) -> NDArray[np.float64]:
        """A column as numbers, NaN where there is none."""
        types = self.types[:, column]
        numeric = (types > 0) & (types <= ONE)
        if not numeric.any():
            return np.full(len(self.cells), np.nan)
        ints = self.integers(column).values.astype(np.float64)
        if not (types == REAL).any():
            return np.where(numeric[self.shape], ints, np.nan)
        bits = self._shifted(column, np.zeros(len(types), np.int64)).view(np.float64)
        numbers = np.where((types == REAL)[self.shape], bits, ints)
        return np.where(numeric[self.shape], numbers, np.nan)

    def combinations(self, columns: Sequence[int]) -> tuple[NDArray[np.intp], list[Values]]:
        """For each row a code of its values in some columns, and the values of each code; Unusual for no integers.

        Told apart by the header and the bytes of the columns; those that lie side by side are looked at together.
        """
        if self.cells.local is not self.cells.payload:
            raise Unusual("overflow pages")
        words = [self.shape.astype(np.uint64)]
        for first, last in _neighbours(columns):
            words += self._words(first, last)
        codes, example = _first_of_each(words)
        some = replace(self, cells=self.cells.take(example), shape=self.shape[example])
        found = [some.integers(column) for column in columns]
        if any(column.foreign for column in found):
            raise Unusual("values of another type")
        return codes, list(zip(*[column.to_list() for column in found], strict=True))

    def _words(self, first: int, last: int) -> Iterator[Words]:
        """The bytes from one column to another as numbers, eight at a time from the end."""
        length = self.ends[:, last] - self.ends[:, first] + _sizes(self.types[:, first])
        end = self.cells.record + self.by_row(self.ends[:, last])
        for done in range(0, int(length.max(initial=0)), 8):
            word = _load(self.cells.raw, np.maximum(end - (done + 8), 0))
            other = np.clip(8 * (done + 8 - length), 0, 63).astype(np.uint64)  # bits of what comes before
            mask = np.where(length > done, ~np.uint64(0) >> other, np.uint64(0))
            yield word & self.by_row(mask)

    def filled(self, column: int) -> int:
        """Rows with a value in a column."""
        return int((self.types[:, column] > 0)[self.shape].sum())

    def slices(self, column: int) -> tuple[Ints, Ints, Ints]:
        """Rows of a column that hold texts, and where each begins and ends in the block."""
        types = self.types[:, column]
        rows = np.flatnonzero((types >= FIRST_TEXT)[self.shape] & (types % 2 == 1)[self.shape])
        shape = self.shape[rows]
        end = self.cells.record[rows] + self.ends[shape, column]
        return rows, end - _sizes(types)[shape], end

    def on_page(self, columns: Sequence[int]) -> NDArray[np.bool_]:
        """Rows whose values of some columns are all on the leaf page."""
        sized = self.types[:, columns] > 0
        need = np.where(sized, self.ends[:, columns], 0).max(axis=1, initial=0)
        return need[self.shape] <= self.cells.local

    def _constant(self, kind: int) -> IntColumn:
        rows = len(self.cells)
        if kind in (ZERO, ONE):
            return constant(kind - ZERO, rows)
        return constant(0, rows, known=False, foreign=rows if kind > 0 else 0)

    def by_row(self, values: NDArray[_T]) -> NDArray[_T]:
        """Values of headers for every row; one for all where they are equal."""
        return values[:1] if (values == values[0]).all() else values.take(self.shape)

    def _shifted(self, column: int, shift: Ints) -> Ints:
        at = self.cells.record + self.by_row(self.ends[:, column] - 8)
        if self.cells.local is not self.cells.payload:  # values on overflow pages, which the caller replaces
            at = np.clip(at, 0, len(self.cells.raw) - 8)
        values = _load(self.cells.raw, at).view(np.int64)
        by = self.by_row(shift)
        np.left_shift(values, by, out=values)
        return np.right_shift(values, by, out=values)


def read_records(cells: Cells, book: HeaderBook) -> list[tuple[NDArray[np.intp], Records]]:
    """The rows with their headers decoded, in groups of one header length, and the rows of each group."""
    if not len(cells):
        return []
    sizes = cells.raw[cells.record]
    if sizes.max() > 127 or (sizes > cells.local).any() or sizes.min() < 1:
        raise Unusual("record header")
    lengths = sizes[:1] if (sizes == sizes[0]).all() else np.flatnonzero(np.bincount(sizes))
    if len(lengths) == 1:
        return [(np.arange(len(cells)), _decode(cells, int(lengths[0]), book))]
    groups = [np.flatnonzero(sizes == length) for length in lengths]
    return [(rows, _decode(cells.take(rows), int(n), book)) for n, rows in zip(lengths, groups, strict=True)]


def _decode(cells: Cells, length: int, book: HeaderBook) -> Records:
    shape, example = _distinct_headers(cells, length)
    headers = cells.raw[cells.record[example][:, None] + np.arange(length)]
    types = book.types(headers)
    ends = length + np.cumsum(_sizes(types), axis=1)
    total = ends[:, -1]
    records = Records(cells=cells, shape=shape, types=types, ends=ends)
    if (records.by_row(total) != cells.payload).any():
        raise Unusual("record length")
    return records


def _distinct_headers(cells: Cells, length: int) -> tuple[NDArray[np.intp], Ints]:
    """Which of the distinct headers each row has, and for each of those one row that has it."""
    words = []
    for first in range(1, max(length, 2), 8):  # their own length, which comes first, is the same
        word = _load(cells.raw, cells.record + first)
        unused = 8 * min(7, max(0, first + 8 - length))
        words.append(word >> np.uint64(unused) if unused else word)
    return _first_of_each(words)


def _neighbours(columns: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last of columns that follow each other."""
    places = np.unique(columns)
    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    return [(int(some[0]), int(some[-1])) for some in np.split(places, breaks)]


def _first_of_each(words: Sequence[Words]) -> tuple[NDArray[np.intp], Ints]:
    """A code for each combination of words, in the order in which they first appear, and one row of each code."""
    digest = words[0]
    for word in words[1:]:
        digest = (digest * MIX) ^ (digest >> np.uint64(29)) ^ word
    code, distinct = pd.factorize(digest)
    example = np.zeros(len(distinct), np.int64)
    example[code] = np.arange(len(code))
    if len(words) > 1 and any((word != word[example].take(code)).any() for word in words):
        raise Unusual("two combinations with one digest")
    return code, example


class HeaderBook:
    """The type codes of every distinct header of a table that was seen so far: there are few."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._known: dict[bytes, list[int]] = {}

    def types(self, headers: Bytes) -> Ints:
        """Type codes (headers, columns) of some headers of equal length."""
        found = [self._types(header.tobytes()) for header in headers]
        return np.array(found, np.int64).reshape(len(headers), self.columns)

    def _types(self, header: bytes) -> list[int]:
        known = self._known.get(header)
        if known is None:
            known = self._known[header] = decode_header(header, self.columns)
        return known


def decode_header(header: bytes, columns: int) -> list[int]:
    """The type code of each column; ABSENT from where the header ends."""
    types: list[int] = []
    value = 0
    for byte in header[1:]:  # the first is the header's length
        value = value << 7 | byte & 127
        if byte < 128:
            types.append(value)
            value = 0
    if header[-1] > 127 or len(types) > columns or max(types, default=0) >> 35 or {10, 11} & set(types):
        raise Unusual("record header")
    return types + [ABSENT] * (columns - len(types))


def _sizes(types: Ints) -> Ints:
    return np.where(types >= 12, types - 12 >> 1, WIDTHS[np.clip(types, 0, ONE)])


def _load(raw: Bytes, at: Ints) -> Words:
    """Eight bytes from each place as a big-endian number; places need not be aligned."""
    return (
        _gather(np.ndarray((len(raw) - 7,), np.int64, raw, 0, (1,)), at)
        .view(np.uint64)
        .byteswap(inplace=True)
    )


def _load16(raw: Bytes, at: Ints) -> Ints:
    windows = np.ndarray((len(raw) - 1,), np.int16, raw, 0, (1,))
    return _gather(windows, at).view(np.uint16).byteswap(inplace=True).astype(np.int64)


def _gather(windows: NDArray[Any], at: Ints) -> NDArray[Any]:
    """Numbers from places that need not be aligned, of which numpy's own indexing takes thrice the time."""
    return np.asarray(pd.api.extensions.take(windows, at, allow_fill=True))


def _varint_lengths(word: Words) -> Ints:
    """Bytes of the variable-length number that each word begins with: up to the first without its high bit."""
    last = (~word & HIGH_BITS) >> np.uint64(7)
    if not last.all():
        raise Unusual("a number of nine bytes")
    exponent = (last.astype(np.int64).astype(np.float64).view(np.int64) >> 52) - 1023
    return 8 - (exponent >> 3)


def _second_lengths(raw: Bytes, at: Ints, word: Words, first: Ints) -> Ints:
    """Bytes of the number after a first one of `first` bytes; mostly both are in one word."""
    length = _varint_lengths(word << (first << 3).astype(np.uint64))
    if (length + first <= 8).all():
        return length
    return _varint_lengths(_load(raw, at))


def _varints(word: Words, length: Ints) -> Ints:
    """The variable-length numbers that words begin with; one length may be that of all."""
    value = np.zeros(len(word), np.int64)
    for byte in range(int(length.max(initial=0))):
        part = (word >> np.uint64(56 - 8 * byte)).astype(np.int64) & 127
        value = value << 7 | part if len(length) == 1 else np.where(length > byte, value << 7 | part, value)
    return value
