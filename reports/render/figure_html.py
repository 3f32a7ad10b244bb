"""A figure in a page: each panel an SVG in the page's colours, what they stand for, and its numbers to take away."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from ..charts.chart import draw_panel
from ..charts.colours import VARIABLES
from ..charts.legend import list_key
from ..data.figure_csv import figure_to_csv
from ..document.document import Figure
from .terms import Terms

_MOST_ACROSS = 3

_LONG_DIGITS = re.compile(r"(\d+\.\d)\d+")

_TAG = re.compile(r"<[^>]*>")

_WIDTH = re.compile(r'width="([\d.]+)pt"')

_LOCAL_NAMES = re.compile(r'(\bid="|"#|url\(#)')

_SVG_FONT = re.compile(r"font: ([\d.]+)px [^;\"]*")


def render_figure(figure: Figure, *, terms: Terms) -> Markup:
    """The whole ``<figure>``."""
    return Markup(
        '<figure id="f-{name}" style="--n:{count}"><h3>{title}</h3><div class="panels {kind}">{panels}</div>{key}'
        "<figcaption>{caption} {csv}</figcaption></figure>"
    ).format(
        name=figure.name,
        count=min(len(figure.panels), _MOST_ACROSS),
        title=figure.title,
        kind=figure.kind,
        panels=Markup("").join(inline_panel(figure, at) for at in range(len(figure.panels))),
        key=_render_key(figure),
        caption=terms.explain(figure.caption),
        csv=render_csv(figure.name, figure_to_csv(figure)),
    )


def render_csv(name: str, text: str) -> Markup:
    """What the script makes a button of, which saves it as NAME.csv."""
    return Markup('<template class="csv" data-name="{}">{}</template>').format(name, text)


def inline_panel(figure: Figure, at: int) -> Markup:
    """One panel as an SVG element whose ids are its own."""
    text = draw_panel(figure, at)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for mark, variable in VARIABLES.items():
        text = text.replace(mark, variable)
    text = _TAG.sub(lambda tag: _LONG_DIGITS.sub(r"\1", tag[0]), text)
    text = _SVG_FONT.sub(r"font-size: \1px", text)
    text = _LOCAL_NAMES.sub(rf"\g<1>{figure.name}-{at}-", text)
    text = re.sub(r"\n\s*", "\n", text)
    width = _WIDTH.search(text)
    style = f"max-width:{float(width[1]) * 4 / 3:.0f}px" if width else ""
    alt = escape(f"{figure.alt} {figure.panels[at].title}".replace("\n", " "))
    return Markup(text.replace("<svg", f'<svg role="img" aria-label="{alt}" style="{style}"', 1))


def _render_key(figure: Figure) -> Markup:
    entries = list_key(figure)
    if not entries:
        return Markup("")
    items = [
        Markup('<span><i class="{2}" style="--c:{1}"></i>{0}</span>').format(*entry) for entry in entries
    ]
    return Markup('<p class="note key">{}</p>').format(Markup("").join(items))
