"""Tables filled column by column: a column knows its cell of every item, so no cell can stand under another's head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from .document import Column, Row, Table, Value

Item = TypeVar("Item")

Read = TypeVar("Read", contravariant=True)

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnOf(Column, Generic[Read]):
    """A column of a table of items."""

    value: Callable[[Read], Value] = field(compare=False, repr=False)
    """What it says of one."""


def columns_of_part(
    columns: Iterable[ColumnOf[Part]], part: Callable[[Item], Part | None]
) -> tuple[ColumnOf[Item], ...]:
    """Columns for what is a part of each item; an item without that part has empty cells there."""
    return tuple(_column_of_part(column, part) for column in columns)


def _column_of_part(column: ColumnOf[Part], part: Callable[[Item], Part | None]) -> ColumnOf[Item]:
    def read(item: Item) -> Value:
        found = part(item)
        return None if found is None else column.value(found)

    return ColumnOf(
        key=column.key,
        title=column.title,
        kind=column.kind,
        detail=column.detail,
        prose=column.prose,
        whole=column.whole,
        term=column.term,
        unit_of=column.unit_of,
        value=read,
    )


def fill_row(
    columns: Sequence[ColumnOf[Item]],
    item: Item,
    *,
    group: str = "",
    main: bool = True,
    bar: tuple[float, ...] = (),
) -> Row:
    """The row of an item."""
    return Row(cells=tuple(column.value(item) for column in columns), group=group, main=main, bar=bar)


def list_items(columns: Sequence[ColumnOf[Item]], items: Iterable[Item]) -> Table:
    """A table without a title, of items that are told one a row."""
    return Table(
        name="", title="", columns=tuple(columns), rows=tuple(fill_row(columns, item) for item in items)
    )


MOST_ROWS = 1000
"""Rows of a table that a person gets, of a trace that may have a million."""


def cut_rows(
    rows: Sequence[Item], which: str = "with the most time"
) -> tuple[Sequence[Item], tuple[str, ...]]:
    """The first rows, and the note that says so where there are more."""
    return rows[:MOST_ROWS], tell_cut(len(rows), which)


def tell_cut(rows: int, which: str) -> tuple[str, ...]:
    """The note under the first rows of so many; none where these are all."""
    if rows <= MOST_ROWS:
        return ()
    return (f"These are the {MOST_ROWS:,} {which} of {rows:,} rows; --json and --csv have all.",)


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
