"""How far a run is, on stderr: a bar with the time left on a terminal, else a line for each step that has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...analysis.runs.records import StepRecord
from ...reports.document.numbers import format_value
from ...scenarios.plan.step import Step
from ..capture.run import Listener
from ..capture.watching import PASS_WORDS
from ..worker.job import Finished, Message, PassName, Started
from .output import tell

PATIENCE_SECONDS = 5.0
"""A run that is done sooner needs no lines."""

Say = Callable[[str], None]


@contextmanager
def show_progress(
    steps: Sequence[Step],
    *,
    control: bool,
    all_steps: Sequence[Step],
    console: Console | None = None,
    say: Say = tell,
) -> Iterator[Listener]:
    """A listener that moves the bar over the steps to run; where stderr is no terminal it says lines.

    ``all_steps`` of the plan, where evidence may be of others too.
    """
    console = console or Console(stderr=True)
    labels = {step.key: step.label for step in all_steps}
    if not console.is_terminal:
        yield ProgressLines(labels=labels, total=len(steps), control=control, say=say).listen
        return
    ended: set[tuple[PassName, str]] = set()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
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


@dataclass(slots=True, kw_only=True)
class ProgressLines:
    """A line for each step that has ended, for logs; none of a run that is over before anyone would look."""

    labels: dict[str, str]
    """Of all steps of the plan."""
    total: int
    """How many are to run."""
    control: bool
    say: Say
    clock: Callable[[], float] = time.monotonic
    _begun: float | None = None
    _ended: set[str] = field(default_factory=set[str])
    _held: list[str] = field(default_factory=list[str])

    def listen(self, which: PassName, message: Message) -> None:
        """Say it, once the run has lasted a while; what ended before is said then, too."""
        now = self.clock()
        self._begun = now if self._begun is None else self._begun
        if isinstance(message, Finished) and which == ("control" if self.control else "traced"):
            self._ended.add(message.record.key)
            self._held.append(self._describe(message.record))
        if now - self._begun >= PATIENCE_SECONDS:
            for line in self._held:
                self.say(line)
            self._held.clear()

    def _describe(self, record: StepRecord) -> str:
        measured = record.control or record.traced
        if record.status == "failed":
            end = "failed"
        elif measured is None or not measured.samples_ns:
            end = "done"
        else:
            end = f"{format_value(median(measured.samples_ns), 'time')} a rep"
        return f"{len(self._ended)}/{self.total} {self.labels[record.key]}: {end}"
