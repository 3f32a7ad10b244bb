"""Columns as they come out of a file: integers kept exactly, texts once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class IntColumn:
    """One column: ``values`` (int64, 0 where there is none) and where they are valid (None: everywhere).

    ``foreign`` counts stored values that are neither integer nor NULL; they are invalid too. The arrays must
    not be written to: those of a column with a single value have one element, seen from every row.
    """

    values: NDArray[np.int64]
    valid: NDArray[np.bool_] | None = None
    foreign: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def to_list(self) -> list[int | None]:
        """The values, None where there is none."""
        known = [True] * len(self) if self.valid is None else self.valid.tolist()
        return [v if k else None for v, k in zip(self.values.tolist(), known, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """One text column, factorised: ``codes`` (int32, -1 for no text) index ``texts``, which are distinct."""

    codes: NDArray[np.int32]
    texts: tuple[str, ...]


def constant(value: int, rows: int, *, known: bool = True, foreign: int = 0) -> IntColumn:
    """A column of one value, or of none, in the memory of one."""
    valid = None if known else np.broadcast_to(np.False_, rows)
    return IntColumn(values=np.broadcast_to(np.int64(value), rows), valid=valid, foreign=foreign)


def limit_column(column: IntColumn, greatest: int) -> IntColumn:
    """The column without values beyond a limit, which are counted as foreign."""
    beyond = (column.values > greatest) | (column.values < -greatest)
    if column.valid is not None:
        beyond &= column.valid
    if not beyond.any():
        return column
    valid = ~beyond if column.valid is None else column.valid & ~beyond
    values = np.where(beyond, 0, column.values)
    return IntColumn(values=values, valid=valid, foreign=column.foreign + int(beyond.sum()))


def join_columns(parts: Sequence[IntColumn]) -> IntColumn:
    """One column out of consecutive parts."""
    column = ColumnBuilder(sum(map(len, parts)))
    for part in parts:
        column.add(part)
    return column.finish()


def interleave_columns(parts: Sequence[tuple[NDArray[np.intp], IntColumn]]) -> IntColumn:
    """One column out of parts and the rows that each of them holds, all rows once."""
    total = sum(len(rows) for rows, _ in parts)
    foreign = sum(part.foreign for _, part in parts)
    single = {_single_value(part) for rows, part in parts if len(rows)}
    if len(single) == 1 and (one := single.pop()) is not None:
        return constant(one[0], total, known=one[1], foreign=foreign)
    values, valid = np.empty(total, np.int64), np.ones(total, np.bool_)
    for rows, part in parts:
        values[rows] = part.values
        valid[rows] = True if part.valid is None else part.valid
    every = all(part.valid is None for _, part in parts)
    return IntColumn(values=values, valid=None if every else valid, foreign=foreign)


class ColumnBuilder:
    """A column put together from consecutive parts in its final memory; a single value stays one."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows = 0
        self._foreign = 0
        self._single: tuple[int, bool] | None = None
        self._values: NDArray[np.int64] | None = None
        self._valid: NDArray[np.bool_] | None = None

    def add(self, part: IntColumn) -> None:
        """Append a part; together they must not be longer than the capacity."""
        if len(part):
            single = _single_value(part)
            if self._rows == 0:
                self._single = single
            if single is None or single != self._single:
                self._append(part)
            self._rows += len(part)
            self._foreign += part.foreign

    def finish(self) -> IntColumn:
        """The column."""
        if self._values is not None:
            valid = None if self._valid is None else self._valid[: self._rows]
            return IntColumn(values=self._values[: self._rows], valid=valid, foreign=self._foreign)
        value, known = self._single or (0, True)
        return constant(value, self._rows, known=known, foreign=self._foreign)

    def _append(self, part: IntColumn) -> None:
        if self._values is None:
            self._values = np.empty(self._capacity, np.int64)
            if self._single is not None:
                self._values[: self._rows] = self._single[0]
        known = self._single is None or self._single[1]
        if self._valid is None and not (known and part.valid is None):
            self._valid = np.empty(self._capacity, np.bool_)
            self._valid[: self._rows] = known
        self._single = None
        rows = slice(self._rows, self._rows + len(part))
        self._values[rows] = part.values
        if self._valid is not None:
            self._valid[rows] = True if part.valid is None else part.valid


def _single_value(part: IntColumn) -> tuple[int, bool] | None:
    if part.values.strides != (0,) or (part.valid is not None and part.valid.strides != (0,)):
        return None
    return int(part.values[0]), part.valid is None or bool(part.valid[0])
