"""Tables that lie in several files, each table in one of them, read as if they lay in one."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..sqlite.columns import IntColumn, TextColumn
from ..sqlite.file import SqliteFile
from ..sqlite.folded import Folded
from ..sqlite.scan import TakePart
from ..sqlite.snapshot import Rows

SQLITE_SUFFIX, HDF_SUFFIX = ".sqlite", ".h5"

T = TypeVar("T")

NAMED = re.compile(r"\bFROM\s+\"?(\w+)", re.IGNORECASE)


class JoinedFile(SqliteFile):
    """SQLite and HDF5 files of one folder, opened together; a query may name tables of one file only."""

    chosen_here = True

    def __init__(self, paths: Sequence[Path]) -> None:
        """Open all of them, at least one, or raise TraceError as SqliteFile does."""
        self.path = paths[0].parent
        self._files: list[SqliteFile] = []
        try:
            for path in paths:
                self._files.append(open_file(path))
        except BaseException:
            self.close()
            raise
        self._home = {table: file for file in self._files for table in file.tables}
        self.tables = {table: file.tables[table] for table, file in self._home.items()}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files; raises TraceError when one was written to meanwhile."""
        try:
            for file in self._files:
                file.__exit__(kind, error, trace)
        finally:
            self.close()

    def close(self) -> None:
        """Close the files; closing twice is fine."""
        for file in self._files:
            file.close()

    def integers(self, table: str, columns: Sequence[str]) -> dict[str, IntColumn]:
        """As SqliteFile does."""
        return self._of(table).integers(table, columns)

    def fold(
        self, table: str, columns: Sequence[str], folded: Sequence[str]
    ) -> tuple[dict[str, IntColumn], Folded]:
        """As SqliteFile does."""
        return self._of(table).fold(table, columns, folded)

    def parts(self, table: str, columns: Sequence[str], folded: Sequence[str], take: TakePart[T]) -> list[T]:
        """As SqliteFile does."""
        return self._of(table).parts(table, columns, folded, take)

    def reals(self, table: str, column: str) -> NDArray[np.float64]:
        """As SqliteFile does."""
        return self._of(table).reals(table, column)

    def text_column(self, table: str, column: str) -> TextColumn:
        """As SqliteFile does."""
        return self._of(table).text_column(table, column)

    def texts(self, ids: Iterable[int]) -> dict[int, str]:
        """As SqliteFile does."""
        return self._of("StringIds").texts(ids)

    def rows(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """All rows of a query over one small table."""
        named = NAMED.search(sql)
        return self._of(named.group(1) if named else "").rows(sql, params)

    def count(self, table: str) -> int:
        """As SqliteFile does."""
        return self._of(table).count(table)

    def attach_to(self, connection: sqlite3.Connection, schema: str) -> None:
        """Several files are no schema of another connection."""
        raise NotImplementedError

    def _of(self, table: str) -> SqliteFile:
        """The file in which a table lies; of an unknown one any, which says that it has none."""
        return self._home.get(table, self._files[0])


def open_file(path: Path) -> SqliteFile:
    """A file of either kind. Raises TraceError."""
    if path.suffix != HDF_SUFFIX:
        return SqliteFile(path)
    from .hdf_file import HdfFile  # which needs a library that not everybody has

    return HdfFile(path)


def open_tables(path: Path) -> SqliteFile:
    """A SQLite file, or the files of a folder as one. Raises TraceError."""
    inside = sorted(path.iterdir()) if path.is_dir() else []
    parts = [one for one in inside if one.suffix in (SQLITE_SUFFIX, HDF_SUFFIX)]
    return JoinedFile(parts) if parts else SqliteFile(path)
