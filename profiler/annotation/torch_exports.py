# pyright: strict
"""Tensors that a module hands to another library: what that computes with them is not seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .replacing import Undo, replace_function, undo_all
from .torch_frames import frames

DOORS = {"numpy": "NumPy", "__dlpack__": "another library"}
"""Methods of tensors by which others get them, and who."""


def watch_exports() -> Undo:
    """See tensors being handed out."""
    return undo_all([replace_function(torch.Tensor, name, _telling(to)) for name, to in DOORS.items()])


def _telling(to: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    reason = f"a tensor was handed to {to}, whose work PyTorch does not see"

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def hand_out(*args: Any, **kwargs: Any) -> Any:
            if not torch.compiler.is_compiling():
                thread = frames().thread
                if thread.tally is not None and not thread.aside:
                    thread.tally.unknown[reason] = None
            return original(*args, **kwargs)

        return hand_out

    return make
