"""A JSON document as text, ASCII only, so that no name can steer a terminal it is printed on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_ROW = json.JSONEncoder(allow_nan=False)

_PIECE = 1 << 16
"""Characters that are handed on at once."""


def render_json(data: Mapping[str, Any]) -> str:
    """One document."""
    return json.dumps(dict(data), indent=1, allow_nan=False) + "\n"


def stream_json(parts: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """A document key by key, for one that is too large to be there as a whole.

    A value that is an iterator is a list, whose elements have a line each.
    """
    pieces: list[str] = []
    size = 0
    for piece in _pieces(parts):
        pieces.append(piece)
        size += len(piece)
        if size > _PIECE:
            yield "".join(pieces)
            pieces.clear()
            size = 0
    yield "".join(pieces)


def _pieces(parts: Iterable[tuple[str, Any]]) -> Iterator[str]:
    before = "{\n "
    for name, value in parts:
        yield f"{before}{json.dumps(name)}: "
        before = ",\n "
        if isinstance(value, Iterator):
            yield from _rows(value)
        else:
            yield json.dumps(value, indent=1, allow_nan=False).replace("\n", "\n ")
    yield "\n}\n"


def _rows(rows: Iterator[Any]) -> Iterator[str]:
    before = "["
    for row in rows:
        yield f"{before}\n  {_ROW.encode(row)}"
        before = ","
    yield "[]" if before == "[" else "\n ]"
