# pyright: strict
"""Steps: the passes of a program's loop, one after the other."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable

from .nvtx_calls import Color, fixed_attributes, nvtx


class _OpenSteps(threading.local):
    """The step that each thread has open."""

    step: Step | None = None
    ends_at_exit: bool = False


_open = _OpenSteps()

CountStep = Callable[[], None]
"""Says what the step that is ending computed, by a mark."""

step_counters: list[CountStep] = []
"""Those who count: they are asked when a step ends, the last one before its end."""


open_steps: set[Step] = set()
"""Those of all threads that have not ended."""


class Step:
    """One pass of a loop; as a context manager it ends with its block."""

    __slots__ = ("_nvtx", "_started")

    def __init__(self, name: str, flops: float | None, bytes: float | None, color: Color | None) -> None:
        self._nvtx = nvtx()
        # Start/end rather than push/pop: a step may begin inside a range and outlast it.
        attributes, mark = fixed_attributes(self._nvtx, name, flops, bytes, color)
        self._started = self._nvtx.start(attributes)
        if self._started is not None:
            open_steps.add(self)
        if mark is not None:
            self._nvtx.mark(mark)

    def __enter__(self) -> Step:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End it, if it has not ended."""
        if self._started is not None:
            for count_step in step_counters:
                count_step()
            self._nvtx.end(self._started)
            self._started = None
            open_steps.discard(self)
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
