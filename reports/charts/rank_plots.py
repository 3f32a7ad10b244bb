"""What is drawn inside the axes of a job's figures: cells by rank and step, lanes on one clock, points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..document.document import Figure, Panel
from ..document.numbers import format_value
from .colours import LAYERS, TRANSFER, Theme
from .run_plots import MARKERS
from .spots import Spot, spots_of, tell_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_MOST_NAMES = 16

_MOST_SPOTS = 4000

_ROWS = 3
"""Rows of one rank's lane."""

_HEIGHT = 0.8


def plot_heat(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> list[Spot]:
    """A row for each series, a column for each x; the darker, the more."""
    if not panel.series:
        return []
    values = [series.y for series in panel.series]
    steps = panel.series[0].x
    picture = axes.imshow(
        values,
        aspect="auto",
        interpolation="nearest",
        cmap="YlOrRd",
        vmin=0,
        extent=_extent(len(steps), len(values)),
    )
    every = max(1, -(-len(values) // _MOST_NAMES))
    axes.set_yticks(
        range(0, len(values), every), [one.label for one in panel.series[::every]], parse_math=False
    )
    apart = max(1, -(-len(steps) // _MOST_NAMES))
    axes.set_xticks(range(0, len(steps), apart), [format_value(x, "count") for x in steps[::apart]])
    axes.grid(False)
    bar = axes.figure.colorbar(picture, ax=axes, format=lambda value, _: format_value(value, figure.y_kind))
    bar.ax.tick_params(colors=theme.ink, labelsize=8)
    bar.set_label("waited", color=theme.ink)
    if len(values) * len(steps) > _MOST_SPOTS:
        return []
    return [
        Spot(said=said, x=column - 0.5, y=row - 0.5, x1=column + 0.5, y1=row + 0.5)
        for row, series in enumerate(panel.series)
        for column, said in enumerate(tell_points(series, figure))
    ]


def _extent(columns: int, rows: int) -> tuple[float, float, float, float]:
    return (-0.5, columns - 0.5, rows - 0.5, -0.5)


def plot_lanes(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> list[Spot]:
    """Bars by row from top to bottom; three rows are one rank's, whose names the panel's scale holds."""
    named: set[str] = set()
    spots: list[Spot] = []
    for series in panel.series:
        colour = {"hollow": LAYERS["wait"], "mark": TRANSFER}.get(
            series.style, theme.lines[series.colour % len(theme.lines)]
        )
        axes.barh(
            series.x[0],
            series.high[0] - series.low[0],
            _HEIGHT,
            left=series.low[0],
            color=colour,
            alpha=0.9,
            label="_" if series.label in named else f" {series.label}",
        )
        named.add(series.label)
        low, high, row = series.low[0], series.high[0], series.x[0]
        said = f"{series.label}: {format_value(high - low, figure.x_kind)}"
        spots.append(Spot(said=said, x=low, y=row - _HEIGHT / 2, x1=high, y1=row + _HEIGHT / 2))
    names = panel.scale.split("|")
    axes.set_yticks([at * _ROWS + 1 for at in range(len(names))], names, parse_math=False)
    for at in range(1, len(names)):
        axes.axhline(at * _ROWS - 0.5, color=theme.grid, linewidth=0.8)
    axes.set_ylim(len(names) * _ROWS - 0.5, -0.5)
    axes.grid(False, axis="y")
    return spots


def plot_points(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> list[Spot]:
    """Points of every series, and the line on which y is x."""
    for series in panel.series:
        axes.plot(
            series.x,
            series.y,
            linestyle="none",
            color=theme.lines[series.colour % len(theme.lines)],
            marker=MARKERS[series.colour % len(MARKERS)],
            markersize=4,
            alpha=0.6,
            label=f" {series.label}",
        )
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color=theme.ink, linewidth=0.8, linestyle="--")
    axes.set_xlim(low, high)
    return [spot for series in panel.series for spot in spots_of(series, figure)]
