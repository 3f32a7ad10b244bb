"""A tool tried for real: a small program run under it, watched, its words kept."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from ..recorders.child import run_child
from ..recorders.environment import allowed_environment
from ..recorders.hanging import HangWatch, RecorderHangs
from ..recorders.recorder import last_line

PROBE_SECONDS = 60.0


def watch_probe(command: Sequence[str], folder: Path, name: str) -> str | None:
    """Run it with its output in `folder`, which is its TMPDIR; what went wrong with what is called `name`, or None."""
    log = folder / "output.txt"
    watch = HangWatch(program=Path(command[0]), private=folder, output=log)
    until = time.monotonic() + PROBE_SECONDS

    def check() -> None:
        watch.check("to come")
        if time.monotonic() > until:
            raise RecorderHangs(Path(command[0]), f"it has not ended in {PROBE_SECONDS:.0f} s")

    try:
        code = run_child(command, allowed_environment(os.environ, folder), output=log, while_waiting=check)
    except RecorderHangs as error:
        return str(error)
    except OSError as error:
        return f"{name} cannot be started: {error.strerror}"
    return None if code == 0 else f"{name} failed with exit code {code}: {last_line(log)}"
