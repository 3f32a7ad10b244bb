"""What says a point's value when it is pointed at lies where the point was drawn."""

from __future__ import annotations

import re

import pytest
from drawing.report_samples import gpu_run
from flopprof.reports.charts.chart import draw_panel
from flopprof.reports.render.formats import list_figures
from flopprof.reports.run.compose import compose

SPOT = re.compile(r'<circle class="hot" cx="([\d.]+)" cy="([\d.]+)"')

MARKER = re.compile(r'<use xlink:href="#\w+" x="([\d.]+)" y="([\d.]+)"')


@pytest.mark.parametrize("name", ["time", "gbps"])
def test_every_spot_lies_on_a_drawn_marker(name: str):
    figure = next(figure for figure in list_figures(compose(gpu_run())) if figure.name == name)
    drawn = draw_panel(figure, 0)
    spots, markers = ({(float(x), float(y)) for x, y in pattern.findall(drawn)} for pattern in (SPOT, MARKER))
    assert spots
    assert all(any(abs(x - at) < 0.06 and abs(y - to) < 0.06 for at, to in markers) for x, y in spots)
