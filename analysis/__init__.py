# pyright: strict
"""What it means: traces read into tables, attributed, broken down, and set against FLOPs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .breakdown.analyze import analyze_file
    from .compare.compare import compare_sides
    from .runs.account import account_run
    from .trace.reading import read_trace


__all__ = ["account_run", "analyze_file", "compare_sides", "read_trace"]

_HOMES = {
    "account_run": ".runs.account",
    "analyze_file": ".breakdown.analyze",
    "compare_sides": ".compare.compare",
    "read_trace": ".trace.reading",
}


if not TYPE_CHECKING:  # a type checker shall tell what is not there

    def __getattr__(name: str) -> object:
        """Public names on first use: each brings pandas."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
