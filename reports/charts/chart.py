"""Drawing figures with matplotlib, without touching its global state; nothing of it is imported until then.

A file holds a figure as a whole; a page gets each panel by itself, so that they stand beside each other where
there is room, and below each other on a phone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..document.document import Figure, Panel
from ..document.numbers import format_digits, format_value
from ..document.units import choose_unit
from .colours import INLINE, PRINT, Theme
from .comparison_plots import plot_spread, plot_waterfall
from .legend import add_legend
from .rank_plots import plot_heat, plot_lanes, plot_points
from .run_plots import plot_layers, plot_lines, plot_roof
from .spots import Spot, draw_spots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas


ImageFormat = Literal["png", "svg", "pdf"]

IMAGE_FORMATS: tuple[ImageFormat, ...] = ("png", "svg", "pdf")

Plot = Callable[["Axes", Panel, Figure, Theme], list[Spot]]


class _Look(NamedTuple):
    """How a kind of figure is plotted, a panel's size in inches, and how many panels stand side by side."""

    plot: Plot
    size: tuple[float, float]
    across: int


_LOOKS: dict[str, _Look] = {
    "lines": _Look(plot_lines, (4.6, 3.4), 3),
    "layers": _Look(plot_layers, (3.6, 3.0), 4),
    "roof": _Look(plot_roof, (5.4, 3.8), 2),
    "waterfall": _Look(plot_waterfall, (5.0, 2.9), 2),
    "spread": _Look(plot_spread, (3.6, 3.0), 3),
    "heat": _Look(plot_heat, (9.0, 2.8), 1),
    "lanes": _Look(plot_lanes, (9.0, 4.2), 1),
    "points": _Look(plot_points, (7.2, 4.2), 1),
}

_NO_DATES: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

_MANY_DECADES = 3e4

_POINTS = 72
"""Dots an inch at which a dot is one unit of an SVG."""


def draw_image(figure: Figure, format: ImageFormat, *, theme: Theme = PRINT) -> bytes:
    """The figure as a file's bytes, the same bytes each time; readable on paper."""
    return _save(draw_canvas(figure, theme), figure.name, format, theme)


def draw_panel(figure: Figure, at: int) -> str:
    """One panel as an SVG text in the page's colours, without a legend, with its spots."""
    single = replace(figure, title="", panels=(figure.panels[at],))
    canvas, plotted = _plot(single, INLINE, None, ranges=figure.panels)
    canvas.set_dpi(_POINTS)
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")  # it is laid out: the spots are where their points will be
    spots = "".join(draw_spots(canvas, axes, found) for axes, found in plotted)
    text = _save(canvas, f"{figure.name}-{at}", "svg", INLINE).decode("utf-8")
    head, end, tail = text.rpartition("</svg>")
    return head + spots + end + tail


def draw_canvas(figure: Figure, theme: Theme, make: Callable[..., Canvas] | None = None) -> Canvas:
    """Panels side by side; those of one scale share their range. ``make`` is what makes a canvas, by default one
    that matplotlib's global state does not know.
    """
    canvas, plotted = _plot(figure, theme, make, ranges=figure.panels)
    add_legend(canvas, [axes for axes, _ in plotted], figure, theme)
    if not figure.panels:
        canvas.text(0.5, 0.5, "nothing was measured", ha="center", color=theme.ink)
    return canvas


def _save(canvas: Canvas, name: str, format: ImageFormat, theme: Theme) -> bytes:
    import matplotlib

    data = io.BytesIO()
    settings: dict[Any, Any] = {"svg.hashsalt": name, "svg.fonttype": "none", "pdf.fonttype": 42}
    with matplotlib.rc_context(settings):
        canvas.savefig(
            data,
            format=format,
            dpi=150,
            metadata=_NO_DATES[format],
            facecolor="none" if theme is INLINE else theme.paper,
        )
    return data.getvalue()


def _plot(
    figure: Figure, theme: Theme, make: Callable[..., Canvas] | None, *, ranges: Sequence[Panel]
) -> tuple[Canvas, list[tuple[Axes, list[Spot]]]]:
    """The panels of a figure, each with its spots; ``ranges`` are all panels that may share a scale with them."""
    from matplotlib.figure import Figure as Canvas

    look = _LOOKS[figure.kind]
    across = min(max(len(figure.panels), 1), look.across)
    down = -(-max(len(figure.panels), 1) // across)
    width, height = look.size[0] * across, look.size[1] * down + (0.5 if figure.title else 0.0)
    canvas = (make or Canvas)(figsize=(width, height), layout="constrained")
    if figure.title:
        canvas.suptitle(figure.title, fontsize=12, color=theme.ink, parse_math=False)
    grid = list(canvas.subplots(down, across, squeeze=False).flat)
    for axes in grid[len(figure.panels) :]:
        axes.set_visible(False)
    plotted = []
    for axes, panel in zip(grid, figure.panels, strict=False):
        _dress(axes, panel, figure, theme)
        _set_units(axes, figure, ranges)
        plotted.append((axes, look.plot(axes, panel, figure, theme)))
        _share_range(axes, panel, figure, ranges)
        _thin_out_ticks(axes)
    return canvas, plotted


def _dress(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> None:
    """Titles and colours."""
    axes.set_title(panel.title, fontsize=11, color=theme.ink, parse_math=False)
    axes.set_facecolor("none")
    if figure.logarithmic:
        _set_logarithmic(axes, figure)
    axes.tick_params(which="both", colors=theme.ink, labelsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(theme.ink)
        axis.label.set_parse_math(False)
    axes.grid(True, which="major", linewidth=0.6, color=theme.grid)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(theme.ink)
        spine.set_linewidth(0.6)


def _set_units(axes: Axes, figure: Figure, panels: Sequence[Panel]) -> None:
    """Ticks are written as values are everywhere, but times of one axis share one unit, which its label names."""
    xs = [x for panel in panels for series in panel.series for x in series.x]
    ys = [y for panel in panels for series in panel.series for y in series.y]
    if figure.kind in ("waterfall", "lanes"):
        xs = [end for panel in panels for series in panel.series for end in series.high]
    _set_unit(axes.xaxis, figure.x_label, figure.x_kind, xs)
    _set_unit(axes.yaxis, figure.y_label, figure.y_kind, ys)


def _set_unit(axis: Axis, label: str, kind: Any, values: Sequence[float]) -> None:
    unit = choose_unit(values, kind) if label and kind == "time" and values else None
    if unit is None:
        axis.set_label_text(label)
        axis.set_major_formatter(lambda value, _: format_value(value, kind))
        return
    axis.set_label_text(f"{label}, {unit.name}")
    axis.set_major_formatter(lambda value, _: format_digits(value / unit.scale))


def _set_logarithmic(axes: Axes, figure: Figure) -> None:
    """Both axes (of a waterfall the one of lengths), with ticks inside the decades: one is often more than the data
    span.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    if figure.kind == "waterfall":
        return
    axes.set_yscale("log")
    for axis, subs in ((axes.xaxis, (1.0, 3.0)), (axes.yaxis, (1.0, 2.0, 5.0))):
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_minor_formatter(NullFormatter())


def _thin_out_ticks(axes: Axes) -> None:
    """Over many decades a tick a decade is what has room beside the others."""
    from matplotlib.ticker import LogLocator

    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() == "log" and low > 0 and high / low > _MANY_DECADES:
            axis.set_major_locator(LogLocator())


def _share_range(axes: Axes, panel: Panel, figure: Figure, panels: Sequence[Panel]) -> None:
    """Widen the range to what the other panels of its scale hold."""
    if figure.kind != "lines" or not panel.scale:
        return
    values = [
        y
        for other in panels
        if other.scale == panel.scale
        for series in other.series
        for y in (*series.y, *series.low, *series.high)
    ]
    low, high = axes.get_ylim()
    room = 1.15 if figure.logarithmic else 1.05
    axes.set_ylim(min(low, min(values) / room) if figure.logarithmic else low, max(high, max(values) * room))
