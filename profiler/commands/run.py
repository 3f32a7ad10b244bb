"""`flopprof run`: a run that is watched from a terminal and may be ended there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from ...scenarios.plan.step import Step
from ..capture.run import Listener
from ..capture.whole_run import RunOutcome, RunRequest, run_scenario
from ..errors import Interrupted
from ..terminal.output import tell
from ..terminal.progress import show_progress


class Terminal:
    """Hears of a run on standard error."""

    def tell(self, line: str) -> None:
        """Print it."""
        tell(line)

    def follow(
        self, steps: Sequence[Step], *, control: bool, all_steps: Sequence[Step]
    ) -> AbstractContextManager[Listener]:
        """A progress bar."""
        return show_progress(steps, control=control, all_steps=all_steps)


def run_on_terminal(request: RunRequest) -> RunOutcome:
    """Run a scenario, with its progress on standard error. Raises FlopprofError, Interrupted."""
    terminal = Terminal()
    try:
        return run_scenario(request, terminal)
    except Interrupted as interrupted:
        terminal.tell(str(interrupted))
        raise
