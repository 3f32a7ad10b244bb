"""What the colours and marks of a figure stand for: below its panels in a file, as text in a page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..document.document import Figure, Series
from .colours import LAYERS, TRANSFER, Theme

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_WITHOUT = ("waterfall", "spread", "heat")
"""Kinds whose bars and rows have their names beside them."""

_INCH, _LETTER, _LINE = 72, 5.2, 14

_SAMPLE = 36


class KeyEntry(NamedTuple):
    """A label, its colour in a page, and how its sample is drawn: fill, hollow, cross, line or dashed."""

    label: str
    colour: str
    sample: str


def list_key(figure: Figure) -> tuple[KeyEntry, ...]:
    """Every label of any panel, once."""
    if figure.kind in _WITHOUT:
        return ()
    found: dict[str, KeyEntry] = {}
    for panel in figure.panels:
        for series in panel.series:
            found.setdefault(series.label, _entry(series, figure))
    return tuple(found.values())


def _entry(series: Series, figure: Figure) -> KeyEntry:
    if figure.kind == "lanes" and series.style in ("hollow", "mark"):
        return KeyEntry(series.label, LAYERS["wait"] if series.style == "hollow" else TRANSFER, "fill")
    line = f"var(--line-{series.colour % 8})"
    colour = {
        "layer": LAYERS.get(series.label, line),
        "mark": "currentColor",
        "roof": "currentColor",
        "level": "currentColor",
    }.get(series.style, line)
    sample = {
        "traced": "hollow",
        "hollow": "hollow",
        "moved": "cross",
        "mark": "line",
        "roof": "line",
        "level": "dashed",
    }.get(series.style, "fill")
    return KeyEntry(series.label, colour, sample)


def add_legend(canvas: Canvas, grid: Sequence[Axes], figure: Figure, theme: Theme) -> None:
    """One legend for all panels below them, of every label that any of them has; the panels keep their height."""
    if figure.kind in _WITHOUT:
        return
    handles = dict(_handles(grid))
    if not handles:
        return
    width = _SAMPLE + _LETTER * max(map(len, handles))
    columns = max(1, int(canvas.get_figwidth() * _INCH / width))
    rows = math.ceil(len(handles) / columns)
    canvas.set_figheight(canvas.get_figheight() + _LINE * rows / _INCH)
    legend = canvas.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=columns,
        fontsize=8,
        frameon=False,
        labelcolor=theme.ink,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _handles(grid: Sequence[Axes]) -> Iterator[tuple[str, Artist]]:
    seen: set[str] = set()
    for axes in grid:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label not in seen:
                seen.add(label)
                yield label, handle
