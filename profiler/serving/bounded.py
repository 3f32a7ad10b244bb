"""Answers of a bounded size: what does not fit is left out, and the answer says what, and how to ask for it.

An answer is a head and tables. Rows are shown from ``offset`` on as long as they fit; long names and lists in a row
are shortened where the row is large. Every cut is an entry of ``cut``: ``{where, shown, of, ask}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from .sizes import CHARACTERS

_FOR_CUTS = 0.3
"""The part of an answer that is kept for saying what was cut."""

_STEPS = ((400, 12), (160, 6), (80, 3), (40, 3), (20, 0))
"""Most characters of a text and most entries of a list in it, from a little to a lot shortened."""

_MOST_CUTS = 12

Row = Mapping[str, Any]

Ask = Callable[[str, int], str]
"""How to ask for the rows of a table from one on."""


@dataclass(slots=True)
class _Cuts:
    """What was left out so far."""

    found: list[dict[str, object]] = field(default_factory=list)

    def add(self, where: str, shown: int, of: int, ask: str) -> None:
        self.found.append({"where": where, "shown": shown, "of": of, "ask": ask})


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a name, from one on; ``limit`` is the most that are wanted."""

    name: str
    rows: Sequence[Row]
    offset: int = 0
    limit: int = 20


def write(value: object) -> str:
    """A value as the JSON that is sent: ASCII, so that no name can steer a terminal, and without spaces."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def size_of(value: object) -> int:
    """Characters of a value as JSON."""
    return len(write(value))


def bound(head: Row, tables: Sequence[Table], ask: Ask, characters: int = CHARACTERS) -> dict[str, Any]:
    """The head and as many rows as fit in so many characters of JSON, with what was cut."""
    cuts, room = _Cuts(), int(characters * (1 - _FOR_CUTS))
    answer = _shortened(dict(head), "", room // 3, cuts, "ask with a shorter path or a narrower range")
    for left, table in zip(range(len(tables), 0, -1), tables, strict=True):
        answer[table.name] = _fill(table, (room - size_of(answer)) // left, cuts, ask)
    told = cuts.found[:_MOST_CUTS]
    while True:
        rest = len(cuts.found) - len(told)
        more = [{"where": f"{rest} more places", "shown": 0, "of": rest, "ask": "one table at a time"}]
        whole = {**answer, "cut": [*told, *(more if rest else [])]}
        if size_of(whole) <= characters or not told:
            return whole
        told.pop()


def _fill(table: Table, room: int, cuts: _Cuts, ask: Ask) -> list[Any]:
    """The rows that fit."""
    wanted = table.rows[table.offset : table.offset + table.limit]
    each = max(room // max(len(wanted), 1), min(room, 1_500))
    shown: list[Any] = []
    for at, row in enumerate(wanted):
        mine = _Cuts()
        place = table.offset + at
        where = f"{table.name}[{place}]"
        alone = (
            f"{ask(table.name, place)}, limit=1" if table.limit > 1 else "flopprof with --json says it whole"
        )
        short = _shortened(dict(row), where, min(each, room), mine, alone)
        if size_of(short) > room and not shown:  # so that whoever asks on gets on
            mine, short = _Cuts(), {"left_out": "a row that is too large even when shortened"}
            mine.add(where, 0, size_of(row), "flopprof with --json says it whole")
        room -= size_of(short) + 2
        if room < 0 and shown:
            break
        shown.append(short)
        cuts.found += mine.found
    end = table.offset + len(shown)
    if end < len(table.rows):
        cuts.add(table.name, len(shown), len(table.rows), ask(table.name, end))
    return shown


def _shortened(row: dict[str, Any], where: str, room: int, cuts: _Cuts, ask: str) -> dict[str, Any]:
    """The row itself where it fits, else with its texts and lists shortened until it does."""
    if size_of(row) <= room:
        return row
    short, mine = row, _Cuts()
    for text, entries in _STEPS:
        mine = _Cuts()
        short = cast("dict[str, Any]", _shorten(row, where, text, entries, mine, ask))
        if size_of(short) <= room:
            break
    cuts.found += mine.found
    return short


def _shorten(value: Any, where: str, text: int, entries: int, cuts: _Cuts, ask: str) -> Any:
    if isinstance(value, str) and len(value) > text:
        cuts.add(where, text, len(value), ask)
        return f"{value[:text]}…"
    if isinstance(value, (list, tuple)):
        if len(value) > entries:
            cuts.add(where, entries, len(value), ask)
        return [
            _shorten(one, f"{where}[{at}]", text, entries, cuts, ask)
            for at, one in enumerate(value[:entries])
        ]
    if isinstance(value, dict):
        kept = list(value.items())[: max(entries * 8, 24)]
        if len(kept) < len(value):
            cuts.add(where, len(kept), len(value), ask)
        return {
            name[:200]: _shorten(one, f"{where}.{name}".lstrip(".")[:200], text, entries, cuts, ask)
            for name, one in kept
        }
    return value
