"""What a folder holds, known without loading what reads it."""

from __future__ import annotations

from pathlib import Path

PLAN, PROFILE, JOB = "plan.json", "profile.json", "job.json"
"""The record that makes a folder a run of a scenario, a recorded program, or a job of several."""


def is_program_folder(path: Path) -> bool:
    """Whether a folder holds a recorded program; with a plan.json it is a run of a scenario, whatever else it holds."""
    return (path / PROFILE).is_file() and not is_run_folder(path)


def is_run_folder(path: Path) -> bool:
    """Whether a folder holds a run of a scenario."""
    return (path / PLAN).is_file()


def is_job_folder(path: Path) -> bool:
    """Whether a folder holds what the ranks of a job left, each a recorded program of its own."""
    if is_run_folder(path) or (path / PROFILE).exists():
        return False
    return (path / JOB).is_file() or any(path.glob(f"*rank*/{PROFILE}"))
