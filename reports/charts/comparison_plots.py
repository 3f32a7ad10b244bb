"""What is drawn inside the axes of a comparison's figures."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from ..document.document import Figure, Panel, Series
from ..document.names import shorten
from ..document.numbers import format_value
from .colours import LAYERS, Theme
from .ratio_plot import choose_ticks as choose_ratio_ticks
from .spots import Spot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_BAR = 0.7

_WIDEST_LABEL = 14

_LONGEST_NAME = 28

_ROOM = 1.28
"""Times the longest bar is the axis, so that its length can be written behind it."""

_GOLDEN = 0.618033988749895
"""Steps of the golden ratio fill an interval evenly: points side by side without a random number."""


def plot_waterfall(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> list[Spot]:
    """A row for each step from top to bottom: whole bars for the sides, floating ones between them, each with its
    length; on a log axis steps multiply.
    """
    spots: list[Spot] = []
    for series in panel.series:
        low, high, at = series.low[0], series.high[0], series.x[0]
        axes.barh(at, high - low, _BAR, left=low, color=_bar_colour(series, theme), alpha=_bar_alpha(series))
        axes.annotate(
            _tell_length(series, figure),
            (high, at),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=theme.ink,
            parse_math=False,
        )
        said = series.said[0] if series.said else f"{series.label}: {_tell_length(series, figure)}"
        spots.append(Spot(said=said, x=low, y=at - _BAR / 2, x1=high, y1=at + _BAR / 2))
    _connect(axes, panel.series, theme)
    names = [shorten(series.label, _LONGEST_NAME) for series in panel.series]
    axes.set_yticks([series.x[0] for series in panel.series], names, fontsize=8, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")
    _leave_room_for_lengths(axes, panel, figure)
    return spots


def _bar_colour(series: Series, theme: Theme) -> str:
    if series.style == "mark":
        return theme.ink
    if series.style == "factor":
        return theme.lines[series.colour]
    return LAYERS.get(series.label, theme.grid)


def _bar_alpha(series: Series) -> float:
    return 0.55 if series.style == "mark" else 1.0


def _tell_length(series: Series, figure: Figure) -> str:
    kind = figure.x_kind
    return f"{'+' if series.style == 'layer' and series.y[0] > 0 else ''}{format_value(series.y[0], kind)}"


def _leave_room_for_lengths(axes: Axes, panel: Panel, figure: Figure) -> None:
    """To the right of the longest bar, for what it says."""
    low, high = min(s.low[0] for s in panel.series), max(s.high[0] for s in panel.series)
    if not figure.logarithmic:
        axes.set_xlim(0, high * _ROOM)
        return
    width = max(math.log(high / low), math.log(2))
    axes.set_xlim(low * math.exp(-0.06 * width), low * math.exp(width * _ROOM))
    ticks = choose_ratio_ticks(*axes.get_xlim())
    axes.set_xticks(ticks, [format_value(tick, figure.x_kind) for tick in ticks])
    axes.minorticks_off()


def plot_spread(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> list[Spot]:
    """Every rep a point, beside each other; a line at the median."""
    spots: list[Spot] = []
    for series in panel.series:
        colour, at = theme.lines[series.colour % len(theme.lines)], series.x[0]
        places = [at + _BAR * ((place * _GOLDEN) % 1.0 - 0.5) for place in range(len(series.y))]
        axes.plot(places, series.y, linestyle="none", marker="o", markersize=2.5, alpha=0.5, color=colour)
        middle = median(series.y)
        said = (
            f"{series.label}: median {format_value(middle, figure.y_kind)} of {len(series.y)} samples, "
            f"{format_value(min(series.y), figure.y_kind)} to {format_value(max(series.y), figure.y_kind)}"
        )
        spots.append(Spot(said=said, x=at - _BAR / 2, y=min(series.y), x1=at + _BAR / 2, y1=max(series.y)))
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
    names = [shorten(series.label, _WIDEST_LABEL) for series in panel.series]
    axes.set_xticks([series.x[0] for series in panel.series], names, fontsize=8, parse_math=False)
    axes.grid(False, axis="x")
    axes.set_xlim(-0.6, len(panel.series) - 0.1)
    return spots


def _connect(axes: Axes, bars: tuple[Series, ...], theme: Theme) -> None:
    """A thin line where one bar ends and the next begins."""
    reached = bars[0].high[0] if bars[0].style != "factor" else 1.0
    for bar, after in pairwise(bars):
        reached = {"layer": reached + bar.y[0], "factor": reached * bar.y[0]}.get(bar.style, reached)
        axes.vlines(reached, bar.x[0], after.x[0], colors=theme.ink, linewidth=0.6)
