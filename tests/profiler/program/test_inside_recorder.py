"""`flopprof profile` without Nsight Systems: programs of Python record themselves."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from flopprof.profiler.program.inside_recorder import runs_python
from running.commands import run_here
from running.profiled_programs import Profiled, profile, python

PROGRAM = """
import subprocess, sys, threading
import nvtx
from flopprof import annotate

with annotate("outer", flops=1000, bytes=24):
    for _ in range(3):
        with nvtx.annotate("inner", domain="mine"):
            sum(range(1000))
thread = threading.Thread(target=nvtx.annotate("beside")(lambda: None))
thread.start()
thread.join()
child = "import nvtx\\nwith nvtx.annotate('child'): pass"
subprocess.run([sys.executable, "-c", child], check=True)
print("said")
sys.exit(7)
"""


def embedded(out: Path, command: list[str], *options: str, **more: object) -> Profiled:
    return profile(out, command, "--recorder", "embedded", *options, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Profiled:
    """A program with ranges of several packages, threads and processes, and a sitecustomize of its own."""
    folder = tmp_path_factory.mktemp("inside")
    (folder / "sitecustomize.py").write_text("print('customized')")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return embedded(folder / "out", python(PROGRAM), env={**os.environ, "PYTHONPATH": path})


def test_the_program_is_what_it_is_alone(recorded: Profiled) -> None:
    assert recorded.code == 7
    its_own = ["customized"] * 3  # of flopprof, the program and its child
    assert recorded.stdout.splitlines() == [*its_own, "said"]
    assert recorded.own_lines == [
        "flopprof: embedded recorder: asked for; the program records itself, GPU activity by torch.profiler"
    ]


def test_ranges_of_all_packages_threads_and_processes_are_there(recorded: Profiled) -> None:
    analysis = json.loads((recorded.out / "analysis.json").read_text(encoding="utf-8"))
    found = {(row["domain"], tuple(row["path"])): row for row in analysis["ranges"]}
    assert {key: row["instances"] for key, row in found.items()} == {
        ("flopprof", ("outer",)): 1,
        ("mine", ("outer", "inner")): 3,
        ("", ("beside",)): 1,
        ("", ("child",)): 1,
    }
    assert (found["flopprof", ("outer",)]["flops"], found["flopprof", ("outer",)]["bytes"]) == (1000, 24)
    assert len({row["pid"] for row in found.values()}) == 2
    assert analysis["trace"]["recorder"] == "embedded"
    assert [note["code"] for note in analysis["quality"]] == ["missing_device_work", "embedded_recorder"]


def test_the_record_says_that_nsys_was_not_there(recorded: Profiled) -> None:
    record = json.loads((recorded.out / "profile.json").read_text(encoding="utf-8"))
    assert (record["nsys"], record["exit_code"], record["captures"]) == (None, 7, 1)


def test_a_program_that_is_killed_leaves_no_trace_and_says_so(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    profiled = embedded(tmp_path / "out", python(code))
    assert profiled.code == 128 + signal.SIGKILL
    assert profiled.own_lines[-1] == (
        "flopprof: the program ran, but its trace was lost: it ended before what it had recorded could be written"
    )
    assert not profiled.files


def test_a_python_that_reads_no_environment_is_told_of(tmp_path: Path) -> None:
    profiled = embedded(tmp_path / "out", [sys.executable, "-I", "-c", "pass"])
    assert profiled.code == 125
    assert (
        "no Python of it loaded flopprof's recorder, which -I, -E and -S keep out" in profiled.own_lines[-1]
    )


def test_a_capture_range_needs_nsight_systems(tmp_path: Path) -> None:
    options = ("--recorder", "embedded", f"--out={tmp_path / 'out'}", "--capture-range", "nvtx:train")
    said = run_here("profile", *options, "--", *python("pass"), code=125)
    assert said == ("", "flopprof: --capture-range needs Nsight Systems, and it is not used: asked for\n")


def test_a_program_of_python_is_known_by_its_name_or_its_first_line(tmp_path: Path) -> None:
    script, other = tmp_path / "train", tmp_path / "other"
    script.write_text("#!/usr/bin/env python3\n")
    other.write_text("#!/bin/sh\n# python\n")
    assert [runs_python(str(file)) for file in ("/usr/bin/python3.12", script, other, sys.executable)] == [
        *(True, True, False, True)
    ]
