"""Small faults of a command line in the wild, each one line and the right exit code."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from drawing.stored_runs import copy_real_run
from flopprof.analysis.processes.asking import ask_program
from flopprof.analysis.trace import nsys
from flopprof.profiler.errors import InterpreterMissing, OutputFolderError, ProfileError
from flopprof.profiler.program.recording import ProfileRequest, profile_program
from flopprof.profiler.recorders.folders import make_empty_folder, temporary_folder
from flopprof.profiler.recorders.recorder import find_usable_nsys
from flopprof.scenarios.errors import ScenarioError
from flopprof.scenarios.plan.load import load_scenario
from running.commands import run_here


def test_an_empty_address_to_resume_is_no_run(tmp_path: Path):
    _, said = run_here("run", "--resume", "", "--store", tmp_path, code=2)
    assert said.count("\n") == 1


def test_a_fifo_is_no_archive_and_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "run.zip")
    _, said = run_here("import", tmp_path / "run.zip", "--store", tmp_path / "store", code=2)
    assert "refused: it is no file" in said


def test_where_nobody_says_yes_a_run_is_kept_and_the_remedy_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = copy_real_run(tmp_path)
    monkeypatch.setattr("sys.stdin", StringIO(""))
    _, said = run_here("rm", run, "--store", tmp_path, code=2)
    assert said.splitlines()[-1].endswith("is not removed, as nobody said yes; --yes removes it unasked")
    assert "4 steps done" in said and run.exists()


def test_a_missing_interpreter_is_told_as_a_missing_command_is():
    assert InterpreterMissing("./train").exit_code == 127


@pytest.mark.parametrize("script", ["sleep 100", "head -c 1000 /dev/urandom", "exit 3"])
def test_an_nsys_that_does_not_answer_is_named(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake = tmp_path / "nsys"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(nsys, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(nsys, "NSYS_PLACES", ())
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_usable_nsys() == (None, f"nsys at {fake} does not answer")


@pytest.fixture
def deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which is not there any more."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    return gone


@pytest.fixture
def no_text(tmp_path: Path) -> Path:
    """A folder whose name is no text."""
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    return folder


@pytest.mark.usefixtures("deleted")
def test_a_deleted_folder_is_named_and_not_nsys(tmp_path: Path):
    gone = "the current folder has been deleted: go to one that is there"
    assert find_usable_nsys() == (None, f"nsys cannot work here: {gone}")
    with pytest.raises(ProfileError, match=gone):
        profile_program(ProfileRequest(command=["true"], out=tmp_path / "out"), print)
    with pytest.raises(OutputFolderError, match=gone):
        make_empty_folder(None, "run", store=Path("flopprof-runs"))
    assert ask_program(["echo", "here"], 600).text == "here\n"


def test_nsys_is_not_started_where_it_cannot_work(no_text: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(no_text)
    assert find_usable_nsys() == (
        None,
        "nsys cannot work here: the current folder's path is not UTF-8: go to another",
    )


def test_a_path_that_is_no_text_is_one_line_before_anything_is_written(
    no_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scenario = no_text / "tiny.yaml"
    scenario.write_text("name: tiny\nvariants: {matvec: [matvec]}\nsweep: {n: [8]}\n")
    with pytest.raises(ScenarioError, match="its path is not UTF-8"):
        load_scenario(scenario)
    with pytest.raises(OutputFolderError, match="its path is not UTF-8"):
        make_empty_folder(no_text / "out", "run")
    monkeypatch.setattr("tempfile.tempdir", str(no_text))
    with pytest.raises(OutputFolderError, match="its path is not UTF-8"), temporary_folder():
        pass
    assert sorted(found.name for found in no_text.iterdir()) == ["tiny.yaml"]
