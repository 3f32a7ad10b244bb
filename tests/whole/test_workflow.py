"""The workflow of docs/examples/compare.yml, its steps run as they stand in a repository with two commits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from drawing.tree import ROOT
from running.patience import PATIENCE_SECONDS

WORKFLOW = ROOT / "docs" / "examples" / "compare.yml"

TRAIN = """\
import time
import flopprof

for number in range(20):
    with flopprof.annotate(f"training_step_{number}"):
        time.sleep(SECONDS)
"""

pytestmark = [
    pytest.mark.nsys,
    pytest.mark.skipif(not WORKFLOW.exists(), reason="the documentation is not here"),
]


def commit(repository: Path, seconds: float) -> str:
    """A commit whose training step takes so long."""
    (repository / "train.py").write_text(TRAIN.replace("SECONDS", str(seconds)), encoding="utf-8")
    as_somebody = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    for arguments in (("add", "train.py"), (*as_somebody, "commit", "-q", "-m", f"wait {seconds}")):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    asked = ["git", "rev-parse", "HEAD"]
    return subprocess.run(asked, cwd=repository, check=True, capture_output=True, text=True).stdout.strip()


def run_workflow(repository: Path, programs: Path, base: str, head: str) -> subprocess.CompletedProcess[str]:
    """Every step that runs something, with GitHub's shell and its two hashes; the last or the first that fails."""
    programs.mkdir()
    for name, command in (("python", sys.executable), ("flopprof", f"{sys.executable} -m flopprof.profiler")):
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    steps = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["compare"]["steps"]
    done = subprocess.CompletedProcess[str]([], 1, "", "no step runs anything")
    for script in (step["run"] for step in steps if "run" in step):
        for side, commit_hash in (("base", base), ("head", head)):
            script = script.replace(f"${{{{ github.event.pull_request.{side}.sha }}}}", commit_hash)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=repository,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode:
            break
    return done


@pytest.mark.slow
def test_a_slower_step_fails_the_pull_request_by_one_line_that_names_it(tmp_path: Path):
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    base, head = commit(repository, 0.02), commit(repository, 0.04)
    done = run_workflow(repository, tmp_path / "bin", base, head)
    assert done.returncode == 1, (done.stdout, done.stderr)
    (line,) = done.stdout.splitlines()
    assert line.startswith(
        "::error title=flopprof compare::FAIL: 1 pair slower by more than 5 %25 (training_step_#); "
        "1 decided, 0 undecided, 0 lost. training_step_# "
    )
