# pyright: strict
"""Kernels that a program launches itself, by Triton, past PyTorch's dispatcher."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..flops.call import Uncountable
from ..flops.registry import registry, whole
from .replacing import Undo, Watch, replace_function
from .torch_frames import frames

TRITON = "triton.runtime.jit"


def watch_kernels() -> Undo:
    """Count launches, also where Triton is loaded later: whoever launches a kernel has loaded it by then."""
    watch = Watch([_watch_triton])
    state = frames()

    def begin() -> None:
        if TRITON in sys.modules:
            watch.begin()

    begin()
    state.before_counting.append(begin)

    def end() -> None:
        state.before_counting.remove(begin)
        watch.end()

    return end


def _watch_triton() -> Undo:
    kernel = getattr(sys.modules[TRITON], "JITFunction", None)
    return replace_function(kernel, "run", _make_run) if kernel is not None else lambda: None


def _make_run(original: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("warmup"):
            _count(self, args, kwargs)
        return original(self, *args, **kwargs)

    return run


def _count(kernel: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    thread = frames().thread
    if thread.tally is None or thread.aside:
        return
    name = f"the Triton kernel {getattr(kernel, '__name__', kernel)}"
    formula = registry().find_kernel(kernel)
    if formula is None:
        thread.tally.unknown[f"{name} has no formula"] = None
        return
    own = {key: value for key, value in kwargs.items() if key not in ("grid", "warmup")}
    try:
        thread.tally.count("", whole(formula(*args, **own)))
    except Uncountable as reason:
        thread.tally.unknown[f"{name}: {reason}"] = None
    except Exception as error:  # a program that runs must not end because it cannot be counted
        thread.tally.unknown[f"{name}: its formula failed ({type(error).__name__})"] = None
