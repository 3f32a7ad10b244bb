"""A table of a report as CSV: raw values, names in full, every column."""

from __future__ import annotations

from ..document.document import Name, Table, Value
from .csv_text import to_csv


def table_to_csv(table: Table) -> str:
    """Times in ns, rates in their heading's unit, shares as fractions; ``where`` is the group of a row."""
    grouped = any(row.group for row in table.rows)
    columns = [*(["where"] if grouped else []), *(column.key for column in table.columns)]
    rows = (
        dict(
            zip(
                columns,
                [*([row.group] if grouped else []), *(_write(value) for value in row.cells)],
                strict=True,
            )
        )
        for row in table.rows
    )
    return to_csv(columns, rows)


def _write(value: Value) -> str | float | None:
    return value.full if isinstance(value, Name) else value
