"""Recorded programs among what is served: listed as what they are, and answered of as their reports."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from drawing.programs import put_program
from flopprof.profiler.serving.answers import Answers, Page
from flopprof.profiler.serving.readings import TraceQuestion
from flopprof.profiler.serving.served_folder import ServedFolder
from running.commands import run_here

TRACE = "cupy_axis0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a recorded program, of whose capture range there is a second trace, and one that is damaged."""
    folder = tmp_path_factory.mktemp("served")
    program = put_program(folder, TRACE, name="train")
    (program / "captures" / "2").mkdir(parents=True)
    shutil.copy(program / "trace.sqlite", program / "captures" / "2" / "trace.sqlite")
    (put_program(folder, TRACE, 1, name="worn") / "profile.json").write_text("{")
    return folder


@pytest.fixture(scope="module")
def answers(folder: Path) -> Answers:
    return Answers(ServedFolder.open(folder), characters=1_000_000)


NAME = "profile-train-20260102-030400-0000"
WORN = "profile-worn-20260102-030401-0001"


def test_a_program_is_listed_as_one_and_not_by_its_trace(answers: Answers) -> None:
    program, capture, worn = answers.recordings("", Page())["recordings"]
    assert program == {
        "path": NAME,
        "kind": "program",
        "id": NAME,
        "name": "train",
        "started_at": "2026-01-02T03:04:00+00:00",
        "recorder": "nsys",
        "exit_code": 0,
    }
    assert (capture["path"], capture["kind"]) == (f"{NAME}/captures/2/trace.sqlite", "trace")
    assert (worn["path"], worn["kind"], set(worn)) == (WORN, "program", {"path", "kind", "problem"})
    assert worn["problem"].startswith(f"{WORN}/profile.json: ")


def test_a_folder_of_a_program_that_is_asked_for_is_listed_itself(answers: Answers) -> None:
    assert [row["kind"] for row in answers.recordings(NAME, Page())["recordings"]] == ["program", "trace"]


def test_a_program_is_answered_of_as_its_report(folder: Path, answers: Answers) -> None:
    whole = json.loads(run_here("report", folder / NAME, "--format", "json")[0])
    told = answers.analyze(NAME, TraceQuestion(), Page(limit=1_000))
    assert told["trace"] == {**whole["trace"], "path": f"{NAME}/trace.sqlite"}
    assert (told["kernels"], told["ranges"]) == (whole["kernels"], whole["ranges"])
    explained = answers.explain(NAME, None, None, (), Page())
    assert explained["title"] == "flopprof profile python3 train.py …"
    assert explained["sentences"]
    assert str(folder) not in json.dumps([told, explained])


def test_a_programs_trace_is_cut_into_windows_as_any(answers: Answers) -> None:
    told = answers.analyze(NAME, TraceQuestion(range_glob="*"), Page(table="windows", limit=2))
    assert [window["kind"] for window in told["windows"]] == ["host"] * 2
