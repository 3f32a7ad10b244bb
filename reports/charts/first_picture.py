"""The picture of the first screen as an SVG text: bars of absolute times, and the ratio over the sizes below them.

It is written by hand, not by matplotlib, so that it is small, follows the page's colours, says its values when
pointed at, and can be read on a phone: its own width is that of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..document.document import Bar, BarGroup, Picture
from ..document.names import shorten
from ..document.numbers import format_value
from .colours import LAYERS
from .ratio_plot import draw_ratios
from .svg_text import WIDTH, Entry, draw_legend, text_at

_BAR_LEFT, _BAR_RIGHT = 102, 334

_ROW, _TITLE_ROW, _BAR_HEIGHT = 18, 17, 13

_LONGEST_LABEL, _LONGEST_TITLE = 15, 60

_SEEN_APART = 0.02
"""Untraced and traced times that differ by less are one line to the eye."""


def draw_picture(picture: Picture) -> str:
    """One ``<svg>`` element."""
    body: list[str] = []
    y = 0.0
    for group in picture.groups:
        body += _draw_group(group, y, picture.of)
        y += _TITLE_ROW + _ROW * len(group.bars) + 5
    legend, height = draw_legend(_entries(picture.groups), y)
    body, y = [*body, *legend], y + height
    if picture.lines:
        ratios, height = draw_ratios(picture, y + 4)
        body, y = [*body, *ratios], y + 4 + height
    if picture.left_out:
        noun = "backend" if picture.left_out == 1 else "backends"
        body.append(text_at(0, y + 11, f"{picture.left_out} more {noun} below", "s"))
        y += 16
    alt = escape(picture.alt)
    return (
        f'<svg class="answer" viewBox="0 0 {WIDTH} {y:.0f}" role="img" aria-label="{alt}">'
        + "".join(body)
        + "</svg>"
    )


def _draw_group(group: BarGroup, top: float, of: str) -> list[str]:
    """A title, and a row for each bar; the longest reaches the right end."""
    longest = max((bar.longest_ns for bar in group.bars), default=0.0) or 1.0
    scale = (_BAR_RIGHT - _BAR_LEFT) / longest
    lines = [text_at(0, top + 12, shorten(group.title, _LONGEST_TITLE), "b")]
    for at, bar in enumerate(group.bars):
        lines += _draw_bar(bar, top + _TITLE_ROW + at * _ROW, scale, of)
    return lines


def _draw_bar(bar: Bar, top: float, scale: float, of: str) -> list[str]:
    lines = [text_at(0, top + 10.5, shorten(bar.label, _LONGEST_LABEL))]
    x = float(_BAR_LEFT)
    for name, ns in bar.parts or (("time", bar.time_ns),):
        said = f"{bar.label}: {name} {format_value(ns, 'time')}{of}"
        fill = LAYERS.get(name, "var(--bar)")
        lines.append(_rect(x, top, ns * scale, fill, said))
        x += ns * scale
    if _told_apart(bar):
        lines.append(
            _mark(bar.time_ns, top, scale, "t", f"{bar.label}: {format_value(bar.time_ns, 'time')} untraced")
        )
    if bar.floor_ns is not None:
        said = f"{bar.label}: its least bytes need {format_value(bar.floor_ns, 'time')} at the memory's roof"
        lines.append(_mark(bar.floor_ns, top, scale, "f", said))
    return [*lines, text_at(WIDTH, top + 10.5, format_value(bar.time_ns, "time"), "e")]


def _told_apart(bar: Bar) -> bool:
    whole = sum(ns for _, ns in bar.parts)
    return bool(bar.parts) and abs(whole - bar.time_ns) > _SEEN_APART * bar.time_ns


def _rect(x: float, top: float, width: float, fill: str, said: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_BAR_HEIGHT}" fill="{fill}">'
        f"<title>{escape(said)}</title></rect>"
    )


def _mark(ns: float, top: float, scale: float, kind: str, said: str) -> str:
    x = _BAR_LEFT + ns * scale
    return f'<path class="{kind}" d="M{x:.1f} {top - 2:.1f}v{_BAR_HEIGHT + 4}"><title>{escape(said)}</title></path>'


def _entries(groups: Sequence[BarGroup]) -> Iterable[Entry]:
    """What the colours and marks that are drawn stand for."""
    bars = [bar for group in groups for bar in group.bars]
    used = {name for bar in bars for name, ns in bar.parts if ns}
    yield from (Entry(name, fill=colour) for name, colour in LAYERS.items() if name in used)
    if any(bar.floor_ns is not None for bar in bars):
        yield Entry("least time for its bytes", mark="f")
    if any(_told_apart(bar) for bar in bars):
        yield Entry("untraced time", mark="t")
