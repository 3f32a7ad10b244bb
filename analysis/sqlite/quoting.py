"""Names of tables and columns in SQL text."""

from __future__ import annotations


def quote_name(name: str) -> str:
    """An identifier for SQL text; names come from the file and may hold anything."""
    return '"' + name.replace('"', '""') + '"'
