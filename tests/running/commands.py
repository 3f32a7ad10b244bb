"""Commands in the tests' own process: what they print and their exit code, without a second's start of Python."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from flopprof.profiler.commands.app import app


def run_here(*arguments: str | Path, code: int = 0, folder: Path = Path()) -> tuple[str, str]:
    """What one command wrote to its two streams, typed in a folder; it must end with ``code``."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = app([str(argument) for argument in arguments], prog_name="flopprof", standalone_mode=False)
    assert ended == code, (ended, out.getvalue(), err.getvalue())
    return out.getvalue(), err.getvalue()
