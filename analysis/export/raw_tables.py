"""Tables of an Nsight Systems export by declared columns.

A table exists only if it has rows, columns come and go with the version: what a table must have and what it may
have is said by its reader. A missing table is no rows; a missing required column is a TraceError.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..arithmetic.arrays import Bools, Ints
from ..errors import TraceError
from ..sqlite.columns import IntColumn
from ..sqlite.file import SqliteFile
from ..sqlite.folded import Folded, fold_columns


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
    present = file.tables.get(name)
    if present is None:
        return Table(name=name, rows=0)
    for choice in required:
        if not set(choice.split("|")) & set(present):
            raise ColumnMissing(file, name, choice.replace("|", " or "), schema)
    wanted = [c for choice in required for c in choice.split("|")] + list(optional)
    columns, combinations = file.fold(
        name, [c for c in wanted if c in present and c not in folded], [c for c in folded if c in present]
    )
    return Table(name=name, rows=len(next(iter(columns.values()))), columns=columns, folded=combinations)
