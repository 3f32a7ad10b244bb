"""A watched child process: its exit code, its output, its end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest
from flopprof.profiler.recorders.child import run_child
from running.patience import wait_until

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_exit_code_and_output_are_the_childs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = run_child(
        python("print('hello'); raise SystemExit(7)"), ENVIRONMENT, output=log, while_waiting=lambda: None
    )
    assert (code, log.read_text()) == (7, "hello\n")


def test_a_killed_child_has_a_negative_exit_code(tmp_path: Path) -> None:
    kill = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert run_child(kill, ENVIRONMENT, output=tmp_path / "log", while_waiting=lambda: None) == -9


def test_an_interrupt_ends_the_child_and_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    family = python(
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r} + '.new', 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(pids)!r} + '.new', {str(pids)!r})\n"
        "time.sleep(600)\n"
    )

    def interrupt() -> None:
        if pids.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_child(family, ENVIRONMENT, output=tmp_path / "log", while_waiting=interrupt)
    wait_until(lambda: not any(_runs(int(pid)) for pid in pids.read_text().split()))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
