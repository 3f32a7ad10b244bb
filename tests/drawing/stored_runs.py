"""Runs for tests of the store: a real one, made once, and a store full of hand-made ones."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from flopprof.analysis.runs.results import RunResult
from flopprof.analysis.store.database import record_run

from drawing.report_samples import gpu_run

SCENARIO = """\
name: tiny
variants:
  matvec:    [matvec]
  outer_sum: [outer, {sum: {axis: 0}}]
backends: [numpy]
devices:  [cpu]
dtypes:   [float32]
sweep:    {n: [16, 24]}
reps:     {count: 12, warmup: 1, max_seconds: 60}
baseline: matvec
"""


@cache
def _made_once() -> Path:
    """Made by the first of the processes that share the tests; the others wait for it."""
    shared = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    folder = Path(tempfile.gettempdir()) / f"flopprof-tests-{shared}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _make_in(folder)
            (folder / "complete").touch()
    (run,) = folder.glob("made/tiny-*")
    return run


def _make_in(folder: Path) -> None:
    shutil.rmtree(folder / "made", ignore_errors=True)
    (folder / "tiny.yaml").write_text(SCENARIO, encoding="utf-8")
    arguments = ["run", "tiny.yaml", "--recorder", "embedded", "--store", "made"]
    subprocess.run(
        [sys.executable, "-m", "flopprof.profiler", *arguments], cwd=folder, check=True, capture_output=True
    )


def copy_real_run(store: Path, name: str | None = None) -> Path:
    """A complete run of four steps, made by the embedded recorder, in a store that does not know it yet."""
    made = _made_once()
    return Path(shutil.copytree(made, store / (name or made.name)))


def with_id(result: RunResult, run_id: str, started_at: str = "2026-01-02T03:04:05+00:00") -> RunResult:
    """The same numbers as another run."""
    return replace(result, run=result.run.model_copy(update={"id": run_id, "started_at": started_at}))


def put_run(store: Path, result: RunResult) -> None:
    """A row whose folder is there, though nothing is in it."""
    (store / result.run.id).mkdir(parents=True, exist_ok=True)
    record_run(store, result, result.run.id, 1)


def record_sample(store: str, number: int) -> None:
    """Put a run of its own number into the store; a process of its own may be started with this."""
    record_run(Path(store), with_id(gpu_run(), f"run-{number}"), f"run-{number}", 1)
