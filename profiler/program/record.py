"""profile.json: what `flopprof profile` knows of a recorded program; no arguments, as they may hold secrets."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ...analysis.runs.records import Record
from ...analysis.words import FORMAT
from .capture_range import CaptureRange
from .signals import Ending


class ProfileRecord(Record):
    """The program's name, how it ended, and what recorded it."""

    flopprof: int = FORMAT
    id: str
    program: str
    """The file's name, without its folder and arguments."""
    started_at: str
    """ISO 8601, UTC."""
    wall_seconds: float
    exit_code: int
    """128 + signal for a program that a signal ended."""
    nsys: str | None
    """Its version; None where the program recorded itself."""
    capture_range: str
    captures: int = 1
    """How many times the capture range was recorded; each is a trace of its own."""

    @classmethod
    def of(
        cls,
        file: str,
        name: str,
        started: datetime,
        nsys: str | None,
        capture_range: CaptureRange,
        ending: Ending,
    ) -> ProfileRecord:
        """The record of a program that has ended."""
        return cls(
            id=name,
            program=Path(file).name,
            started_at=started.isoformat(timespec="seconds"),
            wall_seconds=round(ending.wall_seconds, 3),
            exit_code=ending.exit_code,
            nsys=nsys,
            capture_range=str(capture_range),
        )
