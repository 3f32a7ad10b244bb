"""A table as lines of a terminal: columns that fit its width, one unit each, and bars in what is left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len

from ..document.document import Column, Name, Row, Table
from ..document.names import fold_names, shorten, shorten_apart
from ..document.numbers import Unit
from ..document.units import choose_units, format_cell, head_in_unit
from .bars import draw_bar, explain_glyphs
from .screen import Screen
from .wrapping import cut, pad, wrap

_BAR_WIDTH, _SHORTEST_BAR, _GAP, _NARROWEST = 24, 8, "  ", 12

_WIDE_SHARE = 4
"""Of a wide screen bars may take one part of so many."""

VERDICT_STYLES = {
    "faster": "32",
    "slower": "31",
    "unsure": "33",
    "same": "2",
    "failed": "31",
    "damaged": "31",
    "skipped": "33",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """The columns of a table that are shown, with their units, and the rows' cells as text."""

    places: list[int]
    columns: list[Column]
    units: list[Unit | None]
    headings: list[str]


def render_table(table: Table, screen: Screen) -> list[str]:
    """The main rows, with what the table says below itself."""
    rows = [row for row in table.rows if row.main]
    shown, widths = _choose_columns(table, rows, screen.width)
    bar = _fit(shown.columns, widths, screen.width, bars=bool(table.bar_parts))
    lines = [_line(shown.columns, shown.headings, widths, screen)]
    group = bars = ""
    for row, texts in zip(rows, _write_cells(shown, rows, widths), strict=True):
        if row.group != group:
            group = row.group
            lines.append(screen.paint(cut(f"[{group}]", screen.width), "1"))
        first, *rest = _lines(shown.columns, texts, widths, screen)
        drawn = draw_bar(table.bar_parts, row.bar, bar, screen)
        bars += drawn if bar else ""
        lines += [first + (_GAP + drawn if bar else ""), *rest]
    left_out = len(table.rows) - len(rows)
    notes = [*_notes_of(table, shown), *_legend(table, rows, bars)]
    notes += [f"{left_out} more rows are in the other formats."] if left_out else []
    return [*lines, *(line for note in notes for line in wrap(note, screen.width, "  ", "    "))]


def _notes_of(table: Table, shown: _Shown) -> list[str]:
    """Those that do not begin with the title of a column that is left out."""
    told = {column.title for column in shown.columns}
    left_out = {column.title for column in table.columns if column.detail} - told
    return [note for note in table.notes if note.partition(": ")[0] not in left_out]


def _choose_columns(table: Table, rows: Sequence[Row], width: int) -> tuple[_Shown, list[int]]:
    """Columns that say something in these rows; the last ones give way where the line is too short."""
    known = [any(row.cells[at] is not None for row in rows) for at, _ in enumerate(table.columns)]
    places = [i for i, column in enumerate(table.columns) if known[i] and not column.detail]
    units = choose_units(table.columns, rows)
    shown = _Shown(
        places=places,
        columns=[table.columns[at] for at in places],
        units=[units[at] for at in places],
        headings=[head_in_unit(table.columns[at], units[at]) for at in places],
    )
    widths = [_width(shown, rows, at) for at in range(len(places))]
    least = [_least(column, n) for column, n in zip(shown.columns, widths, strict=True)]
    kept = len(places)
    while kept > 1 and sum(least[:kept]) + len(_GAP) * (kept - 1) > width:
        kept -= 1
    shown = _Shown(
        places=places[:kept],
        columns=shown.columns[:kept],
        units=shown.units[:kept],
        headings=shown.headings[:kept],
    )
    return shown, [n if c.whole else min(n, width) for n, c in zip(widths, shown.columns, strict=False)]


def _least(column: Column, width: int) -> int:
    """How narrow a column may become that would be so wide."""
    return width if column.numeric or column.whole else min(width, _NARROWEST)


def _width(shown: _Shown, rows: Sequence[Row], at: int) -> int:
    place, column, unit = shown.places[at], shown.columns[at], shown.units[at]
    cells = (format_cell(row.cells[place], column, unit) for row in rows)
    return max(map(cell_len, (shown.headings[at], *cells)))


def _fit(columns: Sequence[Column], widths: list[int], width: int, *, bars: bool) -> int:
    """Narrow the widest texts in ``widths`` until a line fits; the width left for its bar, or 0."""
    room = width - len(_GAP) * (len(widths) - 1)
    least = sum(map(_least, columns, widths))
    bars = bars and least + len(_GAP) + _SHORTEST_BAR <= room
    most = max(_BAR_WIDTH, width // _WIDE_SHARE)
    bar = max(_SHORTEST_BAR, min(most, room - sum(widths) - len(_GAP))) if bars else 0
    room -= bar + len(_GAP) if bars else 0
    while sum(widths) > room:
        texts = [at for at, column in enumerate(columns) if not column.numeric and not column.whole] or [0]
        if columns[texts[0]].whole:
            break
        widths[max(texts, key=lambda at: widths[at])] -= 1
    return bar


def _write_cells(shown: _Shown, rows: Sequence[Row], widths: Sequence[int]) -> list[list[str]]:
    """The cells' texts; names folded to their column's width, so that two never look the same."""
    values = [[row.cells[at] for at in shown.places] for row in rows]
    folds = [
        fold_names([v.full for row in values if isinstance(v := row[at], Name)], width)
        for at, width in enumerate(widths)
    ]
    texts = [
        [
            fold[value.full] if isinstance(value, Name) else format_cell(value, column, unit)
            for value, column, unit, fold in zip(row, shown.columns, shown.units, folds, strict=True)
        ]
        for row in values
    ]
    return [
        list(row)
        for row in zip(*map(_tell_apart, shown.columns, zip(*texts, strict=True), widths), strict=True)
    ]


def _tell_apart(column: Column, texts: Sequence[str], width: int) -> Sequence[str]:
    """The texts of a column, so cut that those that differ look different; those that need no cutting as they are."""
    if column.numeric or column.prose or column.whole or any(cell_len(text) != len(text) for text in texts):
        return texts
    short = shorten_apart(texts, width)
    return [short[text] for text in texts]


def _lines(
    columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int], screen: Screen
) -> list[str]:
    """A row, as many lines as its longest prose takes."""
    cells = [
        (wrap(text, width, rest="") or [""]) if column.prose else [text]
        for column, text, width in zip(columns, texts, widths, strict=True)
    ]
    return [_line(columns, pieces, widths, screen) for pieces in zip_longest(*cells, fillvalue="")]


def _line(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int], screen: Screen) -> str:
    return _GAP.join(
        screen.paint(pad(_cut(text, width), width, right=column.numeric), VERDICT_STYLES.get(text, ""))
        for column, text, width in zip(columns, texts, widths, strict=True)
    )


def _cut(text: str, width: int) -> str:
    """Its middle left out, so that both ends of a name stay readable; by columns where characters take two."""
    if cell_len(text) <= width:
        return text
    return shorten(text, width) if cell_len(text) == len(text) else cut(text, width)


def _legend(table: Table, rows: Sequence[Row], drawn: str) -> list[str]:
    if len(table.bar_parts) < 2 or not drawn:
        return []
    used = table.list_drawn(rows)
    return [explain_glyphs(used, drawn)] if used else []


_VERDICT = re.compile(r"\b(faster|slower|same|unsure)\b")


def paint_verdicts(line: str, screen: Screen) -> str:
    """A sentence with the words of its verdict in colour."""
    if not screen.colour:
        return line
    return _VERDICT.sub(lambda found: screen.paint(found[0], VERDICT_STYLES[found[0]]), line)
