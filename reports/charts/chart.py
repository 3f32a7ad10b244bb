"""Drawing figures with matplotlib, without touching its global state; nothing of it is imported until then."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from ..document.document import Figure, Panel
from ..document.numbers import format_value
from .colours import INLINE, PRINT, Theme
from .comparison_plots import plot_spread, plot_waterfall
from .rank_plots import plot_heat, plot_lanes, plot_points
from .run_plots import add_common_legend, plot_layers, plot_lines, plot_roof

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


ImageFormat = Literal["png", "svg", "pdf"]

IMAGE_FORMATS: tuple[ImageFormat, ...] = ("png", "svg", "pdf")

Plot = Callable[["Axes", Panel, Figure, Theme], None]

_PLOTS: dict[str, tuple[Plot, tuple[float, float], int]] = {
    "lines": (plot_lines, (5.2, 3.9), 3),
    "layers": (plot_layers, (3.6, 3.0), 4),
    "roof": (plot_roof, (7.2, 4.8), 2),
    "waterfall": (plot_waterfall, (5.2, 3.4), 2),
    "spread": (plot_spread, (3.6, 3.0), 3),
    "heat": (plot_heat, (9.0, 2.8), 1),
    "lanes": (plot_lanes, (9.0, 4.2), 1),
    "points": (plot_points, (7.2, 4.2), 1),
}
"""How a kind of figure is plotted, a panel's size in inches, and how many panels stand side by side."""

_NO_DATES: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def draw_image(figure: Figure, format: ImageFormat, *, theme: Theme = PRINT) -> bytes:
    """The figure as a file's bytes, the same bytes each time; readable on paper."""
    import matplotlib

    canvas = draw_canvas(figure, theme)
    data = io.BytesIO()
    settings: dict[Any, Any] = {"svg.hashsalt": figure.name, "svg.fonttype": "none", "pdf.fonttype": 42}
    with matplotlib.rc_context(settings):
        canvas.savefig(
            data,
            format=format,
            dpi=150,
            metadata=_NO_DATES[format],
            facecolor="none" if theme is INLINE else theme.paper,
        )
    return data.getvalue()


def draw_canvas(figure: Figure, theme: Theme, make: Callable[..., Canvas] | None = None) -> Canvas:
    """Panels side by side; those of one scale share their range. ``make`` is what makes a canvas, by default one
    that matplotlib's global state does not know.
    """
    from matplotlib.figure import Figure as Canvas

    plot, (width, height), most_across = _PLOTS[figure.kind]
    across = min(max(len(figure.panels), 1), most_across)
    down = -(-max(len(figure.panels), 1) // across)
    canvas = (make or Canvas)(figsize=(width * across, height * down + 0.5), layout="constrained")
    canvas.suptitle(figure.title, fontsize=12, color=theme.ink, parse_math=False)
    grid = list(canvas.subplots(down, across, squeeze=False).flat)
    for axes in grid[len(figure.panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid, figure.panels, strict=False):
        _dress(axes, panel, figure, theme)
        plot(axes, panel, figure, theme)
    _share_ranges(grid, figure)
    if figure.kind == "layers":
        add_common_legend(canvas, grid, theme)
    if not figure.panels:
        canvas.text(0.5, 0.5, "nothing was measured", ha="center", color=theme.ink)
    return canvas


def _dress(axes: Axes, panel: Panel, figure: Figure, theme: Theme) -> None:
    """Titles, units and colours; tick labels are written as everywhere else."""
    axes.set_title(panel.title, fontsize=11, color=theme.ink, parse_math=False)
    axes.set_facecolor("none")
    if figure.logarithmic:
        _set_logarithmic(axes)
    axes.set_xlabel(figure.x_label, color=theme.ink, parse_math=False)
    axes.set_ylabel(figure.y_label, color=theme.ink, parse_math=False)
    axes.tick_params(which="both", colors=theme.ink, labelsize=9)
    axes.xaxis.set_major_formatter(lambda value, _: format_value(value, figure.x_kind))
    axes.yaxis.set_major_formatter(lambda value, _: format_value(value, figure.y_kind))
    axes.grid(True, which="major", linewidth=0.6, color=theme.grid)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(theme.ink)
        spine.set_linewidth(0.6)


def _set_logarithmic(axes: Axes) -> None:
    """Both axes, with ticks inside the decades: one is often more than the data span."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis, subs in ((axes.xaxis, (1.0, 3.0)), (axes.yaxis, (1.0, 2.0, 5.0))):
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_minor_formatter(NullFormatter())


def _share_ranges(grid: list[Axes], figure: Figure) -> None:
    drawn = list(zip(grid, figure.panels, strict=False))
    for scale in {panel.scale for panel in figure.panels if panel.scale}:
        members = [axes for axes, panel in drawn if panel.scale == scale]
        ranges = [axes.get_ylim() for axes in members]
        for axes in members:
            axes.set_ylim(min(low for low, _ in ranges), max(high for _, high in ranges))
