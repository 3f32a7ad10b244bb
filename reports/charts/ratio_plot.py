"""Ratios to a reference over the sizes, both on log axes, each line with its interval; drawn for a narrow screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from ..document.document import Picture, Series
from ..document.names import shorten
from ..document.numbers import format_value
from .svg_text import WIDTH, Entry, draw_legend, text_at

_LEFT, _RIGHT, _HEIGHT = 34, WIDTH - 12, 84

_LEAST_GAP = 34
"""Pixels between two sizes that are both written."""

_STEPS = (1, 2, 5)

_LONGEST_LABEL = 40


class Axes:
    """Where a size and a ratio lie."""

    def __init__(self, lines: Sequence[Series], top: float) -> None:
        xs = [x for line in lines for x in line.x]
        ys = [y for line in lines for y in (*line.low, *line.high, *line.y) if y > 0]
        self.top = top
        self.x0, self.x1 = math.log(min(xs)), math.log(max(xs))
        low, high = min(1.0, *ys), max(1.0, *ys)
        self.low, self.high = low / 1.15, high * 1.15

    def x(self, size: float) -> float:
        """Pixels from the left."""
        share = (math.log(size) - self.x0) / (self.x1 - self.x0) if self.x1 > self.x0 else 0.5
        return _LEFT + 6 + share * (_RIGHT - _LEFT - 12)

    def y(self, ratio: float) -> float:
        """Pixels from the top."""
        held = min(max(ratio, self.low), self.high)
        share = math.log(held / self.low) / math.log(self.high / self.low)
        return self.top + (1 - share) * _HEIGHT


def draw_ratios(picture: Picture, top: float) -> tuple[list[str], float]:
    """The plot with its title and legend, and the height it takes."""
    title = f"time over that of {picture.reference}, against {picture.size}"
    axes = Axes(picture.lines, top + 18)
    body = [text_at(0, top + 12, title, "b"), *_draw_grid(axes), *_draw_sizes(picture.lines, axes)]
    for line in picture.lines:
        body += _draw_line(line, axes)
    entries = [
        Entry(f"{shorten(line.label, _LONGEST_LABEL)} {format_value(line.y[-1], 'ratio')}", _colour(line))
        for line in picture.lines
    ]
    below = top + 18 + _HEIGHT + 15
    legend, height = draw_legend(entries, below)
    return [*body, *legend], below + height - top


def _colour(line: Series) -> str:
    return f"var(--line-{line.colour % 8})"


def choose_ticks(low: float, high: float) -> list[float]:
    """Ratios to write: 1, and of 1, 2, 5 and their tens what lies between.

    >>> choose_ticks(0.9, 6.0)
    [1.0, 2.0, 5.0]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in _STEPS]
    found = [tick for tick in ticks if low <= tick <= high]
    if len(found) > 1:
        return found if len(found) <= 5 else [tick for tick in found if math.log10(tick).is_integer()]
    return [1.0, math.floor(high * 100 / 1.15) / 100] if high > 1.16 else [round(low * 1.15, 2), 1.0]


def _draw_grid(axes: Axes) -> list[str]:
    lines = []
    for tick in choose_ticks(axes.low, axes.high):
        y = axes.y(tick)
        kind = "g one" if tick == 1 else "g"
        lines.append(f'<path class="{kind}" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>')
        lines.append(text_at(_LEFT - 4, y + 3.5, f"{tick:g}×", "s e"))
    return lines


def _draw_sizes(lines: Sequence[Series], axes: Axes) -> list[str]:
    """The sizes under the plot, the largest first, others where they have room."""
    texts, last = [], math.inf
    for size in sorted({x for line in lines for x in line.x}, reverse=True):
        x = axes.x(size)
        if last - x >= _LEAST_GAP:
            texts.append(text_at(x, axes.top + _HEIGHT + 11, format_value(size, "count"), "s m"))
            last = x
    return texts


def _draw_line(line: Series, axes: Axes) -> list[str]:
    colour = _colour(line)
    points = [(axes.x(x), axes.y(y)) for x, y in zip(line.x, line.y, strict=True)]
    upper = [f"{axes.x(x):.1f} {axes.y(y):.1f}" for x, y in zip(line.x, line.high, strict=True)]
    lower = [f"{axes.x(x):.1f} {axes.y(y):.1f}" for x, y in zip(line.x, line.low, strict=True)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    band = "L".join([*upper, *reversed(lower)])
    drawn = [
        f'<path d="M{band}Z" fill="{colour}" opacity=".25"/>',
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>',
    ]
    for (x, y), size, ratio in zip(points, line.x, line.y, strict=True):
        said = f"{line.label} at {format_value(size, 'count')}: {format_value(ratio, 'ratio')}"
        drawn.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"><title>{escape(said)}</title></circle>'
        )
    return drawn
