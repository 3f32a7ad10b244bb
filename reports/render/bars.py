"""Bars made of characters: a glyph for each part, and what the glyphs stand for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .screen import Screen

_WHOLE = "█"

_GLYPHS = {
    "time": _WHOLE,
    "kernel": _WHOLE,
    "compute": _WHOLE,
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
    "cpu": _WHOLE,
    "waiting": "·",
}

_STYLES = {
    _WHOLE: "32",
    "▓": "34",
    "▒": "34",
    "▇": "36",
    "L": "31",
    "·": "33",
    "s": "35",
    "a": "33",
    "h": "2",
    "?": "2",
    "w": "35",
}


def draw_bar(parts: Sequence[str], lengths: Sequence[float], width: int, screen: Screen) -> str:
    """Parts end where their running sum does, so that rounding errors do not add up."""
    drawn, total = "", 0.0
    for part, length in zip(parts, lengths, strict=False):
        total += length
        drawn += _GLYPHS.get(part, _WHOLE) * (min(round(total * width), width) - len(drawn))
    drawn = drawn or ("▏" if total > 0 else "")
    if not screen.colour:
        return drawn
    return "".join(
        screen.paint("".join(same), _STYLES.get(glyph, _STYLES[_WHOLE])) for glyph, same in groupby(drawn)
    )


def explain_glyphs(parts: Sequence[str], drawn: str) -> str:
    """What the glyphs that were drawn stand for, of bars of several parts.

    >>> explain_glyphs(["kernel", "launch", "host"], "████L")
    'bar: █ kernel, L launch'
    """
    names: dict[str, list[str]] = {}
    for part in dict.fromkeys(parts):
        if (glyph := _GLYPHS.get(part, _WHOLE)) in drawn:
            names.setdefault(glyph, []).append(part)
    legend = ", ".join(f"{glyph} {' or '.join(found)}" for glyph, found in names.items())
    return f"bar: {legend}" if legend else ""
