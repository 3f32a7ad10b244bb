"""The factors of a ratio are the same ones in the sentence and in the figure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.subjects import draw_part, draw_side
from flopprof.analysis.explain.explain import Explanation
from flopprof.analysis.explain.factors import Factor
from flopprof.reports.charts.chart import draw_canvas
from flopprof.reports.charts.colours import PRINT
from flopprof.reports.contest.factor_figure import Explained, factor_figure
from flopprof.reports.document.factor_words import describe_factors


def explained(rest: float) -> Explanation:
    sides = [draw_side(name, draw_part(us)) for name, us in (("matvec", 100.0), ("outer_sum", 200.0))]
    factors = (
        Factor(name="excess", ratio=rest, a=1.0, b=rest),
        Factor(name="bandwidth", ratio=2.0, a=2000.0, b=1000.0),
    )
    return Explanation(a=sides[0], b=sides[1], ratio=2.0 * rest, factors=factors, causes=())


@pytest.mark.parametrize(("rest", "shown"), [(1.0, False), (1.004, False), (0.997, True), (1.006, True)])
def test_the_rest_is_in_the_figure_where_the_sentence_has_it(rest: float, shown: bool):
    explanation = explained(rest)
    figure = factor_figure([Explained("sizes", explanation)])
    assert figure is not None
    bars = [series.label for series in figure.panels[0].series]
    assert bars == ["bandwidth", *(["the rest"] if shown else []), "the ratio"]
    assert ("by the rest" in describe_factors(explanation)) is shown
    assert figure.panels[0].series[0].said == ("bandwidth: 2.00× (1000 GB/s against 2000 GB/s)",)


def test_a_title_of_full_kernel_names_leaves_room_for_its_bars():
    a, b = draw_side("A", draw_part(100)), draw_side("B", draw_part(400, least_bytes=300e6))
    factors = (
        Factor(name="least_bytes", ratio=3.0, a=1e8, b=3e8),
        Factor(name="rate", ratio=2.0, a=2.0, b=1.0),
    )
    explanation = Explanation(a=a, b=b, ratio=6.0, factors=factors, causes=())
    kernel = f"void gemm<{', '.join(['unsigned int'] * 60)}>"
    figure = factor_figure([Explained(f"{kernel} → {kernel}: B against A", explanation)])
    assert figure is not None
    title = figure.panels[0].title
    assert title.startswith("void gemm<unsigned int,")
    assert title.replace("\n", " ").endswith("unsigned int>: B against A")
    assert len(title.splitlines()) == 4


def test_a_title_stays_in_its_figure_beside_long_names_of_factors():
    figure = factor_figure([Explained("numpy cpu float32 n=1500 outer_sum against matvec", explained(1.5))])
    assert figure is not None
    (panel,) = figure.panels
    long = replace(panel.series[0], label="reps timed over reps charged")
    canvas = draw_canvas(replace(figure, panels=(replace(panel, series=(long, *panel.series[1:])),)), PRINT)
    canvas.draw_without_rendering()
    box = canvas.axes[0].title.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= canvas.bbox.width
