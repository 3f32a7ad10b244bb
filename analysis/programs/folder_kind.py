"""What a folder holds, known without loading what reads it."""

from __future__ import annotations

from pathlib import Path

PLAN, PROFILE = "plan.json", "profile.json"
"""The record that makes a folder a run of a scenario, or a recorded program."""


def is_program_folder(path: Path) -> bool:
    """Whether a folder holds a recorded program; with a plan.json it is a run of a scenario, whatever else it holds."""
    return (path / PROFILE).is_file() and not is_run_folder(path)


def is_run_folder(path: Path) -> bool:
    """Whether a folder holds a run of a scenario."""
    return (path / PLAN).is_file()


def is_job_folder(path: Path) -> bool:
    """Whether a folder holds what the ranks of a job left, each a recorded program of its own."""
    return not is_run_folder(path) and not (path / PROFILE).exists() and any(path.glob(f"rank*/{PROFILE}"))
