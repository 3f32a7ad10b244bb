"""What is drawn inside one set of axes: lines with bands, stacked layers, points under a roof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..document.document import Figure, Panel, Series
from ..document.numbers import format_value
from .colours import LAYERS, Theme
from .spots import Spot, spots_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MARKERS = "osD^vP*X"

_NARROWEST = 1.5

_APART = 0.16
"""Of the axis' length lies between two sizes that are both written."""

_BAR, _MARK = 0.84, 0.98
"""Widths of a bar and of the mark across it, where neighbours are 1 apart."""


def plot_lines(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> list[Spot]:
    """Untraced times solid with their bands, traced ones dashed; levels as thin lines across."""
    spots: list[Spot] = []
    for series in panel.series:
        if series.style == "level":
            _plot_level(axes, series, theme)
            continue
        _plot_line(axes, series, theme)
        spots += spots_of(series, figure)
    if figure.logarithmic and figure.x_kind == "count":
        _label_sizes(axes, panel)
    _leave_room(axes, figure)
    return spots


def _plot_level(axes: Axes, series: Series, theme: Theme) -> None:
    axes.axhline(series.y[0], color=theme.ink, linewidth=1.2, linestyle=(0, (4, 2)), label=f" {series.label}")


def _leave_room(axes: Axes, figure: Figure) -> None:
    """Above the points, also where they are few: a range narrower than its ticks' digits says nothing."""
    low, high = axes.get_ylim()
    if not figure.logarithmic:
        axes.set_ylim(0, high * 1.05)
    elif high < low * _NARROWEST:
        axes.set_ylim(low / _NARROWEST, high * _NARROWEST)


def _plot_line(axes: Axes, series: Series, theme: Theme) -> None:
    colour = theme.lines[series.colour % len(theme.lines)]
    solid = series.style == "untraced"
    axes.plot(
        series.x,
        series.y,
        color=colour,
        marker=MARKERS[series.colour % len(MARKERS)],
        markersize=5 if solid else 4,
        markerfacecolor=colour if solid else theme.paper,
        linestyle="-" if solid else "--",
        linewidth=1.6 if solid else 1.0,
        label=f" {series.label}",
    )
    if solid and len(series.low) == 1:
        ends = (*series.low, *series.high)
        axes.plot(series.x * 2, ends, color=colour, alpha=0.25, linewidth=10, solid_capstyle="butt")
    elif solid and series.low:
        axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.25, linewidth=0)


def _label_sizes(axes: Axes, panel: Panel) -> None:
    """The sizes themselves as ticks, thinned so that they do not run into one another."""
    sizes = sorted({x for s in panel.series if s.style != "level" for x in s.x}, reverse=True)
    step = (sizes[0] / sizes[-1]) ** _APART if sizes else 1.0
    kept: list[float] = []
    for size in sizes:
        if not kept or kept[-1] / size >= step:
            kept.append(size)
    axes.set_xticks(kept, [format_value(size, "count") for size in kept])
    axes.minorticks_off()


def plot_layers(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> list[Spot]:
    """A stacked bar per size, of equal width whatever the sizes; the untraced time as a line across it."""
    layers = [series for series in panel.series if series.style == "layer"]
    sizes = layers[0].x if layers else ()
    base = [0.0] * len(sizes)
    for series in layers:
        tops = [low + y for low, y in zip(base, series.y, strict=True)]
        _fill_bars(axes, base, tops, LAYERS[series.label], series.label)
        base = tops
    highest = 1.0
    for series in panel.series:
        if series.style == "mark":
            at = [sizes.index(x) for x in series.x]
            axes.hlines(
                series.y,
                [i - _MARK / 2 for i in at],
                [i + _MARK / 2 for i in at],
                colors=theme.ink,
                linewidth=1.4,
                label=f" {series.label}",
            )
            highest = max(highest, *series.y)
    _finish_bars(axes, sizes, highest)
    return [
        Spot(said=said, x=at - _BAR / 2, y=0.0, x1=at + _BAR / 2, y1=base[at])
        for at, said in enumerate(_tell_bars(panel, figure, sizes))
    ]


def _tell_bars(panel: Panel, figure: Figure, sizes: Sequence[float]) -> Iterator[str]:
    """All layers of one bar."""
    for size in sizes:
        parts = [
            f"{series.label} {format_value(y, figure.y_kind)}"
            for series in panel.series
            for x, y in zip(series.x, series.y, strict=True)
            if x == size and y
        ]
        yield f"{figure.x_label} {format_value(size, figure.x_kind)}: {', '.join(parts)}"


def _fill_bars(axes: Axes, lows: Sequence[float], tops: Sequence[float], colour: str, label: str) -> None:
    """All bars of a layer as one path, which keeps files small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    corners: list[tuple[float, float]] = []
    codes: list[int] = []
    for at, (low, top) in enumerate(zip(lows, tops, strict=True)):
        left, right = at - _BAR / 2, at + _BAR / 2
        corners += [(left, low), (right, low), (right, top), (left, top), (left, low)]
        codes += [int(Path.MOVETO), *[int(Path.LINETO)] * 3, int(Path.CLOSEPOLY)]
    axes.add_patch(PathPatch(Path(corners, codes), facecolor=colour, linewidth=0, label=f" {label}"))


def _finish_bars(axes: Axes, sizes: Sequence[float], highest: float) -> None:
    every = max(1, -(-len(sizes) // 4))
    shown = range(len(sizes) - 1, -1, -every)
    axes.set_xticks(list(shown), [format_value(sizes[at], "count") for at in shown])
    axes.set_xlim(-0.6, len(sizes) - 0.4)
    axes.set_ylim(0, min(highest * 1.03, 2.0))
    axes.grid(False, axis="x")


def plot_roof(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> list[Spot]:
    """Points of every operation; the ceilings as lines; hollow points have no share of them, crosses are counted."""
    named: set[str] = set()
    for series in sorted(panel.series, key=lambda series: series.style == "hollow"):
        if series.style == "roof":
            axes.plot(series.x, series.y, color=theme.ink, linewidth=1.2, label=f" {series.label}")
            continue
        colour = theme.lines[series.colour % len(theme.lines)]
        axes.plot(
            series.x,
            series.y,
            linestyle="none",
            color=colour,
            marker="x" if series.style == "moved" else MARKERS[series.colour % len(MARKERS)],
            markersize=6,
            markerfacecolor=theme.paper if series.style == "hollow" else colour,
            label="_" if series.label in named else f" {series.label}",
        )
        named.add(series.label)
    points = [series for series in panel.series if series.style != "roof"]
    xs = [x for series in points for x in series.x]
    knees = [series.x[1] for series in panel.series if series.style == "roof" and len(series.x) > 2]
    ys = [y for series in panel.series for y in series.y]
    axes.set_xlim(min(xs) / 3, max([max(xs) * 6, *(knee * 3 for knee in knees)]))
    axes.set_ylim(min(y for series in points for y in series.y) / 2, max(ys) * 2)
    return [spot for series in points for spot in spots_of(series, figure)]
