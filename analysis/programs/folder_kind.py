"""What a folder holds, known without loading what reads it."""

from __future__ import annotations

from pathlib import Path


def is_program_folder(path: Path) -> bool:
    """Whether a folder holds a recorded program; with a plan.json it is a run of a scenario, whatever else it holds."""
    return (path / "profile.json").is_file() and not (path / "plan.json").exists()
