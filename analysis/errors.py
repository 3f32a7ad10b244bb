"""Failures of reading what was recorded."""

from __future__ import annotations

from pathlib import Path

from ..scenarios.errors import FlopprofError

SENSELESS = (ValueError, TypeError, KeyError, ArithmeticError, AttributeError, IndexError)
"""What computing raises over records that are well formed and cannot be true, of which files from elsewhere may be."""


class TraceError(FlopprofError):
    """A trace file cannot be read."""

    def __init__(self, trace: Path | str, problem: str) -> None:
        super().__init__(f"{trace}: {problem}")
        self.trace = trace
        self.problem = problem


class RunError(FlopprofError):
    """A run folder cannot be read."""

    def __init__(self, run: Path | str, problem: str) -> None:
        super().__init__(f"{run}: {problem}")


class CeilingsError(FlopprofError):
    """The file of measured ceilings cannot be used."""

    def __init__(self, path: Path, problem: str, *, remedy: str = "delete it and calibrate again") -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.problem = problem


class CompareError(FlopprofError):
    """Two sides cannot be compared."""


class RanksError(FlopprofError):
    """The ranks of a job, or many traces, cannot be analysed as asked."""


class StoreError(FlopprofError):
    """The run store cannot be read or written."""

    def __init__(self, store: Path | str, problem: str) -> None:
        super().__init__(f"{store}: {problem}")


class StoreUnwritable(StoreError):
    """The store's database cannot be opened just now: the disk is full, or nothing may be written there."""


class UnknownRun(FlopprofError):
    """An address names no run."""

    def __init__(self, address: str, problem: str) -> None:
        super().__init__(f"{address}: {problem}")


class ArchiveRefused(FlopprofError):
    """A run's archive is damaged, of another version, or not what it says it is; nothing was imported."""

    def __init__(self, archive: Path | str, problem: str) -> None:
        super().__init__(f"{archive}: refused: {problem}; nothing was imported")
