"""python.json: where the Python of a recorded program was, sampled from inside it."""

from __future__ import annotations

from collections.abc import Iterator

from ..runs.records import Record
from ..words import FORMAT

SAMPLES_FILE = "python.json"


class Function(Record):
    """A Python function; of its file the name alone is kept."""

    name: str
    file: str
    line: int
    """Where it begins."""
    own: bool
    """Whether it is the program's, not a library's."""

    @property
    def label(self) -> str:
        """As it is found again: ``train_step (train.py:31)``."""
        return f"{self.name} ({self.file}:{self.line})" if self.line else self.name


class Stack(Record):
    """Where a thread was, from the outermost function inwards, how often, and how much it computed there."""

    functions: list[int]
    samples: int
    ns: int
    """The time since the sample before each."""
    cpu_ns: int | None = None
    """CPU time of the thread since its sample before; None where the system does not say."""


class SampledThread(Record):
    """A thread of a process of the program."""

    pid: int
    name: str
    main: bool
    stacks: list[Stack]

    @property
    def samples(self) -> int:
        """Of all stacks."""
        return sum(stack.samples for stack in self.stacks)

    @property
    def ns(self) -> int:
        """Of all stacks."""
        return sum(stack.ns for stack in self.stacks)


class PythonSamples(Record):
    """What a thread of the sampler's own saw, so often a second, of all others."""

    flopprof: int = FORMAT
    hz: float
    functions: list[Function]
    threads: list[SampledThread]

    @property
    def main_thread(self) -> SampledThread | None:
        """The main thread that was seen most often; None where nothing was."""
        mains = [thread for thread in self.threads if thread.main] or self.threads
        return max(mains, key=lambda thread: thread.samples, default=None)

    def stacks(self, thread: SampledThread) -> Iterator[tuple[list[Function], Stack]]:
        """A thread's stacks with their functions."""
        for stack in thread.stacks:
            yield [self.functions[at] for at in stack.functions], stack
