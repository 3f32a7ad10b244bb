"""Drawing figures with matplotlib, without its global state; nothing of it is imported until then.

Colours are Okabe and Ito's, which colour-blind readers tell apart; every line has a marker of its own too,
so that a print in grey can be read.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from .document import Figure, Panel, Series
from .numbers import format_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D00")
_MARKERS = "osD^vP*X"
_PANEL_INCHES = (5.2, 3.9)
_MOST_ACROSS = 3


def draw_png(figure: Figure, *, dots_per_inch: int = 150) -> bytes:
    """The figure as PNG, white background, readable on paper."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = draw_time_lines(figure)
    FigureCanvasAgg(canvas)
    data = io.BytesIO()
    canvas.savefig(data, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return data.getvalue()


def draw_time_lines(figure: Figure) -> Canvas:
    """Panels side by side, log–log, panels of one scale with the same range of times."""
    from matplotlib.figure import Figure as Canvas

    across = min(max(len(figure.panels), 1), _MOST_ACROSS)
    down = -(-max(len(figure.panels), 1) // across)
    width, height = _PANEL_INCHES
    canvas = Canvas(figsize=(width * across, height * down + 0.5), layout="constrained")
    canvas.suptitle(figure.title, fontsize=12, parse_math=False)
    if not figure.panels:
        canvas.text(0.5, 0.5, "nothing was measured", ha="center")
        return canvas
    grid = canvas.subplots(down, across, squeeze=False)
    for at, axes in enumerate(grid.flat):
        if at < len(figure.panels):
            _draw_panel(axes, figure.panels[at], figure)
        else:
            axes.set_visible(False)
    _share_ranges(list(grid.flat), figure)
    return canvas


def _share_ranges(grid: list[Axes], figure: Figure) -> None:
    drawn = list(zip(grid, figure.panels, strict=False))
    for scale in {panel.scale for panel in figure.panels}:
        members = [axes for axes, panel in drawn if panel.scale == scale]
        ranges = [axes.get_ylim() for axes in members]
        for axes in members:
            axes.set_ylim(min(low for low, _ in ranges), max(high for _, high in ranges))


def _draw_panel(axes: Axes, panel: Panel, figure: Figure) -> None:
    axes.set_title(panel.title, fontsize=11, parse_math=False)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(figure.x_label, parse_math=False)
    axes.set_ylabel(figure.y_label, parse_math=False)
    axes.grid(True, which="major", linewidth=0.5, alpha=0.4)
    for series in panel.series:
        _draw_series(axes, series)
    _label_sizes(axes, panel)
    axes.yaxis.set_major_formatter(lambda value, _: format_value(value, "time"))
    for text in axes.legend(fontsize=8, frameon=False).get_texts():
        text.set_parse_math(False)


def _draw_series(axes: Axes, series: Series) -> None:
    colour = PALETTE[series.colour % len(PALETTE)]
    untraced = series.style == "untraced"
    axes.plot(
        series.x,
        series.y,
        color=colour,
        marker=_MARKERS[series.colour % len(_MARKERS)],
        markersize=5 if untraced else 4,
        markerfacecolor=colour if untraced else "white",
        linestyle="-" if untraced else "--",
        linewidth=1.6 if untraced else 1.0,
        label=f" {series.label}",
    )
    if series.low and untraced:
        axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.2, linewidth=0)


def _label_sizes(axes: Axes, panel: Panel) -> None:
    """The sizes themselves as ticks, thinned so that they do not run into one another."""
    sizes = sorted({x for series in panel.series for x in series.x})
    kept: list[float] = []
    for size in reversed(sizes):
        if not kept or kept[-1] / max(size, 1) > (sizes[-1] / max(sizes[0], 1)) ** 0.09:
            kept.append(size)
    axes.set_xticks(kept, [f"{size:.0f}" for size in kept])
    axes.minorticks_off()
