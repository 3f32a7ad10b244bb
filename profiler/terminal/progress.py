"""A progress bar over the steps of a run, on stderr, with the time left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...scenarios.plan.step import Step
from ..capture.run import Listener
from ..capture.watching import PASS_WORDS
from ..worker.job import Finished, Message, PassName, Started


@contextmanager
def show_progress(
    steps: Sequence[Step],
    *,
    control: bool,
    all_steps: Sequence[Step] | None = None,
    console: Console | None = None,
) -> Iterator[Listener]:
    """A listener that moves the bar over the steps to run; silent when stderr is no terminal.

    ``all_steps`` of the plan, where evidence may be of others too.
    """
    console = console or Console(stderr=True)
    labels = {step.key: step.label for step in all_steps or steps}
    ended: set[tuple[PassName, str]] = set()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=len(steps) * (2 if control else 1))

        def listen(which: PassName, message: Message) -> None:
            if isinstance(message, Started):
                progress.update(task, description=f"{labels[message.key]} ({PASS_WORDS[which]})")
            elif isinstance(message, Finished) and which not in ("counters", "metrics"):
                ended.add((which, message.record.key))
                if which == "control" and message.record.status == "failed":
                    ended.add(("traced", message.record.key))  # a step that failed untraced is not traced
                progress.update(task, completed=len(ended))

        yield listen
