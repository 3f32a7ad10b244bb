"""How a number is written: the one place where values become text, for every format.

Raw values stay in tables, JSON and CSV; what people read goes through ``format_value``. Three significant
digits, four where the integer part has them; unknown is an en dash. A value alone carries the unit that suits it; of
rates ``format_quantity`` adds it, as theirs stand in a heading. A column or an axis takes one unit for all of its
numbers (``units.choose_unit``). The units of both are ``SCALES``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

UNKNOWN = "–"

Kind = Literal[
    "text", "name", "count", "time", "ratio", "percent", "tflops", "gbps", "bytes", "flops", "number"
]

UNITS: dict[Kind, str] = {"tflops": "TFLOP/s", "gbps": "GB/s"}
"""Units that stand in a column's heading, not in its cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit's name, and how much of the raw value is one of it."""

    name: str
    scale: float


def _scale(kind_of: str, *steps: tuple[str, float]) -> tuple[Unit, ...]:
    return tuple(Unit(name=f"{prefix}{kind_of}", scale=scale) for prefix, scale in steps)


_SI = (("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15))

SCALES: dict[Kind, tuple[Unit, ...]] = {
    "time": _scale("s", ("n", 1.0), ("µ", 1e3), ("m", 1e6), ("", 1e9)),
    "bytes": _scale("B", *_SI),
    "flops": _scale("", *_SI),
    "tflops": _scale("FLOP/s", ("k", 1e-9), ("M", 1e-6), ("G", 1e-3), ("T", 1.0)),
    "gbps": _scale("B/s", ("k", 1e-6), ("M", 1e-3), ("G", 1.0)),
}
"""The units of a kind, the smallest first; raw rates are in TFLOP/s and GB/s."""

LEAST_OF_UNIT = 0.1
"""A rate, or a column's smallest number, is written in the largest unit of which it is so much."""

NUMERIC: frozenset[Kind] = frozenset(
    ("count", "time", "ratio", "percent", "tflops", "gbps", "bytes", "flops", "number")
)


def format_value(value: float | None, kind: Kind) -> str:
    """One cell's text, without the unit that its column's heading carries.

    >>> format_value(1947200, "time"), format_value(4.8546, "ratio"), format_value(0.4932, "percent")
    ('1947 µs', '4.85×', '49.3 %')
    >>> format_value(None, "time"), format_value(799980000, "flops"), format_value(1600160000, "bytes")
    ('–', '800 M', '1.60 GB')
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return {
        "time": _format_time,
        "ratio": _format_ratio,
        "percent": _format_percent,
        "count": _format_count,
        "bytes": _format_bytes,
        "flops": lambda v: _format_scaled(v, SCALES["flops"], switch=1e3),
    }.get(kind, format_digits)(value)


def format_quantity(value: float | None, kind: Kind) -> str:
    """The same with its unit, for a sentence: ``4150 GB/s``, ``3.20 GFLOP/s``.

    >>> format_quantity(0.0032, "tflops"), format_quantity(0.15, "tflops"), format_quantity(4150, "gbps")
    ('3.20 GFLOP/s', '0.150 TFLOP/s', '4150 GB/s')
    """
    text = format_value(value, kind)
    if text == UNKNOWN:
        return text
    if kind == "flops":
        return f"{text}FLOP" if text[-1].isalpha() else f"{text} FLOP"
    return _format_rate(value, kind) if kind in UNITS and value is not None else text


def _format_rate(value: float, kind: Kind) -> str:
    """In the largest unit of which it is a tenth."""
    steps = SCALES[kind][::-1]
    unit = next((u for u in steps if abs(value) / u.scale >= LEAST_OF_UNIT), steps[-1 if value else 0])
    return f"{format_digits(value / unit.scale)} {unit.name}"


def format_digits(value: float) -> str:
    """Three significant digits, all digits of the integer part, no exponent.

    >>> [format_digits(v) for v in (0, 0.05994, 9.996, 13.28, 999.6, 12345.6)]
    ['0', '0.0599', '10.0', '13.3', '1000', '12346']
    """
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if exponent >= 3:
        return f"{value:.0f}"
    return f"{rounded:.{min(2 - exponent, 12)}f}"


def count_noun(count: int, noun: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _format_time(value_ns: float) -> str:
    return _format_scaled(value_ns, SCALES["time"], switch=1e4, first_switch=1e3)


def _format_scaled(
    value: float, steps: tuple[Unit, ...], *, switch: float, first_switch: float | None = None
) -> str:
    """Value in the first unit in which it stays under ``switch`` (``first_switch`` for the smallest unit)."""
    limit = switch if first_switch is None else first_switch
    at = 0
    while at < len(steps) - 1 and round(abs(value) / steps[at].scale) >= limit:
        at, limit = at + 1, switch
    digits = format_digits(value / steps[at].scale)
    return digits if digits == "0" or not steps[at].name else f"{digits} {steps[at].name}"


def _format_ratio(value: float) -> str:
    return f"{format_digits(value)}×"


def _format_percent(share: float) -> str:
    """A fraction as a percentage with one decimal; what would round to nothing says so."""
    percent = share * 100
    if percent != 0 and abs(percent) < 0.05:
        return "<0.1 %" if percent > 0 else ">-0.1 %"
    return f"{percent:.1f} %" if abs(percent) < 99.95 else f"{percent:.0f} %"


def _format_count(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else format_digits(value)


def _format_bytes(value: float) -> str:
    text = _format_scaled(value, SCALES["bytes"], switch=1e3)
    return text if text != "0" else "0 B"
