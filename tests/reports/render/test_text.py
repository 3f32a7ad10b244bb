"""Terminal text: it fits the screen, bars add up, no colour unless asked, no name that steers."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

import pytest
from drawing.draws import draws
from drawing.report_samples import ALL, fail, gpu_run, hostile_run, large_run, lossy_run
from drawing.traces import read_recorded
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.compare.compare import compare_by
from flopprof.analysis.compare.sides import side_of_run
from flopprof.reports.comparison.compose import compose_comparison
from flopprof.reports.document.document import MOST_HEADLINES, Column, Document, Row, Table
from flopprof.reports.render.screen import NARROWEST, WIDEST, Screen
from flopprof.reports.render.text import render_text
from flopprof.reports.render.text_picture import render_picture
from flopprof.reports.render.text_table import render_table
from flopprof.reports.run.compose import compose
from flopprof.reports.run.publish import render
from flopprof.reports.trace.compose import compose_analysis
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

TRACES = ("torch_axis0", "ranks/strag_rank0", "no_nvtx_2024.2")
STYLE = re.compile(r"\x1b\[\d+m")
FIRST_SCREEN = 24


@lru_cache
def documents() -> dict[str, Document]:
    """Runs, a comparison and traces, as they are shown."""
    by = compose_comparison(compare_by(side_of_run(gpu_run()), "variant"))
    traces = {name: compose_analysis(analyze_trace(read_recorded(name))) for name in TRACES}
    return {**{name: compose(make()) for name, make in ALL.items()}, "comparison": by, **traces}


@pytest.mark.parametrize("name", [*ALL, "comparison", *TRACES])
@given(width=st.integers(NARROWEST, WIDEST), colour=st.booleans())
@draws(15)
def test_no_line_is_wider_than_the_screen_and_none_steers_it(name: str, width: int, colour: bool):
    text = STYLE.sub("", render_text(documents()[name], Screen(width=width, colour=colour)))
    lines = [line for line in text.splitlines() if not line.startswith("Files: ")]
    assert [line for line in lines if cell_len(line) > width] == []
    assert not [char for char in text if ord(char) < 32 and char != "\n"]


@pytest.mark.parametrize("name", [*ALL, "comparison", *TRACES])
def test_colour_changes_no_letter(name: str):
    plain = render_text(documents()[name], Screen(width=80))
    assert STYLE.sub("", render_text(documents()[name], Screen(width=80, colour=True))) == plain


@pytest.mark.parametrize("name", [name for name in (*ALL, "comparison", *TRACES) if name != "hostile"])
def test_sentences_and_the_main_table_stand_on_the_first_screen(name: str):
    document = documents()[name]
    screen = render_text(document, Screen(width=80)).splitlines()[:FIRST_SCREEN]
    said = " ".join(" ".join(screen).split())
    for sentence in document.headlines[:MOST_HEADLINES]:
        assert sentence in said
    assert document.picture is not None or name == "no_nvtx_2024.2"  # which has nothing to draw
    for line in render_picture(document.picture, Screen(width=80)) if document.picture else []:
        assert line.rstrip() in screen


def test_of_many_backends_the_first_ones_stand_there_and_the_others_are_counted():
    document = compose(large_run(panels=5, sizes=3, reps=10))
    lines = render_text(document).splitlines()
    assert (
        sum(line.startswith("•") for line in lines[: lines.index("  2 more under “Why”.")]) == MOST_HEADLINES
    )


def test_rates_of_a_cpu_are_in_its_unit_and_a_column_has_one():
    lines = render_text(documents()["cpu"]).splitlines()
    head = next(line for line in lines if line.startswith("    n  variant"))
    assert head.split() == ["n", "variant", "untraced", "ms", "÷", "matvec", "FLOPs", "M", "GFLOP/s", "GB/s"]
    assert "4.85" in next(line for line in lines if line.startswith("20000  outer_sum"))


def test_the_answer_comes_first_then_what_recorded_and_what_was_measured():
    lines = render(gpu_run(), "text").splitlines()
    assert lines[0].startswith("flopprof outer — Equal FLOPs, different run time")
    assert lines[2].startswith(
        "• cupy cuda float32 n=20000: outer_sum takes 4.85× the time of matvec (1947 µs"
    )
    at = lines.index("Recorder: nsys (Nsight Systems 2025.3.2).")
    assert sum(line.startswith("•") for line in lines[:at]) == 3
    assert lines[at + 1].endswith("30 steps: 30 measured, 1 skipped.")


def test_lost_data_stands_above_the_verdicts():
    lines = render(lossy_run(), "text").splitlines()
    lost = next(i for i, line in enumerate(lines) if line.startswith("ERROR: Nsight Systems dropped events"))
    assert lost < next(i for i, line in enumerate(lines) if line.startswith("•"))


def test_a_row_reads_across():
    line = next(x for x in render(gpu_run(), "text").splitlines() if x.startswith("20000  outer_sum"))
    assert line.split()[:-1] == [
        *("20000", "outer_sum", "1947", "4.85×", "800", "411", "1644", "38.3", "%"),
        "memory",
    ]


def test_bars_of_one_size_are_as_their_times():
    lines = render(gpu_run(), "text").splitlines()
    bars = [line.count("█") for line in lines if line.startswith((" 4000  ", "    4000  "))]
    assert bars[:2] == [round(20.4 / 151.8 * bars[1]), bars[1]]


def test_colour_is_there_only_when_asked_for():
    assert "\x1b[" not in render(lossy_run(), "text")
    assert "\x1b[31mERROR: Nsight Systems dropped events" in render(lossy_run(), "text", Screen(colour=True))


def test_a_hostile_name_is_shown_and_cannot_steer():
    text = render(hostile_run(), "text")
    assert "<script>alert(1)</script>" in text
    assert r"\x1b[2J" in text


@pytest.mark.parametrize("ending", ["Agent launcher failed.", "起動に失敗しました", "x" * 120])
def test_a_reason_is_wrapped_and_not_cut(ending: str):
    reason = f"nsys ended with exit code 1 before the worker spoke; the last that it said was: {ending}"
    whole = gpu_run()
    failed = replace(whole, steps=(fail(whole.steps[0], reason), *whole.steps[1:]))
    lines = render(failed, "text").splitlines()
    start = lines.index("Not measured") + 2
    rows = lines[start : lines.index("", start)]
    place = lines[start - 1].index("reason")
    said = [row[place:].strip() for row in rows]
    wanted = "".join(reason.split())
    assert "".join("".join(said).split()).startswith(wanted)
    assert rows[0].startswith("matvec cupy cuda float32 n=1000")
    assert not rows[1][:place].strip()
    assert max(map(cell_len, rows)) <= 100


def test_it_ends_with_where_the_files_are():
    assert render(gpu_run(), "text").endswith("\nFiles: flopprof-runs/20261122-101500-outer\n")


def test_columns_that_are_held_against_each_other_have_one_unit():
    a, b = (Column(key=key, title=key, kind="time", unit_of="ns") for key in "ab")
    other = Column(key="c", title="c", kind="time")
    table = Table(
        name="t", title="", columns=(a, b, other), rows=(Row(cells=(99_000.0, 120_000.0, 120_000.0)),)
    )
    assert render_table(table, Screen(width=80))[0].split() == ["a", "µs", "b", "µs", "c", "ms"]


def test_a_note_of_a_column_that_the_terminal_leaves_out_is_left_out():
    columns = (Column(key="a", title="a"), Column(key="b", title="b", detail=True))
    notes = ("a: the first one.", "b: a detail.", "of both.")
    table = Table(name="t", title="", columns=columns, rows=(Row(cells=("x", "y")),), notes=notes)
    assert [line.strip() for line in render_table(table, Screen(width=80))[2:]] == [
        "a: the first one.",
        "of both.",
    ]


def test_a_table_of_ranges_explains_the_columns_that_it_has():
    text = render_text(compose_analysis(analyze_trace(read_recorded("graph_graph"))), Screen(width=140))
    ranges = text.partition("Ranges by device time")[2].partition("\n\n")[0]
    assert "host: the range's own time; busy: its device work, overlaps once." in ranges
    assert "projected" not in ranges and "kernels" not in ranges
