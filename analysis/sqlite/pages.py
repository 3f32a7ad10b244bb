"""Pages of a SQLite file, read straight from the disk: the leaves of a table's b-tree, in order.

https://www.sqlite.org/fileformat2.html. Nothing in the file is trusted: what is out of bounds, visited twice,
or merely unusual raises Unusual, and the caller lets SQLite itself read the table. What contradicts itself
raises Damaged: SQLite must be asked about that even where it would read on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .byte_words import HIGH_BITS, Bytes, load_words, varint_lengths, varints
from .unusual import Damaged, Unusual

TABLE_LEAF, TABLE_INTERIOR = 0x0D, 0x05

HEADER_BYTES = 100

INTERIOR_HEADER = 12

MAX_DEPTH = 20

PAD_BYTES = 64
"""Bytes after the last page of a block, so that eight may be read from anywhere in it."""

LEAST_ROWID, LAST_ROWID = -(1 << 63), (1 << 63) - 1

Pages = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """The leaves of a table in the order of their row ids, with what the pages above say of those."""

    numbers: Pages
    after: Pages
    """Row ids of a leaf are greater than this, unless it is LEAST_ROWID."""
    upto: Pages
    """And none is greater than this."""

    def __len__(self) -> int:
        return len(self.numbers)

    def part(self, first: int, last: int) -> Leaves:
        """Some of them that follow each other."""
        some = slice(first, last)
        return Leaves(numbers=self.numbers[some], after=self.after[some], upto=self.upto[some])


class PageFile:
    """The pages of a database file of UTF-8 texts that an open descriptor belongs to; it is never closed here."""

    def __init__(self, descriptor: int) -> None:
        """Raises Unusual for a file that this reader must leave to SQLite."""
        self._descriptor = descriptor
        head = os.pread(descriptor, HEADER_BYTES, 0)
        if len(head) < HEADER_BYTES:
            raise Unusual("no header")
        size = int.from_bytes(head[16:18], "big")
        self.page_size = 65536 if size == 1 else size
        self.usable = self.page_size - head[20]
        if self.page_size < 512 or self.page_size & (self.page_size - 1) or self.usable < 480:
            raise Unusual("page size")
        if int.from_bytes(head[56:60], "big") != 1:
            raise Unusual("encoding")
        self.pages = os.fstat(descriptor).st_size // self.page_size
        if head[24:28] == head[92:96]:  # else an old writer left the number of pages as it was
            self.pages = min(self.pages, int.from_bytes(head[28:32], "big") or self.pages)

    def leaves(self, root: int) -> Leaves:
        """The leaves of the table rooted at page `root`, in rowid order."""
        seen = np.zeros(self.pages + 1, np.bool_)
        level = Leaves(
            numbers=np.array([root], np.int64), after=np.array([LEAST_ROWID]), upto=np.array([LAST_ROWID])
        )
        for _ in range(MAX_DEPTH):
            self._visit(level.numbers, seen)
            kind = self._kind(level.numbers)
            if kind == TABLE_LEAF:
                return level
            level = _join([self._children(level, at) for at in range(len(level))])
        raise Unusual("depth")

    def _visit(self, level: Pages, seen: NDArray[np.bool_]) -> None:
        if level.min() < 2 or level.max() > self.pages:
            raise Unusual("page number")
        if seen[level].any() or len(np.unique(level)) != len(level):
            raise Unusual("a page twice")
        seen[level] = True

    def _kind(self, level: Pages) -> int:
        """The kind of a level's pages, told by its first: b-trees are balanced, `leaf` cells check the rest."""
        kind = int(self.read(level[:1])[0])
        if kind not in (TABLE_LEAF, TABLE_INTERIOR):
            raise Unusual("page kind")
        return kind

    def _children(self, level: Leaves, at: int) -> Leaves:
        """The pages below one page, whose keys say up to which row id each of them goes."""
        raw = self.read(level.numbers[at : at + 1])
        cells = int(raw[3]) << 8 | int(raw[4])
        if raw[0] != TABLE_INTERIOR or INTERIOR_HEADER + 2 * cells > self.usable:
            raise Unusual("interior page")
        if not cells:
            raise Damaged("an interior page with a single page below it")
        slots = np.arange(cells) * 2 + INTERIOR_HEADER
        pointer = raw[slots].astype(np.int64) << 8 | raw[slots + 1]
        if pointer.min() < INTERIOR_HEADER + 2 * cells or pointer.max() > self.usable - 5:
            raise Unusual("interior cell")
        keys, size = _read_keys(raw, pointer + 4)
        check_content(raw, self.usable, INTERIOR_HEADER, pointer, size + 4)
        bounds = np.concatenate([level.after[at : at + 1], keys, level.upto[at : at + 1]])
        if (keys[1:] <= keys[:-1]).any() or keys[0] < bounds[0] or keys[-1] > bounds[-1]:
            raise Damaged("keys out of order")
        return Leaves(numbers=_big_endian(raw, np.append(pointer, 8)), after=bounds[:-1], upto=bounds[1:])

    def read(self, numbers: Pages) -> Bytes:
        """The bytes of some pages one after another, and PAD_BYTES of zeros."""
        block = np.empty(len(numbers) * self.page_size + PAD_BYTES, np.uint8)
        block[-PAD_BYTES:] = 0
        view = block.data
        for first, last in _runs(numbers):
            offset = (int(numbers[first]) - 1) * self.page_size
            self._fill(view[first * self.page_size : last * self.page_size], offset)
        return block

    def _fill(self, view: memoryview, offset: int) -> None:
        while view:
            try:
                count = os.preadv(self._descriptor, [view], offset)  # several threads read at once
            except OSError as error:
                raise Unusual("cannot be read") from error
            if not count:
                raise Unusual("short file")
            view, offset = view[count:], offset + count


def check_content(page: Bytes, usable: int, header: int, cell: Pages, size: Pages) -> None:
    """Raise Damaged unless a page's cells and free blocks fill it from where its content begins, and none twice.

    What they leave free are fragments, of which the page knows how many bytes there are: SQLite's own integrity
    check. A number of cells that is not the right one shows here.
    """
    content = (int(page[5]) << 8 | int(page[6])) or 65536
    free = _free_blocks(page, usable)
    begin = np.concatenate([cell, [block for block, _ in free]]).astype(np.int64)
    end = begin + np.concatenate([np.maximum(size, 4), [length for _, length in free]]).astype(np.int64)
    order = np.argsort(begin, kind="stable")
    limits = np.append(content, end[order]), np.append(begin[order], usable)
    between = limits[1] - limits[0]
    if content < header + 2 * len(cell) or between.min() < 0 or int(between.sum()) != int(page[7]):
        raise Damaged("cells and free blocks do not fill their page")


def _free_blocks(page: Bytes, usable: int) -> list[tuple[int, int]]:
    """(place, length) of each; they come in order."""
    found: list[tuple[int, int]] = []
    place, least = int(page[1]) << 8 | int(page[2]), 1
    while place:
        if not least <= place <= usable - 4:
            raise Damaged("free block")
        following, length = (int(page[place + at]) << 8 | int(page[place + at + 1]) for at in (0, 2))
        found.append((place, length))
        place, least = following, place + max(length, 4)
    return found


def _read_keys(page: Bytes, at: Pages) -> tuple[Pages, Pages]:
    """The variable-length numbers at some places, and the bytes of each."""
    word = load_words(page, at)
    if not ((word & HIGH_BITS) == HIGH_BITS).any():
        size = varint_lengths(word)
        return varints(word, size), size
    found = np.array([_read_key(page, int(place)) for place in at], np.int64)
    return found[:, 0], found[:, 1]


def _read_key(page: Bytes, at: int) -> tuple[int, int]:
    """One of them, which may have nine bytes."""
    value = 0
    for count in range(1, 10):
        byte = int(page[at + count - 1])
        if count == 9:
            return _signed(value << 8 | byte), 9
        value = value << 7 | byte & 127
        if byte < 128:
            return value, count
    raise AssertionError


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _join(parts: list[Leaves]) -> Leaves:
    return Leaves(
        numbers=np.concatenate([part.numbers for part in parts]),
        after=np.concatenate([part.after for part in parts]),
        upto=np.concatenate([part.upto for part in parts]),
    )


def _runs(numbers: Pages) -> Iterator[tuple[int, int]]:
    """Ranges of places whose page numbers follow each other, so that one read fetches them."""
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    return zip([0, *breaks.tolist()], [*breaks.tolist(), len(numbers)], strict=True)


def _big_endian(raw: Bytes, at: Pages) -> Pages:
    """32-bit numbers at some places."""
    value = np.zeros(len(at), np.int64)
    for byte in range(4):
        value = value << 8 | raw[at + byte]
    return value
