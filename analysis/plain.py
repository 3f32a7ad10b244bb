"""Dataclasses as plain dicts and lists, for JSON."""

from __future__ import annotations

from typing import Any

_PLAIN = frozenset({int, float, str, bool, type(None)})


def to_plain(value: Any) -> Any:
    """Dataclasses and tuples as dicts and lists, recursively, for JSON."""
    kind = type(value)
    if kind in _PLAIN:  # by far the most
        return value
    if hasattr(kind, "__dataclass_fields__"):
        return {name: to_plain(getattr(value, name)) for name in kind.__dataclass_fields__}
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    return value.model_dump(mode="json") if hasattr(kind, "model_dump") else value
