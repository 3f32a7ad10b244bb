"""Processes that a killed run left behind, found by the private TMPDIR that it gave to everything it started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

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


def find_strays(temporary: Path) -> Iterator[psutil.Process]:
    """Living processes of this user that were started with ``temporary`` as their TMPDIR."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            is_mine = process.uids().effective == os.geteuid()
            if is_mine and process.environ().get("TMPDIR") == str(temporary):
                yield process
