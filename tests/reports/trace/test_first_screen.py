"""What the report of a trace begins with: its sentences, and the picture beside them."""

from __future__ import annotations

import re

import pytest
from drawing.traces import read_recorded
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.reports.charts.first_picture import draw_picture
from flopprof.reports.trace.first_screen import draw_up_trace_picture


@pytest.mark.parametrize("name", ["ddp", "torch_axis0"])
def test_the_bars_of_a_trace_are_not_those_of_a_rep(name: str):
    picture = draw_up_trace_picture(analyze_trace(read_recorded(name)))
    assert picture is not None
    said = re.findall(r"<title>([^<]+)</title>", draw_picture(picture))
    assert said
    assert [one for one in said if not re.search(r": [a-z]+ [\d.]+ (ns|µs|ms|s)$", one)] == []
