"""Nothing that a run started outlives it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from flopprof.profiler.recorders import strays
from flopprof.profiler.recorders.folders import remove_abandoned_temporary, temporary_folder
from flopprof.profiler.recorders.lifeline import hold_lifeline
from flopprof.profiler.recorders.strays import end_strays, find_strays
from running.patience import PATIENCE_SECONDS, wait_until

HOLDER = """
import sys, time
from pathlib import Path
from flopprof.profiler.recorders.lifeline import hold_lifeline
with hold_lifeline(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
FOLLOWER = """
import sys, time
from pathlib import Path
from flopprof.profiler.recorders.lifeline import Lifeline
line = Lifeline(Path(sys.argv[1]))
print(line.is_held, flush=True)
while True:
    sum(range(10_000_000))
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens to SIGTERM is given the time for it, however busy the machine is."""
    monkeypatch.setattr(strays, "PATIENCE_SECONDS", PATIENCE_SECONDS)


def python(code: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_ends_with_its_run_however_that_ends(tmp_path: Path, end: signal.Signals) -> None:
    holder = python(HOLDER, tmp_path)
    assert first_line(holder) == "held"
    follower = python(FOLLOWER, tmp_path / "lifeline")
    assert first_line(follower) == "True"
    holder.send_signal(end)
    holder.wait(PATIENCE_SECONDS)
    assert follower.wait(PATIENCE_SECONDS) == -signal.SIGIO


def test_a_worker_that_comes_too_late_sees_that_its_run_is_gone(tmp_path: Path) -> None:
    with hold_lifeline(tmp_path) as path:
        pass
    follower = python(FOLLOWER.replace("while True:", "while False:"), path)
    assert first_line(follower) == "False"
    assert follower.wait(PATIENCE_SECONDS) == 0


def test_the_lifeline_is_private(tmp_path: Path) -> None:
    with hold_lifeline(tmp_path) as path:
        assert path.stat().st_mode & 0o777 == 0o600


def sleeper(
    temporary: Path, code: str = "import time; print('up', flush=True); time.sleep(600)"
) -> psutil.Process:
    process = python(code, TMPDIR=str(temporary))
    assert first_line(process) == "up"
    return psutil.Process(process.pid)


def is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_strays_are_those_with_the_same_private_folder_and_no_others(tmp_path: Path) -> None:
    mine, others = sleeper(tmp_path / "a"), sleeper(tmp_path / "ab")
    try:
        assert [process.pid for process in find_strays(tmp_path / "a")] == [mine.pid]
        end_strays(tmp_path / "a")
        assert not is_running(mine)
        assert is_running(others)
    finally:
        others.kill()


def test_a_stray_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strays, "PATIENCE_SECONDS", 0.2)
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    code = ignore + "print('up', flush=True); time.sleep(600)"
    deaf = sleeper(tmp_path, code)
    try:
        end_strays(tmp_path)
        wait_until(lambda: not is_running(deaf))
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            deaf.kill()


def test_the_next_run_ends_what_a_killed_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    abandoned = tmp_path / f"flopprof-{dead.pid}-x"
    abandoned.mkdir()
    stray = sleeper(abandoned)
    remove_abandoned_temporary()
    assert not is_running(stray)
    assert not abandoned.exists()


def test_a_killed_run_that_nobody_waited_for_is_gone_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is a zombie: its number exists."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
    (tmp_path / f"flopprof-{zombie.pid}-x").mkdir()
    remove_abandoned_temporary()
    zombie.wait()
    assert list(tmp_path.iterdir()) == []


def test_what_still_runs_when_a_run_ends_is_ended_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with temporary_folder() as temporary:
        agent = sleeper(temporary)
    assert not is_running(agent)
    assert list(tmp_path.iterdir()) == []
