# pyright: strict
"""Steps: the passes of a program's loop, one after the other."""

from __future__ import annotations

import atexit
import threading
from typing import Protocol

from .nvtx_calls import Color, fixed_attributes, nvtx


class _OpenSteps(threading.local):
    """The step that each thread has open."""

    step: Step | None = None
    ends_at_exit: bool = False


_open = _OpenSteps()

changing = threading.RLock()
"""Held while a step begins or ends, and by those who count while what they count does: nothing is half in a step."""


class StepCounter(Protocol):
    """Counts what steps compute."""

    def begin_step(self, step: Step) -> None:
        """One has begun."""
        ...

    def end_step(self, step: Step) -> None:
        """Say by marks what the one that is ending computed; it is not among the open ones any more."""
        ...


step_counters: list[StepCounter] = []
"""Those who count."""

open_steps: set[Step] = set()
"""Those of all threads that have not ended."""


def living_steps() -> list[Step]:
    """The open ones but those whose thread is dead: it will not end them, and nothing runs in them."""
    open_steps.difference_update([step for step in open_steps if not step.lives])
    return list(open_steps)


def step_here() -> Step | None:
    """The one that this thread has open."""
    step = _open.step
    return step if step is not None and step.is_open else None


class Step:
    """One pass of a loop; as a context manager it ends with its block."""

    __slots__ = ("__weakref__", "_nvtx", "_started", "_thread", "declares", "name")

    def __init__(self, name: str, flops: float | None, bytes: float | None, color: Color | None) -> None:
        self._nvtx = nvtx()
        self._thread = threading.current_thread()
        self.name, self.declares = name, flops is not None
        # Start/end rather than push/pop: a step may begin inside a range and outlast it.
        attributes, mark = fixed_attributes(self._nvtx, name, flops, bytes, color)
        with changing:
            self._started = self._nvtx.start(attributes)
            if self._started is not None:
                open_steps.add(self)
                for counter in step_counters:
                    counter.begin_step(self)
        if mark is not None:
            self._nvtx.mark(mark)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self._started is not None

    @property
    def is_here(self) -> bool:
        """Whether the thread that asks began it."""
        return self._thread is threading.current_thread()

    @property
    def lives(self) -> bool:
        """Whether its thread does; the main one is called dead while the program's last functions run on it."""
        return self._thread.is_alive() or self._thread is threading.main_thread()

    def __enter__(self) -> Step:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End it, if it has not ended."""
        with changing:
            if self._started is not None:
                open_steps.discard(self)
                for counter in step_counters:
                    counter.end_step(self)
                self._nvtx.end(self._started)
                self._started = None
        if _open.step is self:
            _open.step = None


def mark_step(
    name: str = "step",
    *,
    flops: float | None = None,
    bytes: float | None = None,
    color: Color | None = None,
) -> Step:
    """End this thread's step, if it has one open, and begin the next.

    Called at the top of a loop it needs no block; the last step then ends with the program, or with ``.end()``.

    >>> for batch in range(2):
    ...     step = mark_step()
    >>> step.end()
    """
    if _open.step is not None:
        _open.step.end()
    if not _open.ends_at_exit:
        atexit.register(_end_last_step)
        _open.ends_at_exit = True
    _open.step = Step(name, flops, bytes, color)
    return _open.step


def _end_last_step() -> None:
    if _open.step is not None:
        _open.step.end()
