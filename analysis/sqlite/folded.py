"""Columns of which few combinations occur: each combination once, and for every row which it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import IntColumn

Values = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """`codes` are places in `combinations`: a value for each column, None for NULL.

    Of a whole table combinations are distinct and codes int32; of a part of it, neither.
    """

    columns: tuple[str, ...]
    codes: NDArray[np.signedinteger[Any]]
    combinations: tuple[Values, ...]
    foreign: int = 0
    """Values that are neither integer nor NULL; they are None too."""

    def values(self, column: str, default: int) -> NDArray[np.int64]:
        """A column's value in each combination, `default` where it is NULL or no column at all."""
        if column not in self.columns:
            return np.full(len(self.combinations), default, np.int64)
        place = self.columns.index(column)
        found = [default if (value := one[place]) is None else value for one in self.combinations]
        return np.array(found, np.int64)

    def known(self, column: str) -> NDArray[np.bool_]:
        """Which combinations have a value in a column."""
        if column not in self.columns:
            return np.zeros(len(self.combinations), np.bool_)
        place = self.columns.index(column)
        return np.array([one[place] is not None for one in self.combinations], np.bool_)

    def __len__(self) -> int:
        return len(self.combinations)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedRows:
    """A part of a table: the code of each row in `combinations`, of which two may be equal."""

    codes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    combinations: list[Values] = field(default_factory=list)


class Folder:
    """Folds a table part by part."""

    def __init__(self, columns: tuple[str, ...], capacity: int) -> None:
        self._columns = columns
        self._codes = np.empty(capacity, np.int32)
        self._rows = 0
        self._known: dict[Values, int] = {}

    def add(self, part: FoldedRows) -> None:
        """Append a part; together they must not be longer than the capacity."""
        known = [self._known.setdefault(one, len(self._known)) for one in part.combinations]
        end = self._rows + len(part.codes)
        self._codes[self._rows : end] = np.array(known, np.int32).take(part.codes)
        self._rows = end

    def finish(self) -> Folded:
        """The whole table."""
        return Folded(columns=self._columns, codes=self._codes[: self._rows], combinations=tuple(self._known))


def fold_columns(columns: Mapping[str, IntColumn], rows: int) -> Folded:
    """Fold columns that were read whole; rows without columns are all alike."""
    if not columns:
        return Folded(columns=(), codes=np.zeros(rows, np.int32), combinations=((),) if rows else ())
    lists = [column.to_list() for column in columns.values()]
    known: dict[Values, int] = {}
    codes = [known.setdefault(values, len(known)) for values in zip(*lists, strict=True)]
    return Folded(
        columns=tuple(columns),
        codes=np.array(codes, np.int32),
        combinations=tuple(known),
        foreign=sum(column.foreign for column in columns.values()),
    )
