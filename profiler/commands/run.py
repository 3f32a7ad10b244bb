"""`flopprof run`: a run that is watched from a terminal and may be ended there."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from ...scenarios.plan.step import Step
from ..capture.run import Listener
from ..capture.whole_run import RunOutcome, RunRequest, run_scenario
from ..errors import Interrupted
from ..terminal.progress import show_progress


class Terminal:
    """Hears of a run on standard error."""

    def tell(self, line: str) -> None:
        """Print it."""
        print(line, file=sys.stderr)

    def follow(self, steps: Sequence[Step], *, control: bool) -> AbstractContextManager[Listener]:
        """A progress bar."""
        return show_progress(steps, control=control)


def run_on_terminal(request: RunRequest) -> RunOutcome:
    """Run a scenario, with its progress on standard error. Raises FlopprofError, Interrupted."""
    terminal = Terminal()
    with terminate_as_interrupt():
        try:
            return run_scenario(request, terminal)
        except Interrupted as interrupted:
            terminal.tell(str(interrupted))
            raise


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
