"""A progress bar over the steps of a run, on stderr, with the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..scenarios.plan import Plan
from .capture import Listener
from .job import Finished, Message, PassName, Started

PASS_WORDS: dict[PassName, str] = {"control": "untraced", "traced": "traced"}


@contextmanager
def show_progress(plan: Plan, *, control: bool) -> Iterator[Listener]:
    """A listener that moves the bar; silent when stderr is no terminal."""
    console = Console(stderr=True)
    labels = {step.key: step.label for step in plan.steps}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=len(plan.steps) * (2 if control else 1))

        def listen(which: PassName, message: Message) -> None:
            if isinstance(message, Started):
                progress.update(task, description=f"{labels[message.key]} ({PASS_WORDS[which]})")
            elif isinstance(message, Finished):
                # A step that failed untraced is not traced: both its ticks are done.
                skipped = which == "control" and message.record.status == "failed"
                progress.advance(task, 2 if skipped else 1)

        yield listen
