"""Programs that are ranks of a job: each leaves a trace of its own, and the launcher's flopprof sets them together."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.profiler.program.rank import JobRank, find_rank
from running.commands import run_here
from running.patience import PATIENCE_SECONDS, wait_until
from running.profiled_programs import FLOPPROF, python

LAUNCHER = """#!{python}
# Starts ranks as torchrun does: PYTHON_EXEC in place of its own Python, the rank in the environment.
import os, subprocess, sys
count, script = int(sys.argv[1]), sys.argv[2]
ranks = []
for rank in range(count):
    environment = {{**os.environ, "RANK": str(rank), "WORLD_SIZE": str(count)}}
    command = [os.getenv("PYTHON_EXEC", sys.executable), "-u", script, *sys.argv[3:]]
    ranks.append(subprocess.Popen(command, env=environment, start_new_session=True))
codes = [rank.wait() for rank in ranks]
sys.exit(max(codes))
"""
TRAIN = """
import os, sys, time
from flopprof.profiler import annotate
rank = int(os.environ["RANK"])
for step in range(4):
    with annotate("step"):
        with annotate(f"part of {rank}"): time.sleep(0.002)
print(rank, sys.argv[1:], os.environ.get("PYTHON_EXEC"))
sys.exit(3 if "fail" in sys.argv and rank == 1 else 0)
"""


@pytest.fixture
def job(tmp_path: Path) -> tuple[Path, Path]:
    """A launcher and what it launches."""
    launcher, train = tmp_path / "launch", tmp_path / "train.py"
    launcher.write_text(LAUNCHER.format(python=sys.executable))
    launcher.chmod(0o700)
    train.write_text(TRAIN)
    return launcher, train


def run(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLOPPROF, "profile", *map(str, arguments)],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.nsys
def test_each_rank_leaves_a_trace_and_the_job_is_shown(tmp_path: Path, job: tuple[Path, Path]) -> None:
    out = tmp_path / "out"
    done = run("--ranks", "2", "--out", out, "--", job[0], "2", job[1], "an argument")
    assert done.returncode == 0, done
    assert sorted(done.stdout.splitlines()) == [f"{rank} ['an argument'] None" for rank in range(2)]
    for rank in range(2):
        analysis = analyze_file(out / f"rank{rank}" / "trace.sqlite")
        assert {(row.range, row.instances) for row in analysis.ranges} == {
            ("step", 4),
            (f"part of {rank}", 4),
        }
    assert {file.name for file in out.iterdir()} == {
        *("rank0", "rank1", "job.json", "report.txt", "report.md", "report.html", "ranks.json"),
    }
    data = json.loads((out / "ranks.json").read_text())
    assert [row["rank"] for row in data["ranks"]] == [0, 1]
    assert len(data["steps"]) == 4
    assert "flopprof ranks: 2 ranks" in done.stderr
    assert f"Report: {out / 'report.html'}" in done.stderr


@pytest.mark.slow
@pytest.mark.nsys
def test_the_exit_code_is_the_launchers_own_and_missing_ranks_are_said(
    tmp_path: Path, job: tuple[Path, Path]
) -> None:
    done = run("--ranks", "3", "--out", tmp_path / "out", "--", job[0], "2", job[1], "fail")
    assert done.returncode == 3
    assert "flopprof: 2 traces came of 3 ranks" in done.stderr
    codes = [note["code"] for note in json.loads((tmp_path / "out/ranks.json").read_text())["quality"]]
    assert "rank_missing" in codes


def test_the_report_of_a_job_heeds_the_screen_and_the_options_of_its_command(
    tmp_path: Path, job: tuple[Path, Path]
) -> None:
    env = {"FLOPPROF_STORE": str(tmp_path / "store"), "COLUMNS": "60"}
    options = ("--ranks", "2", "--recorder", "embedded", "--sample-python", "0")
    loud = run(*options, "--color", "always", "--", job[0], "2", job[1], env=env).stderr
    quiet = run(*options, "--quiet", "--", job[0], "2", job[1], env=env).stderr
    assert "\x1b[1mflopprof ranks: 2 ranks\x1b[0m" in loud
    prose = [
        line for line in loud.splitlines() if not line.startswith("flopprof: ") and str(tmp_path) not in line
    ]
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in prose) <= 60
    assert "flopprof ranks" not in quiet
    assert quiet.splitlines()[-1].startswith("Report: ")
    assert not list((tmp_path / "store").glob("*/rank*/python.json"))


def test_a_job_without_a_folder_is_a_run_of_the_store(tmp_path: Path, job: tuple[Path, Path]) -> None:
    done = run(
        *("--ranks", "3", "--recorder", "embedded", "--", job[0], "2", job[1], "--token=secret", "fail"),
        env={"FLOPPROF_STORE": str(tmp_path / "store")},
    )
    assert done.returncode == 3, done
    out, err = run_here("runs", "--json", "--store", tmp_path / "store")
    (one,) = json.loads(out)["runs"]
    assert err == ""
    assert (one["kind"], one["scenario"], one["status"], one["recorder"]) == (
        *("job", "launch", "interrupted", "embedded"),
    )
    assert (one["done"], one["steps"]) == (2, 3)
    assert f"flopprof: {job[0]}: ended with exit code 3\n" in done.stderr
    record = json.loads((Path(one["folder"]) / "job.json").read_text())
    assert (record["id"], record["ranks"], record["exit_code"]) == (Path(one["folder"]).name, 3, 3)
    assert record["id"] == one["id"] and record["id"].startswith("profile-launch-")
    shown = run_here("show", "latest", "--store", tmp_path / "store")[0]
    assert "problem   rank 2 left no trace" in shown
    assert "secret" not in shown
    report = run_here("report", "latest", "--store", tmp_path / "store")[0]
    assert "flopprof ranks: 2 ranks" in report


def test_a_launcher_that_records_no_rank_is_one_line(tmp_path: Path) -> None:
    done = run("--ranks", "2", "--out", tmp_path / "out", "--", "true")
    assert done.returncode == 125
    assert done.stderr.startswith("flopprof: the command ran, but no rank of it was recorded")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ranks", "1", "--", "true"], "--ranks must be at least 2, got 1"),
        (["--ranks", "2", "--capture-range", "x", "--", "true"], "is neither cudaProfilerApi nor nvtx:NAME"),
    ],
)
def test_what_cannot_be_launched_is_one_line(arguments: list[str], words: str) -> None:
    _, said = run_here("profile", *arguments, code=125)
    assert words in said
    assert said.count("\n") == 1


def test_a_launcher_that_flopprof_cannot_get_into_says_how_to(tmp_path: Path) -> None:
    mpirun = tmp_path / "mpirun"
    mpirun.write_text("#!/bin/sh\n")
    mpirun.chmod(0o700)
    _, said = run_here("profile", "--ranks", "2", "--", mpirun, "-n", "2", "prog", code=125)
    assert "mpirun … flopprof profile --out DIR -- PROGRAM, and then: flopprof ranks DIR" in said


def test_a_rank_by_itself_needs_a_folder_that_all_ranks_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    _, said = run_here("profile", "--", "true", code=125)
    assert "this is rank 1 of 2: give --out DIR" in said


@pytest.mark.nsys
def test_a_rank_that_its_launcher_ends_when_it_is_done_keeps_its_trace(tmp_path: Path) -> None:
    """As torchrun does with the others when one rank has failed: SIGTERM, and half a minute."""
    mark = tmp_path / "done"
    program = python(f"import pathlib; pathlib.Path({str(mark)!r}).touch()")
    command = [*FLOPPROF, "profile", f"--out={tmp_path / 'out'}", "--", *program]
    environment = {**os.environ, "RANK": "0", "WORLD_SIZE": "2"}
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    wait_until(mark.exists)
    while running.poll() is None:
        running.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    assert (tmp_path / "out" / "rank0" / "trace.sqlite").exists()


@pytest.mark.parametrize(
    ("environment", "rank"),
    [
        ({}, None),
        ({"RANK": "3", "WORLD_SIZE": "8"}, JobRank(rank=3, size=8)),
        (
            {"RANK": "3", "WORLD_SIZE": "8", "TORCHELASTIC_RESTART_COUNT": "2"},
            JobRank(rank=3, size=8, restarts=2),
        ),
        ({"RANK": "3"}, None),
        ({"RANK": "x", "WORLD_SIZE": "8"}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, JobRank(rank=1, size=2)),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "6"}, JobRank(rank=5, size=6)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "6"}, None),
        (
            {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "6", "RANK": "2", "WORLD_SIZE": "12"},
            JobRank(rank=2, size=12),
        ),
    ],
)
def test_the_rank_is_what_the_innermost_launcher_says(
    environment: dict[str, str], rank: JobRank | None
) -> None:
    assert find_rank(environment) == rank
