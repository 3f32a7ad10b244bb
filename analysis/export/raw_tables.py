"""Tables of an Nsight Systems export by declared columns.

A table exists only if it has rows, columns come and go with the version: what a table must have and what it may
have is said by its reader. A missing table is no rows; a missing required column is a TraceError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from ..arithmetic.arrays import Bools, Ints
from ..errors import TraceError
from ..sqlite.columns import IntColumn
from ..sqlite.file import SqliteFile
from ..sqlite.folded import Folded, fold_columns

T = TypeVar("T")


class ColumnMissing(TraceError):
    """A table lacks a column without which it says nothing."""

    def __init__(self, file: SqliteFile, table: str, column: str, schema: str) -> None:
        super().__init__(
            file.path,
            f"{table} has no column {column} (schema {schema}); export it again with the newest nsys export",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Integer columns of one table; all have `rows` values."""

    name: str
    rows: int
    columns: dict[str, IntColumn] = field(default_factory=dict)
    folded: Folded = field(default_factory=lambda: fold_columns({}, 0))

    def has(self, column: str) -> bool:
        """Whether the export has this column."""
        return column in self.columns

    def values(self, column: str, default: int) -> Ints:
        """A column with `default` where it is missing or NULL."""
        found = self.columns.get(column)
        if found is None:
            return np.full(self.rows, default, np.int64)
        return found.values if found.valid is None else np.where(found.valid, found.values, default)

    def known(self, column: str) -> Bools:
        """Where a column has a value."""
        found = self.columns.get(column)
        if found is None:
            return np.zeros(self.rows, np.bool_)
        return np.ones(self.rows, np.bool_) if found.valid is None else found.valid

    @property
    def foreign(self) -> int:
        """Values that are neither integer nor NULL where an integer belongs."""
        return self.folded.foreign + sum(column.foreign for column in self.columns.values())


def read_table(
    file: SqliteFile,
    name: str,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    folded: Collection[str] = (),
    schema: str,
) -> Table:
    """The columns of a table that the file has, an empty Table when it has none.

    `folded` ones are optional too unless they are among the required. Raises ColumnMissing for a required one;
    ``a|b`` requires one of both.
    """
    if name not in file.tables:
        return Table(name=name, rows=0)
    present = _present(file, name, required, [*optional, *folded], schema)
    plain, some = [c for c in present if c not in folded], [c for c in folded if c in present]
    columns, combinations = file.fold(name, plain, some)
    return Table(name=name, rows=len(next(iter(columns.values()))), columns=columns, folded=combinations)


def read_parts(
    file: SqliteFile,
    name: str,
    required: Sequence[str],
    take: Callable[[Table], T],
    *,
    folded: Collection[str],
    schema: str,
) -> list[T]:
    """What `take` makes of a table's required columns part by part, in order; two threads call it at once."""
    present = _present(file, name, required, (), schema)
    plain, some = [c for c in present if c not in folded], [c for c in folded if c in present]

    def take_table(columns: dict[str, IntColumn], combinations: Folded) -> T:
        rows = len(combinations.codes)
        return take(Table(name=name, rows=rows, columns=columns, folded=combinations))

    return file.parts(name, plain, some, take_table)


def _present(
    file: SqliteFile, name: str, required: Sequence[str], optional: Sequence[str], schema: str
) -> list[str]:
    """The columns of those asked for that a table has."""
    present = file.tables[name]
    for choice in required:
        if not set(choice.split("|")) & set(present):
            raise ColumnMissing(file, name, choice.replace("|", " or "), schema)
    wanted = [column for choice in required for column in choice.split("|")]
    return [column for column in [*wanted, *optional] if column in present]
