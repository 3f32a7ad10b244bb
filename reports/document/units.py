"""One unit for a column of numbers, so that they can be held against each other by their digits.

A column, or an axis, takes the largest unit in which its smallest number is not under a tenth, or, where its numbers
lie too far apart for that, the one that suits its largest; what would then be less than a thousandth says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .document import Column, Name, Row, Value
from .numbers import LEAST_OF_UNIT, SCALES, Kind, Unit, format_value

_MOST, _SHOWN, _MOST_AT_LEAST = 1e6, 1e-3, 10.0


RATES: frozenset[Kind] = frozenset(("tflops", "gbps"))


def choose_unit(values: Iterable[float], kind: Kind) -> Unit | None:
    """The unit of a column with these values; None for a kind without units.

    >>> choose_unit([13_300.0, 165e6], "time").name, choose_unit([0.0002, 0.0048], "tflops").name
    ('µs', 'GFLOP/s')
    """
    steps = SCALES.get(kind, ())[::-1]
    if not steps:
        return None
    sizes = sorted(abs(value) for value in values if value)
    if not sizes:
        return next((step for step in steps if step.scale == 1.0), steps[-1])
    fits = next((step for step in steps if sizes[0] / step.scale >= LEAST_OF_UNIT), None)
    if fits is not None and sizes[-1] / fits.scale < _MOST:
        return fits
    return next((step for step in steps if sizes[-1] / step.scale >= _MOST_AT_LEAST), steps[-1])


def choose_units(
    columns: Sequence[Column], rows: Iterable[Row], kinds: frozenset[Kind] | None = None
) -> list[Unit | None]:
    """The unit of each column of a table, or of those of some kinds; None where its cells have their own."""
    lines = list(rows)
    return [
        choose_unit(_numbers(row.cells[one] for row in lines for one in _beside(columns, at)), column.kind)
        if kinds is None or column.kind in kinds
        else None
        for at, column in enumerate(columns)
    ]


def _beside(columns: Sequence[Column], at: int) -> list[int]:
    """The places of the columns that have one unit with one of them, its own among them."""
    shared = columns[at].unit_of
    return [one for one, column in enumerate(columns) if column.unit_of == shared] if shared else [at]


def format_in_unit(value: float | None, column: Column, unit: Unit | None) -> str:
    """A number of a column, without the unit that its heading carries.

    >>> time = Column(key="t", title="time", kind="time")
    >>> format_in_unit(27e6, time, Unit(name="ms", scale=1e6)), format_in_unit(12, time, Unit(name="ms", scale=1e6))
    ('27.0', '<0.001')
    """
    if unit is None or value is None:
        return format_value(value, column.kind)
    scaled = value / unit.scale
    if 0 < abs(scaled) < _SHOWN:
        return f"<{_SHOWN}" if scaled > 0 else f">-{_SHOWN}"
    return format_value(scaled, "number")


def format_cell(value: Value, column: Column, unit: Unit | None = None) -> str:
    """A cell as it is read: the short form of a name, a number by its column's kind, in the unit of its heading."""
    if isinstance(value, Name):
        return value.short
    return value if isinstance(value, str) else format_in_unit(value, column, unit)


def head_in_unit(column: Column, unit: Unit | None) -> str:
    """A column's heading with its unit."""
    return column.heading if unit is None else f"{column.title} {unit.name}".strip()


def _numbers(values: Iterable[Value]) -> list[float]:
    return [v for v in values if v is not None and not isinstance(v, str | Name) and math.isfinite(v)]
