"""The commit of the folder that flopprof runs in: what a change of times may come from."""

from __future__ import annotations

import subprocess
from pathlib import Path

_PATIENCE = 5.0
"""Seconds; a repository on a slow disk is not waited for."""

_MOST_SUBJECT = 72


def describe_commit(folder: Path) -> str | None:
    """``1a2b3c4 (dirty) Subject`` of the commit that is checked out there; None where there is none or no git."""
    told = _ask(folder, "log", "-1", "--format=%h%x09%s")
    if not told:
        return None
    name, _, subject = told.partition("\t")
    dirty = _ask(folder, "status", "--porcelain", "--untracked-files=no")
    short = subject if len(subject) <= _MOST_SUBJECT else f"{subject[: _MOST_SUBJECT - 1]}…"
    return " ".join([name, *(["(dirty)"] if dirty else []), short]).strip()


def _ask(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
