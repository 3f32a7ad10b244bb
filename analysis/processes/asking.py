"""A program asked for a few words: it has so long to say them, and may say so much.

What answers to the name of nsys may be anything: a script that sleeps, one that writes without end, one whose
children keep its output open. None of them may hold flopprof up, fill its memory, or be left running.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MOST_BYTES = 1 << 22
"""The longest answer; the list of all metrics of Nsight Compute takes a tenth of that."""

LOOK_SECONDS = 0.005

PLACE_DELETED = "the current folder has been deleted: go to one that is there"


class NoAnswer(Exception):
    """A program that could not be started, did not end in time, or does not stop talking."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said on both its streams, and its exit code."""

    text: str
    code: int


def ask_program(command: Sequence[str | Path], seconds: float) -> Answer:
    """All that a program says. Raises NoAnswer."""
    until = time.monotonic() + seconds
    with tempfile.TemporaryFile(prefix="flopprof-") as said:

        def find_problem() -> str | None:
            if os.fstat(said.fileno()).st_size > MOST_BYTES:
                return f"says more than {MOST_BYTES >> 20} MB"
            return f"does not answer in {seconds:g} s" if time.monotonic() > until else None

        # Elsewhere than in a folder that is there nsys does not even say its version.
        code = run_program(command, said, find_problem, cwd="/" if explain_place() else None)
        said.seek(0)
        return Answer(said.read(MOST_BYTES).decode("utf-8", "replace"), code)


def run_program(
    command: Sequence[str | Path],
    output: IO[bytes],
    find_problem: Callable[[], str | None],
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a program, both its streams into a file, as long as there is no problem: its exit code.

    Raises NoAnswer, with the problem, when the program and what it started has been killed.
    """
    try:
        child = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise NoAnswer(f"cannot be started: {error.strerror}") from None
    try:
        while child.poll() is None:
            if problem := find_problem():
                raise NoAnswer(problem)
            time.sleep(LOOK_SECONDS)
    finally:
        _end_group(child)
    return child.returncode


def explain_place() -> str | None:
    """What is wrong with the current folder, or None.

    Nsight Systems does not run in one that has been deleted, and keeps its path as a text.
    """
    try:
        str(Path.cwd()).encode()
    except FileNotFoundError:
        return PLACE_DELETED
    except UnicodeEncodeError:
        return "the current folder's path is not UTF-8: go to another"
    return None


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill a program that is the first of its session, and what it started there; nothing, if it has ended."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
