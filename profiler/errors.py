"""Failures of recording."""

from __future__ import annotations

from pathlib import Path

from ..scenarios.errors import FlopprofError


class CaptureError(FlopprofError):
    """A program or scenario cannot be recorded here."""


class OutputFolderError(CaptureError):
    """The folder for the results cannot be used."""

    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(f"{folder}: {problem}; choose another with --out DIR")


class RecorderMissing(CaptureError):
    """Nsight Systems was asked for and is not usable."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"--recorder nsys: {problem}; install Nsight Systems (make nsys, or see README.md), "
            "or use --recorder embedded"
        )


class Interrupted(Exception):
    """The user ended the run; what was complete is kept. Exit code 130."""
