"""How it is run: recorders, the worker, capture and the command line; and `annotate` for your own programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .annotation.ranges import annotate, mark_step
    from .annotation.torch_modules import annotate_torch


__all__ = ["annotate", "annotate_torch", "mark_step"]


def __getattr__(name: str) -> object:
    """Public names on first use: the command line needs none of them, a program not all."""
    if name in ("annotate", "mark_step"):
        from .annotation import ranges as annotation

        return getattr(annotation, name)
    if name == "annotate_torch":
        from .annotation.torch_modules import annotate_torch

        return annotate_torch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
