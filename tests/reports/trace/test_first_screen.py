"""What the report of a trace begins with: its sentences, and the picture beside them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from drawing.drawn import Drawn, Range
from drawing.traces import read_recorded
from flopprof.analysis.attribution.range_names import NO_RANGE
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.explain.holdups import Holdup
from flopprof.analysis.trace.quality import note
from flopprof.reports.charts.first_picture import draw_picture
from flopprof.reports.document.factor_words import PHRASES
from flopprof.reports.document.remedies import OF_SEVERAL, tell_heavy_kernels, tell_holdups
from flopprof.reports.trace.compose import compose_analysis
from flopprof.reports.trace.first_screen import ANNOTATE, LOST, compose_openings, draw_up_trace_picture
from flopprof.reports.trace.range_columns import name_place
from flopprof.reports.trace.steady_step import describe_measure, describe_step

MS = 1_000_000


@pytest.mark.parametrize("name", ["ddp", "torch_axis0"])
def test_the_bars_of_a_trace_are_not_those_of_a_rep(name: str):
    picture = draw_up_trace_picture(analyze_trace(read_recorded(name)))
    assert picture is not None
    said = re.findall(r"<title>([^<]+)</title>", draw_picture(picture))
    assert said
    assert [one for one in said if not re.search(r": [a-z]+ [\d.]+ (ns|µs|ms|s)$", one)] == []


@pytest.mark.parametrize(("domain", "named"), [("train", "train:"), ("flopprof", ""), ("", "")])
def test_a_step_has_one_name_in_all_sentences(domain: str, named: str):
    step = analyze_trace(read_recorded("ddp")).steps[0]
    row = replace(step, domain=domain, path=("epoch", "step"), domains=(domain, domain))
    assert describe_step(row).startswith(f"A steady {named}epoch › step takes ")
    assert describe_measure(row).startswith(f"{named}epoch › step: ")
    assert name_place((row.domains, row.path), NO_RANGE) == f"{named}epoch"


def test_the_first_sentence_says_what_is_slow_why_and_what_would_help():
    assert compose_openings(analyze_trace(read_recorded("ddp"))) == (
        "A steady train_step takes 2923 µs (median of 37): the GPU is busy 49.1 % of it and waits for the program's "
        "own code 36.5 %, launch calls 9.7 %, work that is submitted and not begun 3.0 %; its longest part is "
        "backward, 74.1 %. To speed up train_step: launch less often (fuse, or replay a CUDA graph), above "
        "all in backward, 35.6 % of it; communicate beside kernels (`flopprof ranks` says who is waited for), 11.7 %; "
        "measure first what its kernels move (profile --gpu-metrics 10000), 36.3 %.",
    )


@pytest.mark.parametrize("name", ["ddp", "torch_axis0"])
def test_idle_time_is_no_reason_where_device_work_was_lost(name: str):
    whole = analyze_trace(read_recorded(name))
    (said,) = compose_openings(replace(whole, quality=(note("activity_cut_short"),)))
    (before,) = compose_openings(whole)
    told = before[: before.index(" To speed ")]
    assert said == f"{told} {LOST}"


def test_a_trace_without_steps_names_its_longest_range_and_what_to_mark():
    (said,) = compose_openings(analyze_trace(read_recorded("torch_axis0")))
    assert said.endswith(
        "; its longest range is outer, 0.6 %. To speed it up: first mark its steps (`flopprof.mark_step()`) or choose "
        "a --range, to leave out the program's own code in no range, 78.9 % of it."
    )


def test_bars_of_ranges_called_the_same_say_where_they_lie():
    ranges = [
        *[Range(0, 10 * MS, "first"), Range(MS, 3 * MS, "measure")],
        *[Range(20 * MS, 30 * MS, "second"), Range(21 * MS, 28 * MS, "measure")],
    ]
    picture = draw_up_trace_picture(analyze_trace(Drawn(ranges=ranges).trace()))
    assert picture is not None
    assert {bar.label for group in picture.groups for bar in group.bars} == {
        "first",
        "second",
        "measure (ops:first)",
        "measure (ops:second)",
    }


def test_the_host_alone_is_told_where_to_begin():
    (said,) = compose_openings(analyze_trace(read_recorded("fork_traced_2024.2")))
    assert said.endswith(" To speed it up: begin with child1, 57.6 % of the time in ranges.")


def test_a_remedy_for_several_kernels_is_told_once():
    found = [Holdup(code="underfilled", share=share, place=name) for name, share in (("a", 0.3), ("b", 0.2))]
    assert (
        tell_heavy_kernels(found) == "Of its kernels, a (30.0 % of it) and b (20.0 % of it) are underfilled."
    )
    few = Holdup(code="low_occupancy", share=0.1, place="c")
    assert tell_heavy_kernels([*found, few]).endswith(" are underfilled; c (10.0 % of it) has low occupancy.")
    assert tell_heavy_kernels([found[0], few]) == (
        "Of its kernels, a (30.0 % of it) is underfilled and c (10.0 % of it) has low occupancy."
    )
    assert (
        tell_holdups("step", found)
        == "To speed up step: launch more or smaller blocks for a and b, 50.0 % of it."
    )


def test_one_remedy_against_two_waits_is_told_with_where_most_of_it_lies():
    found = [Holdup(code="launches_between", share=0.3, place="x"), Holdup(code="launch_bound", share=0.125)]
    assert tell_holdups("step", found) == (
        "To speed up step: launch less often (fuse, or replay a CUDA graph), above all in x, 42.5 % of it."
    )
    spread = [Holdup(code="synchronising", share=0.3, place="x", spread=True)]
    assert tell_holdups("step", spread).endswith(" synchronize), above all in x, 30.0 % of it.")
    assert tell_holdups("step", []) == tell_heavy_kernels([]) == ""


@pytest.mark.parametrize("phrase", PHRASES.values())
def test_what_is_said_of_a_kernel_can_be_said_of_two(phrase: str):
    assert phrase.partition(" ")[0] in OF_SEVERAL


def test_where_nothing_was_recorded_no_time_was():
    whole = analyze_trace(read_recorded("no_nvtx_2024.2"))
    nothing = replace(whole, trace=replace(whole.trace, duration_ns=1))
    assert "Neither ranges nor device work were recorded." in compose_analysis(nothing).summary


@pytest.mark.parametrize(("name", "told"), [("no_nvtx_2024.2", True), ("nvtx0216_lost_2024.2", False)])
def test_to_mark_ranges_is_no_advice_where_the_marked_ones_were_lost(name: str, told: bool):
    assert (ANNOTATE in compose_openings(analyze_trace(read_recorded(name)))) == told
