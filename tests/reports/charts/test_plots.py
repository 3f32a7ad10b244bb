"""What the axes of a figure show: every point, its band, and ceilings where they bend."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from drawing.report_samples import gpu_run
from flopprof.analysis.evidence.counters import Counters
from flopprof.analysis.runs.results import RunResult
from flopprof.reports.charts.chart import draw_canvas
from flopprof.reports.charts.colours import PRINT
from flopprof.reports.document.document import Figure, Panel, Series
from flopprof.reports.render.formats import list_figures
from flopprof.reports.run.compose import compose

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_of(result: RunResult, name: str) -> Axes:
    figure = next(figure for figure in list_figures(compose(result)) if figure.name == name)
    return draw_canvas(figure, PRINT).axes[0]


def near_arithmetic(result: RunResult) -> RunResult:
    """The same with operations that are nearer the roof of the arithmetic."""
    ops = tuple(replace(op, costs=replace(op.costs, limit="compute")) for op in result.ops)
    return replace(result, ops=ops)


def test_a_point_alone_has_its_band_too():
    whole = gpu_run()
    steps = tuple(step for step in whole.steps if step.variant == "outer_sum" and step.backend == "cupy")
    alone = whole.steps[0]
    samples = sorted(alone.untraced_samples_ns)
    drawn = [
        np.asarray(line.get_ydata(), dtype=float)
        for line in axes_of(replace(whole, steps=(alone, *steps)), "time").lines
    ]
    ((low, high),) = [ends for ends in drawn if len(ends) == 2]
    assert samples[0] <= low < high <= samples[-1]


def test_the_roof_is_shown_where_it_bends():
    axes = axes_of(near_arithmetic(gpu_run()), "roof")
    knee, peak = 51e12 / 4.3e12, 51.0
    assert axes.get_xlim()[1] > knee
    assert axes.get_ylim()[1] > peak


def test_hollow_points_are_explained_by_what_their_operations_say():
    whole = near_arithmetic(gpu_run())
    fast = replace(whole.ops[0].costs, roof_note="above_ceiling", roof_share=None)
    (caption,) = captions(replace(whole, ops=(replace(whole.ops[0], costs=fast), *whole.ops[4:5])))
    assert caption.endswith(
        "Hollow: no share of the roof (faster than the roof allows, so the peak or the bytes are wrong)."
    )
    (caption,) = captions(replace(whole, ops=whole.ops[4:5]))
    assert "Hollow" not in caption


def test_counted_bytes_and_flops_are_a_second_point_beside_the_least():
    whole = gpu_run()
    counters = Counters(source="ncu", dram_read_bytes=1e9, dram_write_bytes=1e9, executed_flops=17e9)
    op = replace(whole.ops[4], counters=counters)
    assert op.costs.flops is not None
    assert op.costs.tflops is not None
    (figure,) = [f for f in list_figures(compose(replace(whole, ops=(op,)))) if f.name == "roof"]
    least, counted = (series for series in figure.panels[0].series if series.style != "roof")
    assert (least.x, least.y) == ((op.costs.flops / (op.costs.bytes or 1),), (op.costs.tflops,))
    assert (counted.style, counted.label) == ("moved", "cupy matvec, as counted")
    assert (counted.x, counted.y) == ((8.5,), (op.costs.tflops * 17e9 / op.costs.flops,))
    assert "Crosses: the bytes that were moved" in figure.caption
    markers = [line.get_marker() for line in draw_canvas(figure, PRINT).axes[0].lines]
    assert markers.count("x") == 1


def captions(result: RunResult) -> list[str]:
    return [figure.caption for figure in list_figures(compose(result)) if figure.name == "roof"]


def _many_lines(count: int) -> Figure:
    """So many lines over seven decades, in one panel."""
    line = Series(label="", x=(0.1, 1e6), y=(1.0, 2.0))
    lines = tuple(replace(line, label=f"a line that is called number {at}") for at in range(count))
    return Figure(
        name="f", title="t", alt="", x_label="x", y_label="y", panels=(Panel(title="p", series=lines),)
    )


def test_a_long_legend_takes_no_height_of_the_panels():
    heights: list[float] = []
    for count in (1, 30):
        canvas = draw_canvas(_many_lines(count), PRINT)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            canvas.draw_without_rendering()
        heights.append(canvas.axes[0].get_window_extent().height)
    assert heights[1] >= 0.9 * heights[0]


def test_ticks_of_many_decades_have_room():
    canvas = draw_canvas(_many_lines(1), PRINT)
    canvas.draw_without_rendering()
    boxes = [label.get_window_extent() for label in canvas.axes[0].get_xticklabels() if label.get_text()]
    assert [one.x1 < other.x0 for one, other in pairwise(boxes)].count(False) == 0


def test_an_axis_without_a_name_has_none_made_of_its_unit():
    lane = Series(label="wait", x=(0.0,), y=(5e6,), low=(0.0,), high=(5e6,), style="hollow")
    panels = (Panel(title="", series=(lane,), scale="rank 0"),)
    figure = Figure(
        name="f",
        title="t",
        alt="",
        kind="lanes",
        logarithmic=False,
        x_label="time",
        x_kind="time",
        y_label="",
        panels=panels,
    )
    axes = draw_canvas(figure, PRINT).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time, ms", "")
