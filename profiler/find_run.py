"""The run a user means by a path."""

from __future__ import annotations

from pathlib import Path


def find_run(address: str) -> Path:
    """The folder of a run."""
    return Path(address)


def lookup_run(address: str) -> Path | None:
    """The folder of a run, None where there is none of this name."""
    path = Path(address)
    return path if path.is_dir() else None
