"""A document as plain terminal text of at most ``WIDTH`` columns, with bars.

Of long sweeps it shows the tables' main rows and says what it left out; nothing is left out of the other
formats. Colour only when asked for.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.cells import cell_len

from ...analysis.words import Severity
from ..document.document import Column, Document, Name, Notice, Row, Section, Table, Value
from ..document.names import fold_names, shorten
from ..document.tables import format_cell

WIDTH = 100

_BAR_WIDTH, _SHORTEST_BAR, _GAP, _NARROWEST = 24, 8, "  ", 12

_GLYPHS = {
    "time": "█",
    "kernel": "█",
    "compute": "█",
    "memcpy": "▓",
    "memset": "▒",
    "graph": "▇",
    "launch": "L",
    "latency": "·",
    "sync": "s",
    "api": "a",
    "host": "h",
    "unknown": "?",
    "wait": "w",
}

_STYLES: dict[Severity, str] = {"error": "31", "warning": "33", "info": "2"}

_LABELS: dict[Severity, str] = {"error": "ERROR", "warning": "WARNING", "info": "note"}


def render_text(document: Document, *, colour: bool = False, files: Sequence[str] = ()) -> str:
    """The report; ``files`` are named at its end, beside the folder they lie in."""
    title = _paint(_wrap(document.title + (f" — {document.about}" if document.about else "")), "1", colour)
    recorder = _wrap(document.recorder) if document.recorder else []
    summary = _wrap(document.summary) if document.summary else []
    opening = _blank_before([line for text in document.opening for line in _wrap(text, "• ", "  ")])
    if document.headlines:
        errors = [notice for notice in document.warnings if notice.severity == "error"]
        others = [notice for notice in document.warnings if notice.severity != "error"]
        lines = [*title, *_blank_before(_list_notices(errors, colour)), *opening]
        lines += _blank_before([*recorder, *summary]) + _blank_before(_list_notices(others, colour))
    else:
        lines = [*recorder, *title, *summary]
        lines += _blank_before(_list_notices(document.warnings, colour)) + opening
    for at, section in enumerate(document.sections):
        lines += _render_section(section, colour)
        lines += _explain(document, colour) if at == 0 else []
    facts = [f"{name}: {text}" for name, text in document.facts]
    lines += _blank_before([line for fact in facts for line in _wrap(fact, "", "    ")])
    lines += _blank_before(_name_files(document.folder, files))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _blank_before(lines: list[str]) -> list[str]:
    return ["", *lines] if lines else []


def _paint(lines: Iterable[str], style: str, colour: bool) -> list[str]:
    return [f"\x1b[{style}m{line}\x1b[0m" if colour else line for line in lines]


def _wrap(text: str, first: str = "", rest: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _list_notices(notices: Sequence[Notice], colour: bool) -> list[str]:
    return [
        line
        for notice in notices
        for line in _paint(
            _wrap(f"{_LABELS[notice.severity]}: {notice.text}"), _STYLES[notice.severity], colour
        )
    ]


def _name_files(folder: str, files: Sequence[str]) -> list[str]:
    if not folder:
        return []
    names = f" ({', '.join(files)})" if files else ""
    return textwrap.wrap(f"Files: {folder}{names}", WIDTH, subsequent_indent="  ", break_long_words=False)


def _explain(document: Document, colour: bool) -> list[str]:
    """Why, after the first table."""
    if not document.in_full:
        return []
    lines = ["", *_paint(["Why"], "1", colour)]
    for explanation in document.in_full:
        lines.append(f"[{explanation.title}]")
        lines += [line for text in explanation.sentences for line in _wrap(text, "• ", "  ")]
    return lines


def _render_section(section: Section, colour: bool) -> list[str]:
    lines: list[str] = []
    for table in section.tables:
        if not any(row.main for row in table.rows):
            continue
        lines += ["", *_paint([table.title], "1", colour), *_render_table(table)]
    return lines


def _render_table(table: Table) -> list[str]:
    rows = [row for row in table.rows if row.main]
    at = _choose_columns(table, rows)
    columns = [table.columns[i] for i in at]
    values = [[row.cells[i] for i in at] for row in rows]
    widths = [_width(table, rows, i) for i in at]
    bar = _fit(columns, widths, bars=bool(table.bar_parts))
    lines = [_line(columns, [column.heading for column in columns], widths)]
    group = ""
    for row, texts in zip(rows, _write_cells(columns, values, widths), strict=True):
        if row.group != group:
            group = row.group
            lines.append(f"[{group}]")
        first, *rest = _lines(columns, texts, widths)
        lines += [first + (_GAP + _draw_bar(table, row, bar) if bar else ""), *rest]
    left_out = len(table.rows) - len(rows)
    notes = [*table.notes, *_legend(table, rows)]
    notes += [f"{left_out} more rows are in the other formats."] if left_out else []
    return [*lines, *(line for note in notes for line in _wrap(note, "  ", "    "))]


def _choose_columns(table: Table, rows: Sequence[Row]) -> list[int]:
    """Columns that say something in these rows; the last ones give way where the line is too short."""
    known = [any(row.cells[at] is not None for row in rows) for at, _ in enumerate(table.columns)]
    at = [i for i, column in enumerate(table.columns) if known[i] and not column.detail]
    least = [_width(table, rows, i) for i in at]
    least = [n if table.columns[i].numeric else min(n, _NARROWEST) for n, i in zip(least, at, strict=True)]
    while len(at) > 1 and sum(least) + len(_GAP) * (len(at) - 1) > WIDTH:
        at, least = at[:-1], least[:-1]
    return at


def _width(table: Table, rows: Sequence[Row], at: int) -> int:
    column = table.columns[at]
    return max(map(cell_len, (column.heading, *(format_cell(row.cells[at], column) for row in rows))))


def _fit(columns: Sequence[Column], widths: list[int], *, bars: bool) -> int:
    """Narrow the widest texts in ``widths`` until a line fits; the width left for its bar, or 0."""
    room = WIDTH - len(_GAP) * (len(widths) - 1)
    least = sum(n if c.numeric else min(n, _NARROWEST) for n, c in zip(widths, columns, strict=True))
    widths[:] = (
        width if column.numeric else min(width, room) for width, column in zip(widths, columns, strict=True)
    )
    bars = bars and least + len(_GAP) + _SHORTEST_BAR <= room
    bar = max(_SHORTEST_BAR, min(_BAR_WIDTH, room - sum(widths) - len(_GAP))) if bars else 0
    room -= bar + len(_GAP) if bars else 0
    while sum(widths) > room:
        texts = [at for at, column in enumerate(columns) if not column.numeric]
        widths[max(texts, key=lambda at: widths[at])] -= 1
    return bar


def _write_cells(
    columns: Sequence[Column], values: Sequence[Sequence[Value]], widths: Sequence[int]
) -> list[list[str]]:
    """The cells' texts; names folded to their column's width, so that two never look the same."""
    folds = [
        fold_names([v.full for row in values if isinstance(v := row[at], Name)], width)
        for at, width in enumerate(widths)
    ]
    return [
        [
            fold[value.full] if isinstance(value, Name) else format_cell(value, column)
            for value, column, fold in zip(row, columns, folds, strict=True)
        ]
        for row in values
    ]


def _lines(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int]) -> list[str]:
    """A row, as many lines as its longest prose takes."""
    cells = [
        _wrap_cell(text, width) if column.prose else [text]
        for column, text, width in zip(columns, texts, widths, strict=True)
    ]
    return [_line(columns, pieces, widths) for pieces in zip_longest(*cells, fillvalue="")]


def _wrap_cell(text: str, width: int) -> list[str]:
    """Pieces of at most ``width`` columns; a character may take two of them."""
    most = width if cell_len(text) == len(text) else width // 2
    return textwrap.wrap(text, most, break_on_hyphens=False) or [""]


def _line(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for column, text, width in zip(columns, texts, widths, strict=True):
        shown = text if cell_len(text) <= width else shorten(text, width)
        pad = " " * max(0, width - cell_len(shown))
        parts.append(pad + shown if column.numeric else shown + pad)
    return _GAP.join(parts)


def _draw_bar(table: Table, row: Row, width: int) -> str:
    """Parts end where their running sum does, so that rounding errors do not add up."""
    drawn, total = "", 0.0
    for part, length in zip(table.bar_parts, row.bar, strict=False):
        total += length
        drawn += _GLYPHS.get(part, "█") * (round(total * width) - len(drawn))
    return drawn or ("▏" if total > 0 else "")


def _legend(table: Table, rows: Sequence[Row]) -> list[str]:
    """What the glyphs of a bar of several parts stand for."""
    if len(table.bar_parts) < 2:
        return []
    parts: dict[str, list[str]] = {}
    for at, part in enumerate(table.bar_parts):
        if any(row.bar[at] > 0 for row in rows if row.bar):
            parts.setdefault(_GLYPHS.get(part, "█"), []).append(part)
    legend = ", ".join(f"{glyph} {' or '.join(names)}" for glyph, names in parts.items())
    return [f"bar: {legend}"] if legend else []
