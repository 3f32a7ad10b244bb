# pyright: strict
"""The root of every failure a user can act on.

::

    FlopprofError                 exit code 2, one line
    ├── ScenarioError             scenarios.errors: a scenario file is wrong, with file:line
    ├── StepFailure               scenarios.errors: one step cannot run; the others go on
    │   ├── OutOfMemory
    │   └── BackendUnavailable
    ├── TraceError                analysis.errors: a trace cannot be read
    ├── RunError                  analysis.errors: a run folder cannot be read
    ├── CompareError              analysis.errors: two sides have nothing to compare
    └── CaptureError              profiler.errors: a program cannot be recorded

A leaf takes data and writes its own sentence: what happened, where, what to try. The one place that prints
them is the command line. A bug is a plain exception.
"""

from __future__ import annotations

from pathlib import Path


class FlopprofError(Exception):
    """Something the user can mend; its text is one complete line."""


class ScenarioError(FlopprofError):
    """A scenario file says something flopprof cannot run."""

    def __init__(self, path: Path | str, line: int | None, problem: str) -> None:
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {problem}")


class StepFailure(FlopprofError):
    """One step cannot be run or gave a wrong result; its text is the reason the run records."""


class OutOfMemory(StepFailure):
    """An allocation did not fit."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"out of memory: {detail}; try a smaller size")


class BackendUnavailable(StepFailure):
    """A library, or the device it was asked for, is not there."""
