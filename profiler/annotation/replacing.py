# pyright: strict
"""Putting something in the place of a function of PyTorch's for a while."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

Undo = Callable[[], None]
"""Ends what was begun."""

Watcher = Callable[[], Undo]
"""Begins to watch."""


def replace_function(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Undo:
    """Put what ``make`` makes of a function in its place; undone only while nobody has replaced it again."""
    original = getattr(owner, name)
    replacement = functools.wraps(original)(make(original))
    setattr(owner, name, replacement)

    def undo() -> None:
        if getattr(owner, name) is replacement:
            setattr(owner, name, original)

    return undo


def undo_all(undone: Sequence[Undo]) -> Undo:
    """Several, the last first."""

    def undo() -> None:
        for each in reversed(undone):
            each()

    return undo


class Watch:
    """Watchers that work while anybody needs them."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers
        self._undo: list[Undo] = []
        self.needed = False

    def begin(self) -> None:
        """Begin, unless that has been done."""
        if not self.needed:
            self.needed = True
            self._undo = [begin() for begin in self._watchers]

    def end(self) -> None:
        """End all of it, in the opposite order."""
        self.needed = False
        while self._undo:
            self._undo.pop()()
