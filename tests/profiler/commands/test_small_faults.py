"""Small faults of a command line in the wild, each one line and the right exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flopprof.analysis.trace import nsys
from flopprof.profiler.errors import InterpreterMissing
from flopprof.profiler.recorders.recorder import find_usable_nsys


def run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "flopprof", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_an_empty_address_to_resume_is_no_run(tmp_path: Path):
    code, said = run("run", "--resume", "", "--store", str(tmp_path))
    assert (code, said.count("\n")) == (2, 1)


def test_a_fifo_is_no_archive_and_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "run.zip")
    code, said = run("import", str(tmp_path / "run.zip"), "--store", str(tmp_path / "store"))
    assert (code, "refused: it is no file" in said) == (2, True)


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
