"""`flopprof run`: a run that is watched from a terminal and may be ended there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ...scenarios.plan.step import Step
from ..capture.run import Listener
from ..capture.whole_run import RunOutcome, RunRequest, run_scenario
from ..errors import Interrupted
from ..terminal.output import tell
from ..terminal.progress import show_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Hears of a run on standard error; a quiet one shows nothing of it."""

    quiet: bool = False

    def tell(self, line: str) -> None:
        """Print it."""
        if not self.quiet:
            tell(line)

    def follow(
        self, steps: Sequence[Step], *, control: bool, all_steps: Sequence[Step]
    ) -> AbstractContextManager[Listener]:
        """A progress bar, or a line a step where there is no terminal."""
        return show_progress(steps, control=control, all_steps=all_steps, say=self.tell)


def run_on_terminal(request: RunRequest, *, quiet: bool = False) -> RunOutcome:
    """Run a scenario, with its progress on standard error. Raises FlopprofError, Interrupted."""
    terminal = Terminal(quiet=quiet)
    try:
        outcome = run_scenario(request, terminal)
    except Interrupted as interrupted:
        tell(str(interrupted))
        raise
    if quiet:  # else its report says it
        for step in outcome.result.steps:
            if step.status == "failed":
                tell(f"{step.label} failed: {step.reason}")
    return outcome
