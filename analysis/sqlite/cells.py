"""Where the rows of a SQLite table lie in the raw bytes of its leaf pages, many rows at a time.

A cell of a leaf page is two variable-length numbers, the size of its record and the row id, and the record.
https://www.sqlite.org/fileformat2.html#b_tree_pages
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pages import LEAST_ROWID, TABLE_LEAF, Bytes, Damaged, Leaves, Unusual, check_content

Ints = NDArray[np.int64]

Words = NDArray[np.uint64]

LEAF_HEADER = 8

LEAST_CELL = 4
"""Bytes a cell takes at least."""

OVERFLOW_POINTER = 4

HIGH_BITS = np.uint64(0x8080808080808080)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Where the rows of a block of leaf pages lie in it.

    `local` is the part of `payload` on the page, and the same array when no row has overflow pages.
    """

    raw: Bytes
    rowid: Ints
    record: Ints
    payload: Ints
    local: Ints

    def __len__(self) -> int:
        return len(self.record)

    def take(self, rows: Ints) -> Cells:
        """Some of the rows."""
        payload = self.payload[rows]
        whole = self.local is self.payload
        return Cells(
            raw=self.raw,
            rowid=self.rowid[rows],
            record=self.record[rows],
            payload=payload,
            local=payload if whole else self.local[rows],
        )


def find_cells(raw: Bytes, leaves: Leaves, page_size: int, usable: int, *, root: bool) -> Cells:
    """The rows of some leaf pages that lie one after another in `raw`; `root`: whether it is the only page.

    Raises Unusual for what is beyond this reader, Damaged for a page that contradicts itself or those above it.
    """
    base = np.arange(len(leaves), dtype=np.int64) * page_size
    counts = _load16(raw, base + 3)
    most = int(counts.max(initial=0))
    if (raw[base] != TABLE_LEAF).any() or most * 2 + LEAF_HEADER > usable:
        raise Unusual("leaf page")
    if not root and not counts.all():
        raise Damaged("a leaf without rows")
    slots = raw[: len(leaves) * page_size].reshape(-1, page_size)[:, LEAF_HEADER : LEAF_HEADER + 2 * most]
    pointer = np.ascontiguousarray(slots).view(">u2")[np.arange(most) < counts[:, None]]
    if len(pointer) and (pointer.min() < LEAF_HEADER or pointer.max() > usable - 4):
        raise Unusual("cell pointer")
    page = np.repeat(base, counts)
    cell = page + pointer
    payload, rowid, record = _cell_heads(raw, cell)
    local = _local_bytes(payload, usable)
    size = record - cell + local
    if local is not payload:
        size += np.where(payload > local, OVERFLOW_POINTER, 0)
    if (cell - page + size > usable).any() or int(local.sum()) + 2 * len(page) > len(leaves) * usable:
        raise Unusual("records beyond their page, or over each other")
    _check_pages(raw, base, counts, cell, size, usable)
    _check_order(rowid, counts, leaves)
    return Cells(raw=raw, rowid=rowid, record=record, payload=payload, local=local)


def _check_pages(raw: Bytes, base: Ints, counts: Ints, cell: Ints, size: Ints, usable: int) -> None:
    """What check_content checks, quickly for pages whose cells lie one below the other, as they are written."""
    first = np.cumsum(counts) - counts
    held = np.flatnonzero(counts)
    above, lowest = np.empty_like(cell), base + usable
    above[1:] = cell[:-1]
    above[first[held]] = lowest[held]
    lowest[held] = cell[first[held] + counts[held] - 1]
    content = _load16(raw, base + 5)
    content[content == 0] = 65536
    odd = (_load16(raw, base + 1) != 0) | (raw[base + 7] != 0) | (base + content != lowest)
    loose = np.maximum(size, LEAST_CELL) != above - cell
    if loose.any():
        odd[np.repeat(np.arange(len(base)), counts)[loose]] = True
    for at in np.flatnonzero(odd).tolist():
        rows = slice(int(first[at]), int(first[at] + counts[at]))
        page = raw[base[at] : base[at] + usable]
        check_content(page, usable, LEAF_HEADER, cell[rows] - base[at], size[rows])


def _check_order(rowid: Ints, counts: Ints, leaves: Leaves) -> None:
    """Row ids ascend from page to page, each within what the pages above say of its page."""
    if (rowid[1:] <= rowid[:-1]).any():
        raise Damaged("row ids out of order")
    held = np.flatnonzero(counts)
    last = np.cumsum(counts)[held] - 1
    least, greatest = rowid[last - counts[held] + 1], rowid[last]
    after, upto = leaves.after[held], leaves.upto[held]
    if ((least <= after) & (after != LEAST_ROWID)).any() or (greatest > upto).any():
        raise Damaged("row ids on another page than theirs")


def _cell_heads(raw: Bytes, cell: Ints) -> tuple[Ints, Ints, Ints]:
    """(payload, row id, place of the record): a cell is its payload, its row id and its record.

    Nearly all cells of a block begin with numbers as long as its first cell's, which is checked quickly.
    Raises Unusual for row ids of nine bytes, which are negative or astronomic.
    """
    word = load_words(raw, cell)
    one = _varint_lengths(word[:1])
    both = one + _second_lengths(raw, cell[:1] + one, word[:1], one)
    if len(word) and both[0] <= 8:
        first, second = int(one[0]), int(both[0])
        last = _high_bit(first - 1) | _high_bit(second - 1)
        looked_at = sum(map(_high_bit, range(second)))
        if ((word & np.uint64(looked_at)) == np.uint64(looked_at ^ last)).all():
            payload = _varints(word, one)
            word <<= np.uint64(8 * first)
            return payload, _varints(word, both - one), cell + second
    length = _varint_lengths(word)
    at = cell + length
    record = at + _second_lengths(raw, at, word, length)
    return _varints(word, length), _varints(load_words(raw, at), record - at), record


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
    import pandas as pd  # loaded while the file is digested

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
