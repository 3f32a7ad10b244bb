"""A child process that is watched, told to end politely, and never left behind."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from ...analysis.processes.asking import NoAnswer, ask_program
from .hanging import RecorderHangs

POLL_SECONDS = 0.05

PATIENCE_SECONDS = {signal.SIGINT: 30.0, signal.SIGTERM: 10.0}
"""nsys writes its report within a second or so of SIGINT; a kill would leave its agent and target running."""


HANGING_SECONDS = {signal.SIGTERM: 3.0}
"""For a recorder that does not answer."""

ASK_SECONDS = 120


def ask(program: Path, *arguments: str, failing: str = "") -> str:
    """All that a program says to some arguments; where it could not be asked, why, with `failing` before it."""
    try:
        return ask_program([program, *arguments], ASK_SECONDS).text
    except NoAnswer as error:
        return f"{failing}{program} {error}"


def run_child(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: Path,
    while_waiting: Callable[[], None],
) -> int:
    """Run ``command`` in a session of its own, its output in a file; its exit code, negative for a signal.

    ``while_waiting`` is called several times a second. Whatever interrupts the wait (Ctrl-C, an error) ends
    the child and its descendants before it is raised again.
    """
    with output.open("ab") as log:
        child = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while child.poll() is None:
            while_waiting()
            time.sleep(POLL_SECONDS)
    except BaseException as error:
        end_child(child, HANGING_SECONDS if isinstance(error, RecorderHangs) else PATIENCE_SECONDS)
        raise
    while_waiting()
    return child.returncode


def end_child(
    child: subprocess.Popen[bytes], patience_seconds: Mapping[signal.Signals, float] = PATIENCE_SECONDS
) -> None:
    """SIGINT, then SIGTERM, then SIGKILL; then whatever descendants are still there."""
    descendants = _descendants(child.pid)
    for sign, patience in patience_seconds.items():
        if _ends_within(child, sign, patience):
            break
    else:
        child.kill()
        child.wait()
    for process in psutil.wait_procs(descendants, timeout=2)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _ends_within(child: subprocess.Popen[bytes], sign: signal.Signals, patience: float) -> bool:
    child.send_signal(sign)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=patience)
    return child.returncode is not None


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
