# pyright: strict
"""How it is run: recorders, the worker, capture and the command line; and `annotate` for your own programs."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # typing takes longer to import than all that is before the first line of main

if TYPE_CHECKING:
    from .annotation.ranges import annotate
    from .annotation.steps import mark_step
    from .annotation.torch_modules import annotate_torch
    from .flops.registry import register_flops


__all__ = ["annotate", "annotate_torch", "mark_step", "register_flops"]

_HOMES = {
    "annotate": ".annotation.ranges",
    "annotate_torch": ".annotation.torch_modules",
    "mark_step": ".annotation.steps",
    "register_flops": ".flops.registry",
}


if not TYPE_CHECKING:  # a type checker shall tell what is not there

    def __getattr__(name: str) -> object:
        """Public names on first use: the command line needs none of them, a program not all."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
