"""The same function over many traces, each a task of its own, whose failure is its own too.

One way for every executor of `concurrent.futures`: tasks are given out, their outcomes come back in the order of the
tasks, whatever the order in which they end. A task whose worker died is tried once more, alone; then it has failed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import socket
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ...scenarios.errors import FlopprofError

T = TypeVar("T")

Listener = Callable[[int, bool], None]
"""Is told which task ended, and whether it was done."""

LOOK_SECONDS = 5.0
"""How often an engine is asked whether anybody is still there to work."""

DIED_TWICE = "the process that read it died, twice; was there memory enough?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What came of a task: its value, or in one line why there is none."""

    value: T | None = None
    reason: str | None = None


class Engine(Protocol):
    """Where tasks run."""

    @property
    def at_once(self) -> int | None:
        """How many tasks it is given at a time; None for all of them."""
        ...

    @property
    def remote(self) -> bool:
        """Whether tasks may run on other machines."""
        ...

    def open(self, tasks: int) -> AbstractContextManager[Executor]:
        """An executor for at most so many tasks at a time; leaving by an exception ends what still runs."""
        ...

    def is_loss(self, error: BaseException) -> bool:
        """Whether a task failed because its worker went away."""
        ...

    def explain(self, error: BaseException) -> str | None:
        """Why a task failed outside of its function, in words for the user; None where the error says it best."""
        ...

    def why_stuck(self) -> str | None:
        """Why nothing more can be expected, if so."""
        ...


def run_tasks(
    engine: Engine,
    function: Callable[..., T],
    arguments: Sequence[tuple[Any, ...]],
    listen: Listener | None = None,
) -> list[Outcome[T]]:
    """Call a function (of a module, by whose name workers find it) with each arguments; outcomes in their order."""
    run = _Run(engine, function, arguments, listen)
    run.finish()
    return [run.outcomes[at] for at in range(len(arguments))]


class _Run(Generic[T]):
    def __init__(
        self,
        engine: Engine,
        function: Callable[..., T],
        arguments: Sequence[tuple[Any, ...]],
        listen: Listener | None,
    ) -> None:
        self._engine, self._function, self._arguments, self._listen = engine, function, arguments, listen
        self.outcomes: dict[int, Outcome[T]] = {}
        self._waiting = list(range(len(arguments)))
        self._lost: list[int] = []

    def finish(self) -> None:
        """Run all tasks; those that were lost with a worker alone, so that one that kills it takes no other along."""
        while self._waiting:
            with self._engine.open(len(self._waiting)) as executor:
                self._go_on(executor)
        lost, self._lost = self._lost, []
        for task in lost:
            self._waiting = [task]
            with self._engine.open(1) as executor:
                self._go_on(executor)
        for task in self._lost:
            self._end(task, Outcome(reason=DIED_TWICE))

    def _go_on(self, executor: Executor) -> None:
        """Until no task waits, or the executor is broken."""
        running: dict[Future[Outcome[T]], int] = {}
        broken = False
        while (self._waiting and not broken) or running:
            room = self._engine.at_once or len(self._arguments)
            while self._waiting and len(running) < room and not broken:
                task = self._waiting.pop(0)
                running[self._submit(executor, task)] = task
            ended = wait(running, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED).done
            for future in ended:
                broken |= self._collect(running.pop(future), future)
            stuck = None if ended else self._engine.why_stuck()
            if stuck is not None:
                for future in running:
                    future.cancel()
                self._give_up([*running.values(), *self._waiting], stuck)
                return

    def _submit(self, executor: Executor, task: int) -> Future[Outcome[T]]:
        code = identify_code()
        return executor.submit(
            attempt, self._function, self._arguments[task], code, remote=self._engine.remote
        )

    def _collect(self, task: int, future: Future[Outcome[T]]) -> bool:
        """Take a task's outcome; whether its worker went away."""
        error = future.exception()
        if error is None:
            self._end(task, future.result())
            return False
        if self._engine.is_loss(error):
            self._lost.append(task)
            return True
        self._end(task, Outcome(reason=self._engine.explain(error) or _describe(error)))
        return False

    def _give_up(self, tasks: Sequence[int], reason: str) -> None:
        self._waiting = []
        for task in tasks:
            self._end(task, Outcome(reason=reason))

    def _end(self, task: int, outcome: Outcome[T]) -> None:
        self.outcomes[task] = outcome
        if self._listen is not None:
            self._listen(task, outcome.reason is None)


def attempt(function: Callable[..., T], arguments: tuple[Any, ...], code: str, *, remote: bool) -> Outcome[T]:
    """Call a function on a worker; what it raises becomes a reason, as not every exception travels."""
    own = identify_code()
    if own != code:
        return Outcome(
            reason=f"the worker on {socket.gethostname()} has another flopprof ({own}, here {code})"
        )
    try:
        return Outcome(value=function(*arguments))
    except MemoryError:
        reason = "there was not memory enough"
    except (FlopprofError, OSError) as error:
        reason = str(error)
    except Exception as error:
        reason = f"{_describe(error)} at {_place(error)}"
    return Outcome(reason=f"{reason} (on the worker {socket.gethostname()})" if remote else reason)


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


@cache
def identify_code() -> str:
    """This flopprof: its version, and a digest of what analyses traces, which tells two copies of a version apart."""
    folder = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py"), key=lambda file: file.relative_to(folder).parts):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    try:
        version = importlib.metadata.version("flopprof")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return f"{version}+{digest.hexdigest()[:12]}"
