"""Where the rows of a SQLite table lie in the raw bytes of its leaf pages, many rows at a time.

A cell of a leaf page is two variable-length numbers, the size of its record and the row id, and the record.
https://www.sqlite.org/fileformat2.html#b_tree_pages
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .byte_words import Bytes, Ints, Words, load16, load_words, varint_lengths, varints
from .pages import LEAST_ROWID, TABLE_LEAF, Leaves, check_content
from .unusual import Damaged, Unusual

LEAF_HEADER = 8

LEAST_CELL = 4
"""Bytes a cell takes at least."""

OVERFLOW_POINTER = 4


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
    counts = load16(raw, base + 3)
    most = int(counts.max(initial=0))
    if (raw[base] != TABLE_LEAF).any() or most * 2 + LEAF_HEADER > usable:
        raise Unusual("leaf page")
    if not root and not counts.all():
        raise Damaged("a leaf without rows")
    slots = raw[: len(leaves) * page_size].reshape(-1, page_size)[:, LEAF_HEADER : LEAF_HEADER + 2 * most]
    every = np.ascontiguousarray(slots).view(">u2")
    pointer = every[np.arange(most) < counts[:, None]].astype(np.int64)
    if len(pointer) and (pointer.min() < LEAF_HEADER or pointer.max() > usable - 4):
        raise Unusual("cell pointer")
    cell = np.repeat(base, counts)
    cell += pointer
    payload, rowid, head = _cell_heads(raw, cell)
    local = _local_bytes(payload, usable)
    size = local + head
    if local is not payload:
        size += np.where(payload > local, OVERFLOW_POINTER, 0)
    pointer += size
    if pointer.max(initial=0) > usable or int(local.sum()) + 2 * len(cell) > len(leaves) * usable:
        raise Unusual("records beyond their page, or over each other")
    _check_pages(raw, base, counts, cell, size, usable)
    _check_order(rowid, counts, leaves)
    return Cells(raw=raw, rowid=rowid, record=cell + head, payload=payload, local=local)


def _check_pages(raw: Bytes, base: Ints, counts: Ints, cell: Ints, size: Ints, usable: int) -> None:
    """What check_content checks, quickly for pages whose cells lie one below the other, as they are written."""
    first = np.cumsum(counts) - counts
    held = np.flatnonzero(counts)
    above, lowest = np.empty_like(cell), base + usable
    above[1:] = cell[:-1]
    above[first[held]] = lowest[held]
    lowest[held] = cell[first[held] + counts[held] - 1]
    content = load16(raw, base + 5)
    content[content == 0] = 65536
    odd = (load16(raw, base + 1) != 0) | (raw[base + 7] != 0) | (base + content != lowest)
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
    """(payload, row id, bytes before the record): a cell is its payload, its row id and its record.

    Nearly all cells of a block begin with numbers as long as its first cell's, which is checked quickly; then
    one number of bytes is that of all. Raises Unusual for row ids of nine bytes, which are negative or astronomic.
    """
    word = load_words(raw, cell)
    one = varint_lengths(word[:1])
    both = one + _second_lengths(raw, cell[:1] + one, word[:1], one)
    if len(word) and both[0] <= 8:
        first, second = int(one[0]), int(both[0])
        last = _high_bit(first - 1) | _high_bit(second - 1)
        looked_at = sum(map(_high_bit, range(second)))
        if ((word & np.uint64(looked_at)) == np.uint64(looked_at ^ last)).all():
            payload = varints(word, one)
            word <<= np.uint64(8 * first)
            return payload, varints(word, both - one), both
    length = varint_lengths(word)
    at = cell + length
    further = _second_lengths(raw, at, word, length)
    return varints(word, length), varints(load_words(raw, at), further), length + further


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


def _second_lengths(raw: Bytes, at: Ints, word: Words, first: Ints) -> Ints:
    """Bytes of the number after a first one of `first` bytes; mostly both are in one word."""
    length = varint_lengths(word << (first << 3).astype(np.uint64))
    if (length + first <= 8).all():
        return length
    return varint_lengths(load_words(raw, at))
