"""Pages of a SQLite file, read straight from the disk: the leaves of a table's b-tree, in order.

https://www.sqlite.org/fileformat2.html. Nothing in the file is trusted: what is out of bounds, visited twice,
or merely unusual raises Unusual, and the caller lets SQLite itself read the table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

TABLE_LEAF, TABLE_INTERIOR = 0x0D, 0x05

HEADER_BYTES = 100

INTERIOR_HEADER = 12

MAX_DEPTH = 20

PAD_BYTES = 64
"""Bytes after the last page of a block, so that eight may be read from anywhere in it."""

Bytes = NDArray[np.uint8]

Pages = NDArray[np.int64]


class Unusual(Exception):
    """Not what this reader understands; SQLite must decide whether it is damage."""


class PageFile:
    """A database file of UTF-8 texts without a journal, opened for reading pages; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open `path`; raises Unusual for what this reader must leave to SQLite, OSError as open does."""
        for suffix in ("-wal", "-journal"):
            other = path.with_name(path.name + suffix)
            if other.exists() and other.stat().st_size:
                raise Unusual(f"{suffix} beside it")
        self._file = path.open("rb", buffering=0)
        try:
            self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> PageFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._file.close()

    def _read_header(self) -> None:
        head = self._file.read(HEADER_BYTES)
        if len(head) < HEADER_BYTES:
            raise Unusual("no header")
        size = int.from_bytes(head[16:18], "big")
        self.page_size = 65536 if size == 1 else size
        self.usable = self.page_size - head[20]
        if self.page_size < 512 or self.page_size & (self.page_size - 1) or self.usable < 480:
            raise Unusual("page size")
        if int.from_bytes(head[56:60], "big") != 1:
            raise Unusual("encoding")
        self.pages = self._file.seek(0, 2) // self.page_size
        self._stamp = head[24:28]

    def check_unchanged(self) -> None:
        """Raise Unusual when somebody wrote to the file since it was opened."""
        self._file.seek(24)
        if self._file.read(4) != self._stamp or self._file.seek(0, 2) // self.page_size != self.pages:
            raise Unusual("changed while it was read")

    def leaves(self, root: int) -> Pages:
        """Page numbers of the leaves of the table rooted at page `root`, in rowid order."""
        seen = np.zeros(self.pages + 1, np.bool_)
        level = np.array([root], np.int64)
        for _ in range(MAX_DEPTH):
            self._visit(level, seen)
            kind = self._kind(level)
            if kind == TABLE_LEAF:
                return level
            level = np.concatenate([self._children(int(page)) for page in level])
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

    def _children(self, page: int) -> Pages:
        raw = self.read(np.array([page], np.int64))
        cells = int(raw[3]) << 8 | int(raw[4])
        if raw[0] != TABLE_INTERIOR or INTERIOR_HEADER + 2 * cells > self.usable:
            raise Unusual("interior page")
        at = np.arange(cells) * 2 + INTERIOR_HEADER
        pointer = raw[at].astype(np.int64) << 8 | raw[at + 1]
        if cells and (pointer.min() < INTERIOR_HEADER + 2 * cells or pointer.max() > self.usable - 5):
            raise Unusual("interior cell")
        return _big_endian(raw, np.append(pointer, 8))

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
                count = os.preadv(self._file.fileno(), [view], offset)  # several threads read at once
            except OSError as error:
                raise Unusual("cannot be read") from error
            if not count:
                raise Unusual("short file")
            view, offset = view[count:], offset + count


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
