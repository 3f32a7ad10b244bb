"""Texts and legends of pictures that are written by hand, in units of a phone's pixels."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

WIDTH = 400

_LEGEND_ROW, _SWATCH, _LETTER = 15, 14, 6.1


class Entry(NamedTuple):
    """A label with its colour, or with the class of a mark."""

    label: str
    fill: str = ""
    mark: str = ""


def text_at(x: float, y: float, text: str, kind: str = "") -> str:
    """A text; ``kind`` is its class: b is bold, s small, e ends at x, m is centred there."""
    cls = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{cls}>{escape(text)}</text>'


def draw_legend(entries: Iterable[Entry], top: float) -> tuple[list[str], float]:
    """Entries in as many rows as they take, and the height of those."""
    lines: list[str] = []
    x, y = 0.0, top
    for entry in entries:
        width = _SWATCH + _LETTER * len(entry.label) + 10
        if x and x + width > WIDTH:
            x, y = 0.0, y + _LEGEND_ROW
        if entry.mark:
            lines.append(f'<path class="{entry.mark}" d="M{x + 5:.1f} {y + 1:.1f}v11"/>')
        else:
            lines.append(f'<rect x="{x:.1f}" y="{y + 2:.1f}" width="10" height="9" fill="{entry.fill}"/>')
        lines.append(text_at(x + _SWATCH, y + 10.5, entry.label, "s"))
        x += width
    return lines, (y - top + _LEGEND_ROW if lines else 0.0)
