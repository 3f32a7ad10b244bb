"""Terminal text: at most 100 columns, bars that add up, no colour unless asked, no name that steers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.report_samples import ALL, fail, gpu_run, hostile_run, lossy_run
from flopprof.reports.run.publish import render
from rich.cells import cell_len


@pytest.mark.parametrize("name", ALL)
def test_every_line_fits_the_terminal_and_holds_no_control_character(name: str):
    text = render(ALL[name](), "text")
    assert max(cell_len(line) for line in text.splitlines()) <= 100
    assert not [char for char in text if ord(char) < 32 and char != "\n"]


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
        *("20000", "outer_sum", "1947", "µs", "4.85×", "800", "M", "0.411", "1644", "38.3", "%"),
        "memory",
    ]


def test_bars_of_one_size_are_as_their_times():
    lines = render(gpu_run(), "text").splitlines()
    bars = [line.count("█") for line in lines if line.startswith((" 4000  ", "    4000  "))]
    assert bars[:2] == [round(20.4 / 151.8 * bars[1]), bars[1]]


def test_colour_is_there_only_when_asked_for():
    assert "\x1b[" not in render(lossy_run(), "text")
    assert "\x1b[31mERROR: Nsight Systems dropped events" in render(lossy_run(), "text", colour=True)


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
