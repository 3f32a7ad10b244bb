"""The figures that carry a run's argument: factors that close, one unit, the roof, and waves where they explain."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import pytest
from drawing.report_samples import axes_run, gpu_run, single_run
from flopprof.analysis.breakdown.rows import KernelRow
from flopprof.analysis.runs.results import RunResult
from flopprof.reports.charts.chart import draw_canvas
from flopprof.reports.charts.colours import LAYERS, PRINT
from flopprof.reports.data.figure_csv import figure_to_csv
from flopprof.reports.document.document import Figure
from flopprof.reports.render.formats import list_figures
from flopprof.reports.run.compose import compose


def figures_of(result: RunResult) -> dict[str, Figure]:
    return {figure.name: figure for figure in list_figures(compose(result))}


def with_waves(result: RunResult, slots: int) -> RunResult:
    """The same run on a GPU that holds so many blocks at once."""

    def launched(kernel: KernelRow) -> KernelRow:
        launches = tuple(
            replace(launch, slots=slots, waves=(launch.blocks or 0) / slots) for launch in kernel.launches
        )
        return replace(kernel, launches=launches)

    return replace(
        result,
        ops=tuple(replace(op, kernels=tuple(map(launched, op.kernels))) for op in result.ops),
    )


def test_a_run_is_argued_with_five_figures_and_none_is_like_another():
    assert list(figures_of(gpu_run())) == ["factors", "time", "ratio", "layers", "gbps"]


def test_the_bars_of_factors_multiply_to_the_ratio():
    for panel in figures_of(gpu_run())["factors"].panels:
        *factors, whole = panel.series
        assert math.prod(bar.y[0] for bar in factors) == pytest.approx(whole.y[0], rel=0.006)
        reached = 1.0
        for bar in factors:
            assert sorted((reached, reached * bar.y[0])) == pytest.approx([bar.low[0], bar.high[0]])
            reached *= bar.y[0]


def test_times_of_all_backends_have_one_unit():
    figure = figures_of(gpu_run())["time"]
    canvas = draw_canvas(figure, PRINT)
    canvas.draw_without_rendering()
    assert {axes.get_ylabel() for axes in canvas.axes} == {"time of a rep, µs"}
    ticks = [tick.get_text() for axes in canvas.axes for tick in axes.get_yticklabels()]
    assert all(tick.replace(".", "").isdigit() for tick in ticks)


def test_the_ratio_has_its_interval_and_the_line_of_the_reference():
    (cuda, cpu) = figures_of(gpu_run())["ratio"].panels
    assert [series.label for series in cuda.series] == [
        *("cupy cuda outer_sum", "torch cuda outer_sum", "matvec, 1×"),
    ]
    assert [series.label for series in cpu.series] == ["torch cpu outer_sum", "matvec, 1×"]
    line = cuda.series[0]
    assert all(low < y < high for low, y, high in zip(line.low, line.y, line.high, strict=True))


def test_gigabytes_a_second_stand_under_the_roof():
    panel = figures_of(gpu_run())["gbps"].panels[0]
    roof = panel.series[-1]
    assert (roof.style, roof.y, roof.label) == ("level", (4300.0,), "roof of the cuda memory: 4300 GB/s")


def test_waves_are_drawn_only_of_kernels_that_leave_the_gpu_without_blocks():
    assert "waves" not in figures_of(axes_run())
    assert "waves" not in figures_of(with_waves(axes_run(), 10))
    (panel,) = figures_of(with_waves(axes_run(), 19_000))["waves"].panels
    labels = [series.label for series in panel.series]
    assert labels[0] == "outer of outer_sum axis=0"
    assert labels[-1].startswith("one wave")
    assert (
        panel.series[0].said[0] == "outer of outer_sum axis=0 at 1000: 1000 blocks fill 5.3 % of 19000 slots"
    )


def test_one_size_alone_has_no_figure_against_the_size():
    assert list(figures_of(single_run())) == ["layers"]


def test_work_on_a_gpu_and_on_a_cpu_have_different_colours():
    assert len(set(LAYERS.values())) == len(LAYERS)


def test_the_numbers_of_a_figure_are_all_in_its_csv():
    figure = figures_of(gpu_run())["time"]
    rows = list(csv.DictReader(io.StringIO(figure_to_csv(figure))))
    assert list(rows[0]) == ["panel", "series", "n", "time of a rep ns", "low", "high"]
    drawn = [
        (panel.title, series.label, x, y)
        for panel in figure.panels
        for series in panel.series
        for x, y in zip(series.x, series.y, strict=True)
    ]
    told = [(r["panel"], r["series"], float(r["n"]), float(r["time of a rep ns"])) for r in rows]
    assert told == drawn


def test_a_name_that_is_a_formula_is_text_in_the_csv():
    figure = figures_of(gpu_run())["time"]
    panel = replace(figure.panels[0], title="=1+1")
    assert "\n'=1+1," in figure_to_csv(replace(figure, panels=(panel,)))
