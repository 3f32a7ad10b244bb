"""A document as one self-contained HTML file: no network, light and dark, printable, usable by keyboard.

Everything from outside passes Jinja2's autoescape or ``markupsafe.escape``; a content security policy
forbids the page to load anything. Figures are inline SVG whose colours follow the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from ...analysis.words import Severity
from ..charts.colours import INLINE, LAYERS, LINES, LINES_ON_DARK, VARIABLES
from ..charts.first_picture import draw_picture
from ..charts.timeline_svg import draw_timeline
from ..document.document import Column, Document, Figure, Name, Row, Table, Value
from ..document.units import RATES, Unit, choose_units, format_in_unit, head_in_unit

if TYPE_CHECKING:
    from jinja2 import Environment


_TEMPLATES = Path(__file__).parent / "templates"

_LABELS: dict[Severity, str] = {"error": "Error", "warning": "Warning", "info": "Note"}

_LONG_DIGITS = re.compile(r"(\d+\.\d)\d+")

_TAG = re.compile(r"<[^>]*>")

_WIDTH = re.compile(r'width="([\d.]+)pt"')

_LOCAL_NAMES = re.compile(r'(\bid="|"#|url\(#)')

_SVG_FONT = re.compile(r"font: ([\d.]+)px [^;\"]*")

_MOST_HEADLINES = 3
"""Sentences that fit the first screen of a phone beside the picture."""

_MOST_FOLDS = 16
"""Backends of a table; beyond these a fold for each would be longer than the table."""

_MOST_WORDS = 60
"""A cell with a longer text may break its line."""


def render_html(document: Document) -> str:
    """The report as one HTML text."""
    names = list(dict.fromkeys(_list_names(document)))
    places = {name: at for at, name in enumerate(names, start=1)}
    figures = [figure for section in document.sections for figure in section.figures]
    tables = [table for section in document.sections for table in section.tables]
    template = _environment().get_template("report.html.j2")
    return template.render(
        document=document,
        labels=_LABELS,
        most=_MOST_HEADLINES,
        errors=sum(notice.severity == "error" for notice in document.warnings),
        timeline=Markup(draw_timeline(document.timeline)) if document.timeline else None,
        picture=Markup(draw_picture(document.picture)) if document.picture else None,
        names=names,
        colour_rules=_colour_rules(),
        drawings={figure.name: inline_svg(figure) for figure in figures},
        tables={table.name: _render_table(table, places, folds=bool(document.headlines)) for table in tables},
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)


def inline_svg(figure: Figure) -> Markup:
    """The figure as an SVG element whose colours are the page's and whose ids are its own."""
    from ..charts.chart import draw_image

    text = draw_image(figure, "svg", theme=INLINE).decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for mark, variable in VARIABLES.items():
        text = text.replace(mark, variable)
    text = _TAG.sub(lambda tag: _LONG_DIGITS.sub(r"\1", tag[0]), text)
    text = _SVG_FONT.sub(r"font-size: \1px", text)
    text = _LOCAL_NAMES.sub(rf"\g<1>{figure.name}-", text)
    text = re.sub(r"\n\s*", "\n", text)
    width = _WIDTH.search(text)
    style = f"--natural:{width[1]}pt" if width else ""
    return Markup(
        text.replace("<svg", f'<svg role="img" aria-label="{escape(figure.alt)}" style="{style}"', 1)
    )


def _colour_rules() -> Markup:
    """Custom properties of lines and layers, and a class per layer for bars in tables."""
    light = "".join(f"--line-{at}:{colour};" for at, colour in enumerate(LINES))
    dark = "".join(f"--line-{at}:{colour};" for at, colour in enumerate(LINES_ON_DARK))
    layers = "".join(f".l-{name}{{background:{colour}}}" for name, colour in LAYERS.items())
    return Markup(
        f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f".l-time{{background:var(--bar)}}{layers}"
    )


def _list_names(document: Document) -> list[str]:
    return [
        value.full
        for section in document.sections
        for table in section.tables
        for row in table.rows
        for value in row.cells
        if isinstance(value, Name)
    ]


def _render_table(table: Table, places: dict[str, int], *, folds: bool) -> Markup:
    """The whole table, where it ``folds`` one part for each backend; cells leave out end tags, which HTML allows,
    to keep 500 steps small.
    """
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row.group, []).append(row)
    if folds and 1 < len(groups) <= _MOST_FOLDS:
        parts = [
            Markup("<details{}><summary>{} <span>({} of {} rows)</span></summary>{}</details>").format(
                Markup("" if at else " open"),
                group,
                len(rows),
                len(table.rows),
                _render_rows(table, rows, places, f"{table.title}, {group}", grouped=False),
            )
            for at, (group, rows) in enumerate(groups.items())
        ]
    else:
        parts = [_render_rows(table, table.rows, places, table.title, grouped=any(groups))]
    return Markup(
        '<div class="listing"><div class="controls" hidden><label>Filter '
        '<input type="search" placeholder="words, all must occur" autocomplete="off"></label>'
        '<span class="count">{rows} of {rows} rows</span></div>{parts}{key}{notes}</div>'
    ).format(
        rows=len(table.rows),
        parts=Markup("").join(parts),
        key=_render_key(table),
        notes=Markup("").join(Markup('<p class="note">{}</p>').format(note) for note in table.notes),
    )


def _render_rows(
    table: Table, rows: Sequence[Row], places: dict[str, int], title: str, *, grouped: bool
) -> Markup:
    heads = [_head("where", "")] if grouped else []
    units = choose_units(table.columns, table.rows, RATES)
    heads += [
        _head(head_in_unit(column, unit), "r" if column.numeric else "")
        for column, unit in zip(table.columns, units, strict=True)
    ]
    heads += [Markup('<th scope="col"><span>bar</span>')] if table.bar_parts else []
    return Markup(
        '<div class="scroll" role="region" tabindex="0" aria-label="{title}"><table>'
        "<thead><tr>{heads}</thead>\n<tbody>\n{body}\n</tbody></table></div>"
    ).format(
        title=title,
        heads=Markup("").join(heads),
        body=Markup("\n").join(_render_row(row, table, places, units, grouped=grouped) for row in rows),
    )


def _head(text: str, kind: str) -> Markup:
    cls = Markup(' class="{}"').format(kind) if kind else ""
    return Markup('<th scope="col" aria-sort="none"{}><button type="button">{}</button>').format(cls, text)


def _render_row(
    row: Row, table: Table, places: dict[str, int], units: Sequence[Unit | None], *, grouped: bool
) -> Markup:
    cells = [Markup("<td>{}").format(row.group)] if grouped else []
    cells += [
        _render_cell(v, c, places, unit) for v, c, unit in zip(row.cells, table.columns, units, strict=True)
    ]
    if table.bar_parts:
        cells.append(Markup("<td>") + _render_bar(row, table))
    return Markup("<tr>") + Markup("").join(cells)


def _render_cell(value: Value, column: Column, places: dict[str, int], unit: Unit | None) -> Markup:
    if isinstance(value, Name):
        return Markup('<td class=k><a href="#k{}">{}</a>').format(places[value.full], value.short)
    if isinstance(value, str):
        return Markup("<td class=w>{}" if len(value) > _MOST_WORDS else "<td>{}").format(value)
    cell = "<td class=r>{}" if column.numeric else "<td>{}"
    return Markup(cell).format(format_in_unit(value, column, unit))


def _render_bar(row: Row, table: Table) -> Markup:
    parts = [
        Markup('<i class="l-{}" style="width:{:.1f}%"></i>').format(part, length * 100)
        for part, length in zip(table.bar_parts, row.bar, strict=False)
        if length >= 0.0005
    ]
    return Markup('<span class=bar aria-hidden="true">{}</span>').format(Markup("").join(parts))


def _render_key(table: Table) -> Markup:
    """What the colours of the bars stand for."""
    used = [
        part
        for at, part in enumerate(table.bar_parts)
        if any(row.bar[at] > 0 for row in table.rows if row.bar)
    ]
    if len(table.bar_parts) < 2 or not used:
        return Markup("")
    items = [Markup('<span><i class="l-{0}"></i>{0}</span>').format(part) for part in used]
    return Markup('<p class="note key">{}</p>').format(Markup("").join(items))
