"""A launcher of many ranks, so started that each rank is recorded by a flopprof of its own.

torchrun, and whatever starts ranks by it, runs `PYTHON_EXEC` in place of Python when that is set. It is set to a
script that becomes `flopprof profile` around the Python that would have run. A launcher that knows nothing of it, as
mpirun and srun, leaves no trace, and is told how to put flopprof in between by itself.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from ...analysis.programs.folder_kind import JOB
from ...analysis.programs.job_folder import JobRecord
from ...analysis.programs.record import name_program, spell_command
from ...analysis.runs.lock import hold_folder
from ...analysis.runs.writing import write_record
from ...analysis.store.place import find_store
from ..errors import ProfileError
from ..recorders.folders import make_empty_folder, new_run_id, temporary_folder
from .recording import resolve_program
from .signals import as_shells_say, die_with_parent

PYTHON_EXEC = "PYTHON_EXEC"

OWN_LAUNCHERS = ("mpirun", "mpiexec", "srun", "orterun", "prun")

FORWARDED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)

SCRIPT = """#!/bin/sh
# Made by flopprof: becomes `flopprof profile` around the Python that the launcher would have started.
python={python}
[ -n "$python" ] || python=$(tr '\\0' '\\n' <"/proc/$PPID/cmdline" | head -n 1)
unset PYTHON_EXEC
{restore}exec {flopprof} -- "$python" "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRequest:
    """What to launch, and how each rank is to be profiled."""

    command: Sequence[str]
    ranks: int
    out: Path | None = None
    options: Sequence[str] = ()
    """Of `flopprof profile`, for each rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """How it went: the launcher's exit code, and the traces that came of it."""

    exit_code: int
    folder: Path
    traces: tuple[Path, ...]


def launch_ranks(request: LaunchRequest, environment: Mapping[str, str] = os.environ) -> Launched:
    """Run a launcher until it has ended; each rank leaves its trace in `rankN` of the folder.

    Raises ProfileError when the launcher cannot be run or is one that flopprof cannot get into, OutputFolderError.
    """
    if request.ranks < 2:
        raise ProfileError(f"--ranks must be at least 2, got {request.ranks}")
    program = resolve_program(request.command, environment)
    name = Path(program.file).name
    if name in OWN_LAUNCHERS:
        raise ProfileError(
            f"{name} starts ranks by itself: put flopprof in between, {name} … flopprof profile --out DIR -- "
            "PROGRAM, and then: flopprof ranks DIR"
        )
    started = datetime.now(UTC)
    run_id = new_run_id(f"profile-{name_program(request.command)}", started)
    folder = make_empty_folder(request.out, run_id, store=find_store(None, environment))
    with hold_folder(folder, wait=True), temporary_folder() as temporary:
        script = _write_script(temporary / "python", folder, request.options, environment)
        began = time.monotonic()
        code = _run(program.file, request.command, {**environment, PYTHON_EXEC: str(script)})
        traces = tuple(sorted(folder.glob("*/trace.sqlite")))
        if traces:
            record = JobRecord(
                id=run_id,
                program=name,
                name=name_program(request.command),
                command=spell_command(request.command),
                started_at=started.isoformat(timespec="seconds"),
                wall_seconds=round(time.monotonic() - began, 3),
                exit_code=code,
                ranks=request.ranks,
            )
            write_record(folder / JOB, record)
    with contextlib.suppress(OSError):
        folder.rmdir()  # which only an empty one allows
    return Launched(exit_code=code, folder=folder, traces=traces)


def _write_script(script: Path, folder: Path, options: Sequence[str], environment: Mapping[str, str]) -> Path:
    before = environment.get(PYTHON_EXEC, "")
    flopprof = [sys.executable, "-m", "flopprof.profiler", "profile", f"--out={folder.absolute()}", *options]
    restore = f"export {PYTHON_EXEC}={shlex.quote(before)}\n" if before else ""
    text = SCRIPT.format(python=shlex.quote(before), restore=restore, flopprof=shlex.join(flopprof))
    script.write_text(text, "utf-8")
    script.chmod(0o700)
    return script


def _run(file: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The launcher in a session of its own, signals sent on to it; 128 + signal for one that a signal ended."""
    launcher = subprocess.Popen(
        command, executable=file, env=dict(environment), start_new_session=True, preexec_fn=die_with_parent()
    )
    with _forwarded(launcher):
        code = launcher.wait()
    return as_shells_say(code)


@contextmanager
def _forwarded(launcher: subprocess.Popen[bytes]) -> Iterator[None]:
    def send(number: int, _: FrameType | None) -> None:
        if launcher.poll() is None:
            launcher.send_signal(number)

    before = {n: signal.signal(n, send) for n in FORWARDED if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
