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


class RunHeldError(CaptureError):
    """Another process is writing the run."""

    def __init__(self, run: Path) -> None:
        super().__init__(f"{run}: another flopprof is writing this run; wait until it has ended")


class RecorderMissing(CaptureError):
    """Nsight Systems was asked for and is not usable."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"--recorder nsys: {problem}; install Nsight Systems (make nsys, or see README.md), "
            "or use --recorder embedded"
        )


class Interrupted(Exception):
    """The user ended the run; what was complete is kept. Exit code 130."""


class ProfileError(CaptureError):
    """A program could not be profiled; exit code 125, as that of `env`, `nohup` and `timeout`."""

    exit_code = 125


class CannotExecute(ProfileError):
    """The program is there and cannot be run."""

    exit_code = 126

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


class CommandNotFound(ProfileError):
    """No such program."""

    exit_code = 127

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: no such command; give a path, or a program on PATH")


class InterpreterMissing(ProfileError):
    """A script whose first line names a program that is not there."""

    exit_code = 127

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}: its interpreter is not there; mend its first line, or install that program"
        )
