"""The picture of a report's first screen in characters: for each backend its times as bars of one scale."""

from __future__ import annotations

from rich.cells import cell_len

from ..document.document import Bar, BarGroup, Picture
from ..document.names import shorten_apart
from ..document.numbers import format_value
from .bars import draw_bar, explain_glyphs
from .screen import Screen
from .wrapping import cut, pad, wrap

_GAP, _INDENT, _BAR, _SHORTEST = "  ", "  ", 40, 12

_LABEL, _TITLE = 28, 32


def render_picture(picture: Picture, screen: Screen) -> list[str]:
    """A line for each bar; a group's name stands before its first one, or over it where there is no room."""
    bars = [bar for group in picture.groups for bar in group.bars]
    if not bars:
        return []
    label = min(_LABEL, max(cell_len(bar.label) for bar in bars))
    time = max(cell_len(_time(bar)) for bar in bars)
    title = max(cell_len(group.title) for group in picture.groups)
    room = screen.width - label - time - 2 * len(_GAP)
    beside = title <= _TITLE and room - title - len(_GAP) >= _SHORTEST
    bar_width = min(_BAR, room - (title + len(_GAP) if beside else len(_INDENT)))
    short = shorten_apart((bar.label for bar in bars), label)
    lines: list[str] = []
    drawn: list[str] = []
    for group in picture.groups:
        longest = max(bar.longest_ns for bar in group.bars) or 1.0
        heads = _heads(group, title, beside=beside)
        if not beside and group.title:
            lines.append(cut(group.title, screen.width))
        for head, bar in zip(heads, group.bars, strict=True):
            text = pad(short[bar.label], label) + _GAP + pad(_time(bar), time, right=True)
            drawn.append(_draw(bar, longest, bar_width, screen))
            lines.append(head + text + _GAP + drawn[-1])
    parts = [name for bar in bars for name, _ in bar.parts]
    legend = explain_glyphs(parts, "".join(drawn)) if len(set(parts)) > 1 else ""
    return [*lines, *(wrap(legend, screen.width, _INDENT, "    ") if legend else [])]


def _heads(group: BarGroup, width: int, *, beside: bool) -> list[str]:
    if not beside:
        return [_INDENT] * len(group.bars)
    return [pad(group.title if at == 0 else "", width) + _GAP for at in range(len(group.bars))]


def _time(bar: Bar) -> str:
    return format_value(bar.time_ns, "time")


def _draw(bar: Bar, longest: float, width: int, screen: Screen) -> str:
    """The layers of its traced window, stretched to its time: that of a rep without a recorder is the one told."""
    whole = sum(ns for _, ns in bar.parts)
    parts = bar.parts if whole > 0 else (("time", bar.time_ns),)
    scale = bar.time_ns / (whole or bar.time_ns or 1.0) / longest
    return draw_bar([name for name, _ in parts], [ns * scale for _, ns in parts], width, screen)
