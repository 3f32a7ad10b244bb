"""The picture of a history: lines run by run, and at each named change its place and the level before and after."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...analysis.store.history import StepSeries
from ..charts.chart import draw_canvas
from ..charts.colours import PRINT
from ..document.numbers import format_value
from .history import MOST_PANELS, history_figure, panel_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_history(scenario: str, series: Sequence[StepSeries]) -> bytes:
    """A PNG, the same bytes each time."""
    from matplotlib.ticker import MaxNLocator

    canvas = draw_canvas(history_figure(scenario, series), PRINT)
    for axes, group in zip(canvas.axes, panel_groups(series)[:MOST_PANELS], strict=False):
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        for one in group:
            if one.is_changed:
                _mark_change(axes, one)
    data = io.BytesIO()
    canvas.savefig(data, format="png", dpi=150, metadata={"Software": None}, facecolor=PRINT.paper)
    return data.getvalue()


def _mark_change(axes: Axes, series: StepSeries) -> None:
    change = series.change
    assert change is not None, "only a change is marked"
    border = change.index + 0.5
    ends = ((1, border, change.before), (border, len(series.points), change.after))
    for first, last, level in ends:
        axes.hlines(level, first, last, colors=PRINT.ink, linestyles="--", linewidth=1.0, zorder=3)
    axes.axvline(border, color=PRINT.ink, linestyle=":", linewidth=1.0)
    axes.annotate(
        f"{format_value(change.ratio, 'ratio')} from run {change.index + 1}",
        (border, (change.before + change.after) / 2),
        xytext=(4, 0),
        textcoords="offset points",
        fontsize=8,
        color=PRINT.ink,
        parse_math=False,
    )
