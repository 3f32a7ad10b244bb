"""A tool tried for real: a small program run under it, watched, its words kept."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..recorders.child import end_child
from ..recorders.environment import allowed_environment
from ..recorders.recorder import last_line

PROBE_SECONDS = 60.0


def watch_probe(command: Sequence[str], folder: Path, name: str) -> str | None:
    """Run it with its output in `folder`; what went wrong with what is called `name`, or None."""
    log = folder / "output.txt"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            env=allowed_environment(os.environ, folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        code = child.wait(PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        end_child(child)
        return f"{name} did not finish in {PROBE_SECONDS:.0f} s"
    return None if code == 0 else f"{name} failed with exit code {code}: {last_line(log)}"
