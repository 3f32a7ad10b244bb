"""Columns of a SQLite table out of the raw bytes of its leaf pages, many rows at a time.

A record is a header of type codes and the values without any gap. Rows of one table share few headers, so
headers are told apart as a whole, each distinct one is decoded once, and a column of all rows is then one
gather: eight bytes that end where the value ends, shifted by what does not belong to it.
https://www.sqlite.org/fileformat2.html#record_format
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .byte_words import Bytes, Ints, Words, load_words, number_distinct, varying_bits
from .cells import Cells
from .columns import IntColumn, constant
from .exact import exact_integers
from .folded import FoldedRows
from .unusual import Unusual

_T = TypeVar("_T", bound=np.generic)

ABSENT = -1
"""Type of a column that an old record does not have."""

REAL, ZERO, ONE = 7, 8, 9

KEPT_WORDS = 2
"""A word of each row takes a megabyte; columns are mostly asked for one after another."""

LENGTH_SHIFT = np.uint64(56)
"""What is left of a record's first word is its header's length."""

FIRST_TEXT = 13
"""Types of texts are odd, those of blobs even, from 12 on."""

WIDTHS = np.array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0], np.int64)
"""Bytes of a value by its type, up to ONE; 10 and 11 are reserved, from 12 on texts and blobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Rows with the distinct headers among them: `types` and `ends` are (headers, columns), `shape` per row."""

    cells: Cells
    shape: NDArray[np.intp]
    types: Ints
    ends: Ints
    """Byte after each value, counted from the record's first."""
    loaded: list[tuple[int, Ints]] = field(default_factory=list[tuple[int, Ints]])
    """The last few words that were loaded, and the column with which each ends."""

    def integers(self, column: int) -> IntColumn:
        """A column as integers: NULL, absent and other values are invalid, the other ones counted.

        Reals that are integers are read as such; Unusual for texts, of which SQLite reads those that are.
        """
        types = self.types[:, column]
        if ((types >= FIRST_TEXT) & (types % 2 == 1)).any():
            raise Unusual("texts where integers belong")
        if (types == types[0]).all() and not 0 < types[0] <= REAL:
            return self._constant(int(types[0]))
        values = self._numbers(column)
        known = (types > 0) & (types < REAL) | (types == ZERO) | (types == ONE)
        if (types == REAL).any():
            return self._with_reals(column, values, known.take(self.shape))
        if known.all():
            return IntColumn(values=values)
        other = ~known & (types > 0)
        foreign = int(other[self.shape].sum()) if other.any() else 0
        return IntColumn(values=values, valid=known.take(self.shape), foreign=foreign)

    def _numbers(self, column: int) -> Ints:
        """Integers as they are, reals by their bits, 0 for everything else."""
        types = self.types[:, column]
        stored = (types > 0) & (types <= REAL)
        values = self._shifted(column, np.where(stored, WIDTHS[np.clip(types, 0, ONE)], 0))
        if (types == ONE).any():
            values += (types == ONE).astype(np.int64).take(self.shape)
        return values

    def _with_reals(self, column: int, values: Ints, known: NDArray[np.bool_]) -> IntColumn:
        """The column with those of its reals that are integers, and without the others."""
        types = self.types[:, column]
        rows = np.flatnonzero((types == REAL).take(self.shape))
        if not self.on_page([column])[rows].all():
            raise Unusual("reals on overflow pages")
        reals = values[rows].view(np.float64)
        values[rows], known[rows] = exact_integers(reals)
        foreign = int((~known & (types > 0).take(self.shape)).sum()) - int(np.isnan(reals).sum())
        return IntColumn(values=values, valid=known, foreign=foreign)  # SQLite reads NaN as NULL

    def reals(self, column: int) -> NDArray[np.float64]:
        """A column as numbers, NaN where there is none."""
        types = self.types[:, column]
        numeric = (types > 0) & (types <= ONE)
        if not numeric.any():
            return np.full(len(self.cells), np.nan)
        values = self._numbers(column)
        numbers = np.where((types == REAL)[self.shape], values.view(np.float64), values.astype(np.float64))
        return np.where(numeric[self.shape], numbers, np.nan)

    def combinations(self, columns: Sequence[int]) -> FoldedRows:
        """For each row a code of its values in some columns, and the values of each code; Unusual for no integers.

        In the order in which they first appear. Told apart by the columns' values or by the header and their bytes,
        whichever is less to look at.
        """
        if self.cells.local is not self.cells.payload:
            raise Unusual("overflow pages")
        spans = [self._span(first, last) for first, last in _neighbours(columns)]
        if sum(-(-int(length.max()) // 8) for _, length in spans) < len(columns):
            words = [self.shape.astype(np.uint64)]
            words += [word for end, length in spans for word in self._words(end, length)]
        else:
            words = [word for column in columns for word in _column_words(self.integers(column))]
        codes, example = number_distinct(words)
        some = replace(self, cells=self.cells.take(example), shape=self.shape[example], loaded=[])
        found = [some.integers(column) for column in columns]
        if any(column.foreign for column in found):
            raise Unusual("values of another type")
        return FoldedRows(codes=codes, combinations=list(zip(*[c.to_list() for c in found], strict=True)))

    def _span(self, first: int, last: int) -> tuple[Ints, Ints]:
        """Where columns that follow each other end, and their bytes, by header."""
        end = self.ends[:, last]
        return end, end - self.ends[:, first] + _sizes(self.types[:, first])

    def _words(self, end: Ints, length: Ints) -> Iterator[Words]:
        """So many bytes up to an end as numbers, eight at a time from the end."""
        at = self.cells.record + self.by_row(end)
        for done in range(0, int(length.max()), 8):
            word = load_words(self.cells.raw, np.maximum(at - (done + 8), 0))
            other = np.clip(8 * (done + 8 - length), 0, 63).astype(np.uint64)  # bits of what comes before
            mask = np.where(length > done, ~np.uint64(0) >> other, np.uint64(0))
            yield word & self.by_row(mask)

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

    def _shifted(self, column: int, width: Ints) -> Ints:
        """Values of so many bytes with their sign; 0 where there are none, as 64 bits shifted away leave nothing."""
        word, behind = self._load(column, width)
        left, right = np.where(width > 0, 64 - 8 * (behind + width), 64), 64 - 8 * width
        by = self.by_row(right)
        values = np.left_shift(word, by if (left == right).all() else self.by_row(left))
        return np.right_shift(values, by, out=values)

    def _load(self, column: int, width: Ints) -> tuple[Ints, Ints]:
        """Eight bytes of each row that hold its value of a column, and how many of them come behind it, by header.

        Small values lie in one word with those beside them, which are mostly asked for next.
        """
        end = self.ends[:, column]
        if self.cells.local is not self.cells.payload:  # values on overflow pages, which the caller replaces
            at = np.clip(self.cells.record + self.by_row(end - 8), 0, len(self.cells.raw) - 8)
            return load_words(self.cells.raw, at).view(np.int64), np.zeros_like(end)
        for last, word in self.loaded:
            if last >= column and self._is_within(last, end - width):
                return word, self.ends[:, last] - end
        last = column
        while last + 1 < self.ends.shape[1] and self._is_within(last + 1, end - width):
            last += 1
        at = self.cells.record + self.by_row(self.ends[:, last] - 8)
        word = load_words(self.cells.raw, at).view(np.int64)
        self.loaded.append((last, word))
        del self.loaded[:-KEPT_WORDS]
        return word, self.ends[:, last] - end

    def _is_within(self, last: int, begin: Ints) -> bool:
        """Whether the eight bytes that end with a column begin early enough."""
        return bool((self.ends[:, last] - begin <= 8).all())


def read_records(cells: Cells, book: HeaderBook) -> list[tuple[NDArray[np.intp], Records]]:
    """The rows with their headers decoded, in groups of one header length, and the rows of each group."""
    if not len(cells):
        return []
    word = load_words(cells.raw, cells.record)
    lengths = word[:1] >> LENGTH_SHIFT
    if varying_bits(word) >> int(LENGTH_SHIFT):
        sizes = (word >> LENGTH_SHIFT).view(np.int64)
        lengths = np.flatnonzero(np.bincount(sizes))
        groups = [np.flatnonzero(sizes == length) for length in lengths]
    else:
        groups = [np.arange(len(cells))]
    found: list[tuple[NDArray[np.intp], Records]] = []
    for length, rows in zip(lengths.tolist(), groups, strict=True):
        mine = (cells.take(rows), word[rows]) if len(groups) > 1 else (cells, word)
        found.append((rows, _decode(*mine, length, book)))
    return found


def _decode(cells: Cells, word: Words, length: int, book: HeaderBook) -> Records:
    """Rows whose headers have one length; `word` begins with it."""
    if not 1 <= length <= 127 or cells.local.min() < length:
        raise Unusual("record header")
    shape, example = number_distinct(_header_words(cells, word, length))
    headers = cells.raw[cells.record[example][:, None] + np.arange(length)]
    types = book.types(headers)
    ends = length + np.cumsum(_sizes(types), axis=1)
    total = ends[:, -1]
    records = Records(cells=cells, shape=shape, types=types, ends=ends)
    if (records.by_row(total) != cells.payload).any():
        raise Unusual("record length")
    return records


def _header_words(cells: Cells, word: Words, length: int) -> list[Words]:
    """The bytes of headers as numbers, eight at a time, of which the first are there."""
    words = [word, *(load_words(cells.raw, cells.record + first) for first in range(8, length, 8))]
    if unused := -length % 8:
        words[-1] = words[-1] >> np.uint64(8 * unused)
    return words


def _neighbours(columns: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last of columns that follow each other."""
    places = np.unique(columns)
    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    return [(int(some[0]), int(some[-1])) for some in np.split(places, breaks)]


def _column_words(column: IntColumn) -> list[Words]:
    """A column's values as numbers, and whether they are some; Unusual for others than integers and NULL."""
    if column.foreign:
        raise Unusual("values of another type")
    values = column.values.view(np.uint64)
    return [values] if column.valid is None else [values, column.valid.astype(np.uint64)]


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
