"""A program that profiles itself by PyTorch: a process has one such profiler, and the program's own comes first.

Nothing of flopprof is imported: this file is also loaded alone, into programs whose Python has no flopprof.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .torch_activity import TorchActivity


class GivingWay:
    """Records device activity whenever the program does not have torch's profiler for itself."""

    def __init__(self, activity: TorchActivity) -> None:
        self._activity = activity
        self._is_wanted = self._is_programs = False

    def begin(self) -> None:
        """Record from now on."""
        if not self._is_wanted:
            self._is_wanted = True
            if self._is_programs:
                self._activity.leave_out()
            else:
                self._activity.start()

    def end(self) -> None:
        """Write what was recorded."""
        if self._activity.problem is not None or (self._is_wanted and not self._is_programs):
            self._activity.stop()

    def watch(self, profiler: Any) -> None:
        """Notice what the program has ``torch.autograd.profiler`` begin and end.

        ``emit_nvtx`` would take the one profiler to make ranges in C++, where nothing is here to read them: it does
        nothing.
        """
        for name in ("_prepare_profiler", "_enable_profiler"):
            setattr(profiler, name, self._programs_begin(getattr(profiler, name)))
        profiler._disable_profiler = self._programs_end(profiler._disable_profiler)
        profiler.emit_nvtx.__enter__ = lambda emitter: emitter
        profiler.emit_nvtx.__exit__ = lambda *_: False

    def _give_way(self) -> None:
        if not self._activity.is_switching and not self._is_programs:
            self._is_programs = True
            if self._is_wanted:
                self._activity.stop(gives_way=True)

    def _go_on(self) -> None:
        if not self._activity.is_switching and self._is_programs:
            self._is_programs = False
            if self._is_wanted:
                self._activity.start()

    def _programs_begin(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def begin(*args: Any, **kwargs: Any) -> Any:
            self._give_way()
            try:
                return call(*args, **kwargs)
            except Exception:
                self._go_on()
                raise

        return begin

    def _programs_end(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def end(*args: Any, **kwargs: Any) -> Any:
            try:
                return call(*args, **kwargs)
            finally:
                self._go_on()

        return end
