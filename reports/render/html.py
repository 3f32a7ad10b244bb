"""A document as one self-contained HTML file: no network, light and dark, printable, usable by keyboard.

Everything from outside passes Jinja2's autoescape or ``markupsafe.escape``; a content security policy
forbids the page to load anything. Figures are inline SVG whose colours follow the page.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from ...analysis.words import Severity
from ..charts.colours import LAYERS, LINES, LINES_ON_DARK
from ..charts.first_picture import draw_picture
from ..charts.timeline_svg import draw_timeline
from ..data.table_csv import table_to_csv
from ..document.document import MOST_HEADLINES, Column, Document, Name, Row, Table, Value
from ..document.numbers import Unit, count_noun
from ..document.units import RATES, choose_units, format_in_unit, head_in_unit
from .figure_html import render_csv, render_figure
from .glossary import Term, explain_column
from .terms import Terms

if TYPE_CHECKING:
    from jinja2 import Environment


_TEMPLATES = Path(__file__).parent / "templates"

_LABELS: dict[Severity, str] = {"error": "Error", "warning": "Warning", "info": "Note"}

_MOST_FOLDS = 16
"""Backends of a table; beyond these a fold for each would be longer than the table."""

_FILTER = Markup(
    '<label>Filter <input type="search" placeholder="words, all must occur" autocomplete="off"></label>'
    '<span class="count">{rows} of {rows} rows</span>'
)

_MOST_WORDS = 60
"""A cell with a longer text may break its line."""


def render_html(document: Document) -> str:
    """The report as one HTML text."""
    names = list(dict.fromkeys(_list_names(document)))
    places = {name: at for at, name in enumerate(names, start=1)}
    terms = Terms()
    tables = {table.name: table for section in document.sections for table in section.tables}
    template = _environment().get_template("report.html.j2")
    return template.render(
        explain=terms.explain,
        terms=terms,
        document=document,
        labels=_LABELS,
        most=MOST_HEADLINES,
        errors=sum(notice.severity == "error" for notice in document.warnings),
        timeline=Markup(draw_timeline(document.timeline)) if document.timeline else None,
        picture=Markup(draw_picture(document.picture)) if document.picture else None,
        names=names,
        colour_rules=_colour_rules(),
        render_figure=partial(render_figure, terms=terms),
        render_table=partial(_render_table, places=places, terms=terms, folds=bool(document.headlines)),
        hidden_columns=Markup("").join(
            _hide_details(table, folds=bool(document.headlines)) for table in tables.values()
        ),
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)


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


def _hide_details(table: Table, *, folds: bool) -> Markup:
    """A rule for the columns that a reader need not see, until they are asked for."""
    groups = {row.group for row in table.rows}
    shift = 1 + (len(groups) > 1 and not _is_folded(groups, folds=folds))
    at = [place + shift for place, column in enumerate(table.columns) if column.detail]
    places = ",".join(f":nth-child({place})" for place in at)
    return Markup(f"#t-{table.name}:not(.more) tr>:is({places}){{display:none}}") if at else Markup("")


def _is_folded(groups: Collection[str], *, folds: bool) -> bool:
    """Whether each group of rows is a table of its own."""
    return folds and 1 < len(groups) <= _MOST_FOLDS


def _render_table(table: Table, *, places: dict[str, int], terms: Terms, folds: bool) -> Markup:
    """The whole table, where it ``folds`` one part for each backend; cells leave out end tags, which HTML allows,
    to keep 500 steps small.
    """
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row.group, []).append(row)
    if _is_folded(groups, folds=folds):
        parts = [
            Markup("<details{}><summary>{} <span>({} of {} rows)</span></summary>{}</details>").format(
                Markup("" if at else " open"),
                group,
                len(rows),
                len(table.rows),
                _render_rows(table, rows, places, f"{table.title}, {group}", terms, grouped=False),
            )
            for at, (group, rows) in enumerate(groups.items())
        ]
    else:
        place = (
            Markup('<p class="note">{}</p>').format(next(iter(groups))) if len(groups) == 1 else Markup("")
        )
        rows = _render_rows(table, table.rows, places, table.title, terms, grouped=len(groups) > 1)
        parts = [place if any(groups) else Markup(""), rows]
    return Markup(
        '<div class="listing" id="t-{name}"><div class="controls" hidden>{find}{more}{csv}</div>'
        "{parts}{key}{notes}</div>"
    ).format(
        name=table.name,
        find=_FILTER.format(rows=len(table.rows)) if len(table.rows) > 1 else "",
        more=_render_more(table),
        csv=render_csv(table.name, table_to_csv(table)),
        parts=Markup("").join(parts),
        key=_render_key(table),
        notes=Markup("").join(
            Markup('<p class="note">{}</p>').format(terms.explain(note)) for note in table.notes
        ),
    )


def _render_more(table: Table) -> Markup:
    """A button for the columns that are hidden at first."""
    count = sum(column.detail for column in table.columns)
    if not count:
        return Markup("")
    return Markup('<button type="button" class="copy all" aria-pressed="false">{}</button>').format(
        count_noun(count, "more column")
    )


def _render_rows(
    table: Table, rows: Sequence[Row], places: dict[str, int], title: str, terms: Terms, *, grouped: bool
) -> Markup:
    heads = [_head("where", "where", "", None)] if grouped else []
    units = choose_units(table.columns, table.rows, RATES)
    for column, unit in zip(table.columns, units, strict=True):
        term = explain_column(column)
        if term is not None:
            terms.meet(term)
        heads.append(_head(column.key, head_in_unit(column, unit), "r" if column.numeric else "", term))
    heads += [Markup('<th scope="col"><span>bar</span>')] if table.bar_parts else []
    return Markup(
        '<div class="scroll" role="region" tabindex="0" aria-label="{title}"><table>'
        "<thead><tr>{heads}</thead>\n<tbody>\n{body}\n</tbody></table></div>"
    ).format(
        title=title,
        heads=Markup("").join(heads),
        body=Markup("\n").join(_render_row(row, table, places, units, grouped=grouped) for row in rows),
    )


def _head(key: str, text: str, kind: str, term: Term | None) -> Markup:
    cls = Markup(' class="{}"').format(kind) if kind else ""
    said = Markup(' title="{}"').format(term.means) if term is not None else ""
    return Markup(
        '<th scope="col" aria-sort="none" data-key="{}"{}{}><button type="button">{}</button>'
    ).format(key, cls, said, text)


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
    used = table.list_drawn(table.rows)
    if len(table.bar_parts) < 2 or not used:
        return Markup("")
    items = [Markup('<span><i class="l-{0}"></i>{0}</span>').format(part) for part in used]
    return Markup('<p class="note key">{}</p>').format(Markup("").join(items))
