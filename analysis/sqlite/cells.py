"""Where the rows of a SQLite table lie in the raw bytes of its leaf pages, many rows at a time.

A cell of a leaf page is two variable-length numbers, the size of its record and the row id, and the record.
https://www.sqlite.org/fileformat2.html#b_tree_pages
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .pages import TABLE_LEAF, Bytes, Unusual

Ints = NDArray[np.int64]

Words = NDArray[np.uint64]

LEAF_HEADER = 8

HIGH_BITS = np.uint64(0x8080808080808080)


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
        return _varints(load_words(self.raw, at), self.record[rows] - at)

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
    word = load_words(raw, cell)
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


def load_words(raw: Bytes, at: Ints) -> Words:
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
    return _varint_lengths(load_words(raw, at))


def _varints(word: Words, length: Ints) -> Ints:
    """The variable-length numbers that words begin with; one length may be that of all."""
    value = np.zeros(len(word), np.int64)
    for byte in range(int(length.max(initial=0))):
        part = (word >> np.uint64(56 - 8 * byte)).astype(np.int64) & 127
        value = value << 7 | part if len(length) == 1 else np.where(length > byte, value << 7 | part, value)
    return value
