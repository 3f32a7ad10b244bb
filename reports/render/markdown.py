"""A document as GitHub-flavoured Markdown, for issues and pull requests.

Texts from outside are escaped: pipes, backticks and HTML in kernel names, mentions and issue references in
reasons. Tables longer than their main rows fold the whole into ``<details>``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...analysis.words import Severity
from ..document.document import Column, Document, Name, Notice, Row, Table, Value
from ..document.numbers import Unit
from ..document.units import RATES, choose_units, format_in_unit, head_in_unit

_ALERTS: dict[Severity, str] = {"error": "CAUTION", "warning": "WARNING", "info": "NOTE"}

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "#": "&#35;"}

_BACKSLASHED = re.compile(r"([\\`*\[\]|~])|(?<![A-Za-z0-9])(_)|(_)(?![A-Za-z0-9])")

_QUOTED = re.compile("`([^`]+)`")

_AUTOLINK = re.compile(r"(?<=http)(s?)(?=:)|(?<=www)(?=\.)")


def render_markdown(document: Document, *, figures: Mapping[str, str] | None = None) -> str:
    """The report; ``figures`` are the paths, by name, of those figures that lie beside it."""
    opening = "\n".join(f"- {escape_sentence(sentence)}" for sentence in document.opening)
    blocks = [f"# {escape(document.title)}", escape(document.about)]
    blocks += [opening, escape(document.recorder), escape(document.summary), *_alerts(document.warnings)]
    for fold in document.in_full:
        blocks.append(f"**{escape(fold.title)}**")
        blocks.append("\n".join(f"- {escape_sentence(sentence)}" for sentence in fold.sentences))
    for section in document.sections:
        blocks.append(f"## {escape(section.title)}")
        for figure in section.figures:
            if figures and figure.name in figures:
                blocks.append(f"![{escape(figure.alt)}]({figures[figure.name]})")
        for table in section.tables:
            blocks += _table(table)
    blocks += ["## Machine and run"] if document.facts else []
    blocks.append("\n".join(f"- {escape(name)}: {_fact(name, text)}" for name, text in document.facts))
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: str) -> str:
    """Plain text that GitHub shows as it is: no mark-up, HTML, mention, reference or link."""
    text = _BACKSLASHED.sub(r"\\\g<0>", text)
    text = "".join(_ENTITIES.get(char, char) for char in text)
    return _AUTOLINK.sub(r"\1<!-- -->", text)


def escape_sentence(text: str) -> str:
    """The same of a sentence, whose names between backticks are code."""
    parts = _QUOTED.split(text)
    return "".join(escape(part) if at % 2 == 0 else _fence(part) for at, part in enumerate(parts))


def code_span(text: str) -> str:
    """Text as code in a table's cell, whose pipes are escaped."""
    return _fence(text).replace("|", "\\|")


def _fence(text: str) -> str:
    """Text in a fence longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, pad = "`" * (longest + 1), " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _fact(name: str, text: str) -> str:
    return _fence(text) if name == "repeat with" else escape(text)


def _alerts(notices: Sequence[Notice]) -> list[str]:
    alerts = []
    for severity, kind in _ALERTS.items():
        lines = [f"> {escape(notice.text)}" for notice in notices if notice.severity == severity]
        if lines:
            alerts.append(f"> [!{kind}]\n" + "\n>\n".join(lines))
    return alerts


def _table(table: Table) -> list[str]:
    main = [row for row in table.rows if row.main]
    blocks = [_rows(table, main)] if main else []
    if len(main) < len(table.rows):
        summary = f"<summary>All {len(table.rows)} rows</summary>"
        blocks += [f"<details>{summary}", _rows(table, table.rows), "</details>"]
    blocks.append("\n".join(f"- {escape(note)}" for note in table.notes))
    return blocks


def _rows(table: Table, rows: Sequence[Row]) -> str:
    grouped = any(row.group for row in rows)
    at = [i for i, _ in enumerate(table.columns) if any(row.cells[i] is not None for row in rows)]
    columns = [table.columns[i] for i in at]
    units = choose_units(table.columns, rows, RATES)
    heads = [escape(head_in_unit(table.columns[i], units[i])) for i in at]
    lines = [
        _join([*(["where"] if grouped else []), *heads]),
        _join([*(["---"] if grouped else []), *("---:" if column.numeric else "---" for column in columns)]),
    ]
    for row in rows:
        cells = [_cell(row.cells[i], table.columns[i], units[i]) for i in at]
        lines.append(_join([*([escape(row.group)] if grouped else []), *cells]))
    return "\n".join(lines)


def _join(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Value, column: Column, unit: Unit | None) -> str:
    if isinstance(value, Name):
        return code_span(value.short)
    return escape(value) if isinstance(value, str) else format_in_unit(value, column, unit)
