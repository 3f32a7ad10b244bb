"""How a number is written: the one place where values become text, for every format.

Raw values stay in tables, JSON and CSV; what people read goes through ``format_value``. Three significant
digits, four where the integer part has them; unknown is an en dash. A cell of a ratio, percentage or time
carries its unit because it is scaled or dimensionless; rates have theirs in the column's heading
(``UNITS``), and ``format_quantity`` adds it for sentences.
"""

from __future__ import annotations

import math
from typing import Literal

UNKNOWN = "–"

Kind = Literal[
    "text", "name", "count", "time", "ratio", "percent", "tflops", "gbps", "bytes", "flops", "number"
]

UNITS: dict[Kind, str] = {"tflops": "TFLOP/s", "gbps": "GB/s"}
"""Units that stand in a column's heading, not in its cells."""

_RATE_STEPS: dict[Kind, tuple[tuple[float, str], ...]] = {
    "tflops": ((1.0, "TFLOP/s"), (1e-3, "GFLOP/s"), (1e-6, "MFLOP/s")),
    "gbps": ((1.0, "GB/s"), (1e-3, "MB/s"), (1e-6, "kB/s")),
}

_LEAST_OF_UNIT = 0.1

NUMERIC: frozenset[Kind] = frozenset(
    ("count", "time", "ratio", "percent", "tflops", "gbps", "bytes", "flops", "number")
)

_TIME_STEPS = ((1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"))

_SI_STEPS = ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P"))


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
        "flops": lambda v: _format_scaled(v, _SI_STEPS, switch=1e3),
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
    steps = _RATE_STEPS[kind]
    scale, unit = next(
        ((s, u) for s, u in steps if abs(value) / s >= _LEAST_OF_UNIT), steps[-1 if value else 0]
    )
    return f"{format_digits(value / scale)} {unit}"


def choose_time_unit(value_ns: float) -> tuple[float, str]:
    """The unit that a time is written in, and how many ns that is: for axes, whose ticks share one.

    >>> choose_time_unit(1_947_200)
    (1000.0, 'µs')
    """
    unit = _format_time(value_ns).rpartition(" ")[2]
    return next(((scale, name) for scale, name in _TIME_STEPS if name == unit), _TIME_STEPS[0])


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
    return _format_scaled(value_ns, _TIME_STEPS, switch=1e4, first_switch=1e3)


def _format_scaled(
    value: float, steps: tuple[tuple[float, str], ...], *, switch: float, first_switch: float | None = None
) -> str:
    """Value in the first unit in which it stays under ``switch`` (``first_switch`` for the smallest unit)."""
    limit = switch if first_switch is None else first_switch
    at = 0
    while at < len(steps) - 1 and round(abs(value) / steps[at][0]) >= limit:
        at, limit = at + 1, switch
    scale, unit = steps[at]
    digits = format_digits(value / scale)
    return digits if digits == "0" or not unit else f"{digits} {unit}"


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
    text = _format_scaled(value, _SI_STEPS, switch=1e3)
    return f"{text}B" if text[-1].isalpha() else f"{text} B"
