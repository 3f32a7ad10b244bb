"""What tables of every report share: empty columns dropped, cells aligned, sizes written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from .document import Table

T = TypeVar("T")


MOST_ROWS = 1000
"""Rows of a table that a person gets, of a trace that may have a million."""


def cut_rows(rows: Sequence[T], which: str = "with the most time") -> tuple[Sequence[T], tuple[str, ...]]:
    """The first rows, and the note that says so where there are more."""
    if len(rows) <= MOST_ROWS:
        return rows, ()
    said = f"These are the {MOST_ROWS:,} {which} of {len(rows):,} rows; --json and --csv have all."
    return rows[:MOST_ROWS], (said,)


def format_dims(dims: tuple[int, int, int] | None) -> str | None:
    """A grid or block without the ones at its end.

    >>> format_dims((1000, 4, 1)), format_dims((1, 1, 1))
    ('1000×4', '1')
    """
    if dims is None:
        return None
    used = max((at for at, size in enumerate(dims) if size != 1), default=0) + 1
    return "×".join(str(size) for size in dims[:used])


def drop_empty(table: Table, *, keep: tuple[str, ...], zeros: bool = False) -> Table:
    """The table without columns in which nothing is known (or, with ``zeros``, all is 0)."""
    empty = (None, 0, "") if zeros else (None, "")
    kept = [
        at
        for at, column in enumerate(table.columns)
        if column.key in keep or any(row.cells[at] not in empty for row in table.rows)
    ]
    return replace(
        table,
        columns=tuple(table.columns[at] for at in kept),
        rows=tuple(replace(row, cells=tuple(row.cells[at] for at in kept)) for row in table.rows),
    )


def align(rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    """Rows of equally many cells in columns; those ``numeric`` to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if at in numeric else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)
