"""Who is told how a run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from ...scenarios.plan.step import Step
from ..worker.job import Message, PassName, Started
from .run import Listener

PASS_WORDS: dict[PassName, str] = {
    "control": "untraced",
    "traced": "traced",
    "counters": "counted",
    "metrics": "sampled",
}


class Watcher(Protocol):
    """Is told what the user should know before the report, and hears the workers."""

    def tell(self, line: str) -> None:
        """One sentence: what is skipped, what will not be seen."""
        ...

    def follow(
        self, steps: Sequence[Step], *, control: bool, all_steps: Sequence[Step]
    ) -> AbstractContextManager[Listener]:
        """A listener for as long as ``steps`` run, each in two passes if there is a ``control`` pass.

        Evidence may be of any of the plan's steps.
        """
        ...


class Announcing:
    """Passes everything on as lines, or is silent."""

    def __init__(self, announce: Callable[[str], None] | None) -> None:
        self._announce = announce

    def tell(self, line: str) -> None:
        """Pass it on."""
        if self._announce is not None:
            self._announce(line)

    @contextmanager
    def follow(
        self,
        steps: Sequence[Step],  # noqa: ARG002
        *,
        control: bool,  # noqa: ARG002
        all_steps: Sequence[Step],
    ) -> Iterator[Listener]:
        """A line for every step and pass that begins."""
        labels = {step.key: step.label for step in all_steps}

        def listen(which: PassName, message: Message) -> None:
            if isinstance(message, Started):
                self.tell(f"{labels[message.key]} ({PASS_WORDS[which]})")

        yield listen
