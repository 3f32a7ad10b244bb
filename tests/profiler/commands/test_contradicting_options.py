"""Options that say two things at once, or nothing without another: one line, exit code 2, before anything is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.errors import TraceError
from running.commands import run_here

TRACE = str(DATA / "torch_axis0.sqlite.xz")

COMMANDS = [("analyze", TRACE), ("compare", TRACE, TRACE), ("ranks", TRACE)]


def complain(*arguments: str | Path) -> str:
    """The one line that a command says of its options."""
    out, said = run_here(*arguments, code=2)
    assert (out, said.count("\n")) == ("", 1)
    return said


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("asked", ["text", "html"])
def test_two_formats_are_refused_in_either_order(command: tuple[str, ...], asked: str) -> None:
    words = f"--format {asked} and --json ask for two formats: give one of them"
    assert words in complain(*command, "--format", asked, "--json")
    assert words in complain(*command, "--json", "--format", asked)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_one_format_asked_for_twice_is_that_format(command: tuple[str, ...]) -> None:
    once, _ = run_here(*command, "--json")
    assert json.loads(once)["flopprof"] == 1
    assert run_here(*command, "--format", "json", "--json")[0] == once


@pytest.mark.parametrize("traces", [[TRACE], [TRACE, TRACE]], ids=["one", "many"])
def test_a_clock_for_windows_that_no_range_cuts_is_refused(traces: list[str]) -> None:
    said = complain("analyze", *traces, "--window", "device")
    assert said.startswith("flopprof: ") and "--window device" in said
    assert ("add --range GLOB" if len(traces) == 1 else "one trace at a time with --range GLOB") in said


def test_the_clock_that_is_the_usual_one_may_be_named() -> None:
    run_here("analyze", TRACE, "--window", "host")
    run_here("analyze", TRACE, "--window", "device", "--range", "sum")


def test_whoever_analyses_a_file_is_told_of_a_clock_without_ranges() -> None:
    with pytest.raises(TraceError, match="add --range GLOB"):
        analyze_file(Path(TRACE), window="device")
