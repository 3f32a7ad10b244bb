"""What happens around a worker while it, or its recorder, is at work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flopprof.analysis.trace.nsys import Nsys
from flopprof.profiler.capture.worker_process import ShardContext, WorkerOutcome, watch_worker
from flopprof.profiler.recorders.recorder import NsysRecorder
from flopprof.profiler.recorders.turns import Turn
from flopprof.reports.run.publish import load_libraries
from running.patience import wait_until

RECORDER = NsysRecorder(nsys=Nsys(path=Path("/nowhere/nsys"), version="2025.3.2"))


def context_of(folder: Path, called: list[str]) -> ShardContext:
    return ShardContext(
        run=folder,
        staging=folder,
        temporary=folder,
        lifeline=folder,
        recorder=RECORDER,
        scenario_folder=None,
        control=True,
        interleave=False,
        seed=0,
        environment={},
        on_message=lambda *_: None,
        meanwhile=lambda: called.append("meanwhile"),
    )


def test_other_work_is_done_while_a_recorder_ends_and_never_beside_its_worker(tmp_path: Path):
    called: list[str] = []
    outcome = WorkerOutcome(folder=tmp_path)
    context = context_of(tmp_path, called)
    listen = watch_worker(
        lambda: called.append("heard"), Turn(None), RECORDER, RECORDER.nsys.path, outcome, context
    )
    listen()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        outcome.life.begin(worker.pid)
        listen()
        assert called == ["heard", "heard"]
        assert worker.stdin is not None
        worker.stdin.close()
        wait_until(lambda: outcome.life.state() == "gone")
    listen()
    assert called == ["heard", "heard", "heard", "meanwhile"]


def test_a_library_that_is_missing_is_no_matter_until_it_is_needed(monkeypatch: pytest.MonkeyPatch):
    load_libraries()
    assert "scipy.stats" in sys.modules
    monkeypatch.setitem(sys.modules, "jinja2", None)
    load_libraries()
