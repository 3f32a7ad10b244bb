"""`flopprof run`: load, plan, capture, account, report."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..analysis.account import account_run
from ..analysis.ceilings import ceilings_path, read_ceilings
from ..analysis.results import RunResult
from ..reports.publish import render, write_reports
from ..scenarios.errors import FlopprofError
from ..scenarios.load import load_scenario
from ..scenarios.plan import Plan, expand_plan
from .capture import CaptureOptions, capture_run
from .machine import missing_reason
from .progress import show_progress
from .recorder import Choice, choose_recorder


class NothingToRun(FlopprofError):
    """Every combination of a scenario was skipped, or --strict forbids skipping."""

    def __init__(self, plan: Plan) -> None:
        reasons = "; ".join(f"{label}: {reason}" for label, reason in plan.skipped)
        what = "nothing of it can run here" if not plan.steps else "--strict, and part of it cannot run here"
        super().__init__(
            f"{plan.path}: {what} ({reasons}); see 'flopprof doctor' or choose with --set backends=…"
        )


class NothingInTurn(FlopprofError):
    """--interleave without the pass that it is about."""

    def __init__(self) -> None:
        super().__init__("--interleave orders the untraced pass, which --no-control leaves out; choose one")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the user asked for."""

    scenario: str
    overrides: tuple[str, ...] = ()
    recorder: Choice = "auto"
    out: Path | None = None
    control: bool = True
    interleave: bool = False
    keep_report: bool = False
    strict: bool = False
    format: Literal["text", "json"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What came of it."""

    folder: Path
    result: RunResult
    report: str

    @property
    def has_failures(self) -> bool:
        """Whether a step failed."""
        return any(step.status == "failed" for step in self.result.steps)

    @property
    def has_lost_data(self) -> bool:
        """Whether the trace says that events are missing."""
        return any(note.severity == "error" for note in self.result.quality)


def run_scenario(request: RunRequest) -> RunOutcome:
    """Run a scenario whole. Raises FlopprofError, Interrupted."""
    if request.interleave and not request.control:
        raise NothingInTurn
    plan = expand_plan(load_scenario(request.scenario, request.overrides), missing_reason)
    if not plan.steps or (request.strict and plan.skipped):
        raise NothingToRun(plan)
    recorder = choose_recorder(request.recorder)
    for line in [f"skipped {label}: {reason}" for label, reason in plan.skipped]:
        print(line, file=sys.stderr)
    if recorder.note:
        print(f"embedded recorder: {recorder.note}", file=sys.stderr)
    options = CaptureOptions(
        recorder=recorder,
        out=request.out,
        control=request.control,
        interleave=request.interleave,
        keep_report=request.keep_report,
        ceilings=read_ceilings(ceilings_path()),
        command=(
            *("flopprof", "run", request.scenario, *(f"--set={o}" for o in request.overrides)),
            *(["--interleave"] if request.interleave else []),
        ),
    )
    with terminate_as_interrupt(), show_progress(plan, control=request.control) as on_message:
        folder = capture_run(plan, options, on_message)
    result = account_run(folder)
    write_reports(result, folder)
    return RunOutcome(folder=folder, result=result, report=render(result, request.format))


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C: children are ended and what is complete is kept."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
