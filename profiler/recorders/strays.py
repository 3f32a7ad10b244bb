"""Processes that a killed run left behind, found by the private TMPDIR that it gave to everything it started."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

from ...analysis.processes.stalling import find_strays

PATIENCE_SECONDS = 3.0
"""nsys ends within a second or so of SIGTERM."""


def end_strays(temporary: Path) -> None:
    """End what runs with ``temporary``, a folder no other run was ever given, as its TMPDIR: SIGTERM, then SIGKILL."""
    strays = list(find_strays(temporary))
    for process in strays:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(strays, timeout=PATIENCE_SECONDS)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(strays, timeout=PATIENCE_SECONDS)
