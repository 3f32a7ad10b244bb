"""The numbers of a figure as CSV: a row for each point, in the base units of its kinds (times in ns, bytes, FLOPs)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from ..document.document import Figure, Series
from .csv_text import to_csv

_COLUMNS = ("panel", "series", "x", "y", "low", "high", "said")


def figure_to_csv(figure: Figure) -> str:
    """What the axes mean stands in the headings: ``n``, ``time of a rep ns``."""
    heads = {"x": figure.x_label, "y": figure.y_label}
    if figure.kind == "waterfall":
        heads = {"x": "row", "y": figure.x_label}
    named = {
        name: f"{heads[name] or name} {_unit(figure, name)}".strip() if name in heads else name
        for name in _COLUMNS
        if name != "said" or any(series.said for panel in figure.panels for series in panel.series)
    }
    rows = ({named[name]: row[name] for name in named} for row in _list_points(figure))
    return to_csv(tuple(named.values()), rows)


def _unit(figure: Figure, name: str) -> str:
    kind = figure.y_kind if name == "y" else figure.x_kind
    if figure.kind == "waterfall":
        kind = figure.x_kind if name == "y" else "count"
    return "ns" if kind == "time" else ""


def _list_points(figure: Figure) -> Iterator[dict[str, Any]]:
    for panel in figure.panels:
        for series in panel.series:
            for x, y, low, high, said in _zip_points(series):
                yield {
                    "panel": panel.title.replace("\n", " "),
                    "series": series.label,
                    "x": x,
                    "y": y,
                    "low": low,
                    "high": high,
                    "said": said,
                }


def _zip_points(series: Series) -> Iterator[tuple[Any, ...]]:
    return zip_longest(series.x, series.y, series.low, series.high, series.said)
