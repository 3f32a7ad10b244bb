"""Why pages are left to SQLite."""

from __future__ import annotations


class Unusual(Exception):
    """Not what this reader understands; SQLite must decide whether it is damage."""


class Damaged(Unusual):
    """A b-tree that contradicts itself, also where SQLite would not stumble over it."""
