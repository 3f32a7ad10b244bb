"""What the report of a trace begins with: its sentences, and the picture beside them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from drawing.traces import read_recorded
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.reports.charts.first_picture import draw_picture
from flopprof.reports.trace.first_screen import draw_up_trace_picture
from flopprof.reports.trace.range_columns import name_place
from flopprof.reports.trace.steady_step import describe_measure, describe_step


@pytest.mark.parametrize("name", ["ddp", "torch_axis0"])
def test_the_bars_of_a_trace_are_not_those_of_a_rep(name: str):
    picture = draw_up_trace_picture(analyze_trace(read_recorded(name)))
    assert picture is not None
    said = re.findall(r"<title>([^<]+)</title>", draw_picture(picture))
    assert said
    assert [one for one in said if not re.search(r": [a-z]+ [\d.]+ (ns|µs|ms|s)$", one)] == []


@pytest.mark.parametrize(("domain", "named"), [("train", "train: "), ("flopprof", ""), ("", "")])
def test_a_step_has_one_name_in_all_sentences(domain: str, named: str):
    row = replace(analyze_trace(read_recorded("ddp")).steps[0], domain=domain, path=("epoch", "step"))
    assert describe_step(row).startswith(f"A steady {named}epoch › step takes ")
    assert describe_measure(row).startswith(f"{named}epoch › step: ")
    assert name_place((domain, row.path), ()) == f"{named}epoch"
