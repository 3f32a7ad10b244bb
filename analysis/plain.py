"""Dataclasses as plain dicts and lists, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field
from functools import cache
from typing import Any, Final

NOT_WRITTEN: Final[Mapping[str, bool]] = {"written": False}
"""Metadata of a field that is for reports alone, and in no JSON or CSV."""

_PLAIN = frozenset({int, float, str, bool, type(None)})


@cache
def written_fields(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass that JSON and CSV have."""
    fields: Mapping[str, Field[Any]] = kind.__dataclass_fields__
    return tuple(name for name, one in fields.items() if one.metadata.get("written", True))


def to_plain(value: Any) -> Any:
    """Dataclasses and tuples as dicts and lists, recursively, for JSON."""
    kind = type(value)
    if kind in _PLAIN:  # by far the most
        return value
    if hasattr(kind, "__dataclass_fields__"):
        return {name: to_plain(getattr(value, name)) for name in written_fields(kind)}
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    return value.model_dump(mode="json") if hasattr(kind, "model_dump") else value
