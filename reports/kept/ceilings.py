"""Measured ceilings, shown: a block for each library and device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...analysis.runs.ceilings import Ceiling, MeasuredRate
from ..document.names import clean
from ..document.numbers import format_quantity, format_value
from ..render.screen import PLAIN, Screen
from ..render.wrapping import wrap


def render_ceilings(ceilings: Sequence[Ceiling], path: Path, screen: Screen = PLAIN) -> str:
    """The terminal text of a calibration stored in ``path``."""
    blocks = [
        [line for start, text in _list_lines(one) for line in _break(start, text, screen.width)]
        for one in ceilings
    ]
    closing = (
        "The roof's bandwidth is the highest of copy, read and write: its floor adds bytes read and written.",
        f"Stored in {clean(str(path))}; runs of this machine and their reports use them from now on.",
    )
    told = [line for text in closing for line in wrap(text, screen.width, rest="", whole=True)]
    return "\n\n".join("\n".join(lines) for lines in (*blocks, told))


def _break(start: str, text: str, width: int) -> list[str]:
    """What stands behind a rate goes on below itself."""
    return wrap(text, width, start, " " * len(start) if start else "  ")


def _list_lines(one: Ceiling) -> Iterator[tuple[str, str]]:
    cores = f", {one.cores} cores" if one.cores else ""
    settings = "".join(f", {name}={value}" for name, value in sorted(one.settings.items()))
    yield "", clean(f"{one.name}{cores}, by {one.backend} {one.version}{settings}")
    arrays = format_value(one.array_bytes, "bytes")
    cache = f" (cache {format_value(one.cache_bytes, 'bytes')})" if one.cache_bytes else ""
    for name in ("copy", "read", "write"):
        rate = format_quantity(getattr(one, f"{name}_bytes_per_s") / 1e9, "gbps")
        yield f"  {name:10} {rate:>15}   ", f"arrays of {arrays}{cache}"
    for rate in one.rates:
        yield _describe_rate(rate)
    launch = format_value(one.launch_ns, "time")
    yield f"  {'launch':10} {launch:>15}   ", "one small operation after the other"


def _describe_rate(rate: MeasuredRate) -> tuple[str, str]:
    speed = format_quantity(rate.flops_per_s / 1e12, "tflops")
    return f"  {clean(rate.dtype):10} {speed:>15}   ", f"matrix product of n={rate.n}"
