"""What is drawn inside the axes of a comparison's figures."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from ..document.document import Figure, Panel, Series
from ..document.names import shorten
from ..document.numbers import format_value
from .colours import LAYERS, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_BAR = 0.7

_WIDEST_LABEL = 14

_GOLDEN = 0.618033988749895
"""Steps of the golden ratio fill an interval evenly: points side by side without a random number."""


def plot_waterfall(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> None:
    """Whole bars for the sides, floating ones for the layers, each with its height."""
    for series in panel.series:
        low, high, at = series.low[0], series.high[0], series.x[0]
        colour = theme.ink if series.style == "mark" else LAYERS.get(series.label, theme.grid)
        axes.bar(
            at, high - low, _BAR, bottom=low, color=colour, alpha=0.55 if series.style == "mark" else 1.0
        )
        text = format_value(series.y[0], figure.y_kind)
        sign = "+" if series.style == "layer" and series.y[0] > 0 else ""
        axes.annotate(
            sign + text,
            (at, high),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=theme.ink,
            parse_math=False,
        )
    _connect(axes, panel.series, theme)
    _name_bars(axes, panel)
    axes.set_ylim(0, max(series.high[0] for series in panel.series) * 1.12)


def plot_spread(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> None:
    """Every rep a point, beside each other; a line at the median."""
    for series in panel.series:
        colour, at = theme.lines[series.colour % len(theme.lines)], series.x[0]
        places = [at + _BAR * ((place * _GOLDEN) % 1.0 - 0.5) for place in range(len(series.y))]
        axes.plot(places, series.y, linestyle="none", marker="o", markersize=2.5, alpha=0.5, color=colour)
        middle = median(series.y)
        axes.hlines(middle, at - _BAR / 2, at + _BAR / 2, colors=theme.ink, linewidth=1.4)
        axes.annotate(
            format_value(middle, figure.y_kind),
            (at + _BAR / 2, middle),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=theme.ink,
            parse_math=False,
        )
    _name_bars(axes, panel)
    axes.set_xlim(-0.6, len(panel.series) - 0.1)


def _connect(axes: Axes, bars: tuple[Series, ...], theme: Theme) -> None:
    """A thin line at the height at which one bar ends and the next begins."""
    reached = bars[0].high[0]
    for bar, after in pairwise(bars):
        reached = reached + bar.y[0] if bar.style == "layer" else reached
        axes.hlines(reached, bar.x[0], after.x[0], colors=theme.ink, linewidth=0.6)


def _name_bars(axes: Axes, panel: Panel) -> None:
    names = [shorten(series.label, _WIDEST_LABEL) for series in panel.series]
    axes.set_xticks([series.x[0] for series in panel.series], names, fontsize=8, parse_math=False)
    if len(names) > 3:
        axes.tick_params(axis="x", labelrotation=30)
    axes.grid(False, axis="x")
