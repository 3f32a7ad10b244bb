"""Calls of NVTX that Python programs make, answered here: with no tool around the process they would go nowhere.

Replaced are the functions of the packages nvtx, torch (torch.cuda.nvtx) and cupy (cupy.cuda.nvtx, and by it
cupyx.profiler.time_range), as each is imported. What C++ marks by itself (emit_nvtx, NCCL, cuDNN) is not seen.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from .kept_ranges import KeptRanges

Change = Callable[[ModuleType], None]


def bridges(ranges: KeptRanges) -> dict[str, Change]:
    """What to do with which module once it has been loaded."""
    return {
        "nvtx.nvtx": lambda module: _replace_nvtx(module, ranges),
        "torch.cuda.nvtx": lambda module: _replace_torch(module, ranges),
        "cupy_backends.cuda.libs.nvtx": lambda module: _replace_cupy(module, ranges),
    }


class AfterImport(importlib.abc.MetaPathFinder):
    """Changes modules right after they were loaded, before whoever imports them sees them."""

    def __init__(self, changes: Mapping[str, Change]) -> None:
        self._changes = dict(changes)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module as another finder finds it, with its change after its execution."""
        change = self._changes.pop(fullname, None)
        if change is None:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                _change_after(spec.loader, change)
                return spec
        return None


def _change_after(loader: Any, change: Change) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        change(module)

    loader.exec_module = exec_module


def _replace_nvtx(module: Any, ranges: KeptRanges) -> None:
    """The functions of the nvtx package, with the arguments that they have."""

    class annotate:  # noqa: N801  as nvtx names it
        """A range: a context manager or a decorator."""

        def __init__(
            self,
            message: str | None = None,
            color: object = None,
            domain: str | None = None,
            category: object = None,
            payload: float | None = None,
        ) -> None:
            del color, category
            self._message, self._domain, self._payload = message, domain or "", payload

        def __enter__(self) -> annotate:
            ranges.push(self._message or "", self._domain, self._payload)
            return self

        def __exit__(self, *_: object) -> bool:
            ranges.pop(self._domain)
            return False

        def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
            name = self._message or function.__name__

            @functools.wraps(function)
            def inner(*args: Any, **kwargs: Any) -> Any:
                ranges.push(name, self._domain, self._payload)
                try:
                    return function(*args, **kwargs)
                finally:
                    ranges.pop(self._domain)

            return inner

    def named(
        call: Callable[[str, str, float | None], Any],
    ) -> Callable[..., Any]:
        def function(
            message: str | None = None,
            color: object = None,
            domain: str | None = None,
            category: object = None,
            payload: float | None = None,
        ) -> Any:
            del color, category
            return call(message or "", domain or "", payload)

        return function

    def end_range(range_id: int, *_: object, **__: object) -> None:
        ranges.end(range_id)

    module.annotate = annotate
    module.push_range, module.start_range, module.mark = (
        named(call) for call in (ranges.push, ranges.start, ranges.mark)
    )
    module.pop_range = lambda domain=None: ranges.pop(domain or "")
    module.end_range = end_range


def _replace_torch(module: Any, ranges: KeptRanges) -> None:
    module.range_push = lambda msg: ranges.push(str(msg))
    module.range_pop = ranges.pop
    module.range_start = lambda msg: ranges.start(str(msg))
    module.range_end = ranges.end
    module.mark = lambda msg: ranges.mark(str(msg))


def _replace_cupy(module: Any, ranges: KeptRanges) -> None:
    def push(message: str, *_: object, **__: object) -> None:
        ranges.push(str(message))

    def mark(message: str, *_: object, **__: object) -> None:
        ranges.mark(str(message))

    module.RangePush = module.RangePushC = push
    module.Mark = module.MarkC = mark
    module.RangePop = ranges.pop
