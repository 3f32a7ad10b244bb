"""Text broken into lines by the columns that it takes on a screen, where some characters take two."""

from __future__ import annotations

import re
import textwrap

from rich.cells import cell_len

_TIED = "\N{NO-BREAK SPACE}"

_UNIT = re.compile(r"(?<=\d) (?=(?:%|[nµm]?s|[kMGT]?B(?:/s)?|[kMGTP]?FLOP(?:/s)?)(?:[\s.,;:)]|$))")


def tie_units(text: str) -> str:
    """The text with its numbers tied to their units, so that no line ends between them.

    >>> tie_units("13.5 % of 12 ms").count(" ")
    2
    """
    return _UNIT.sub(_TIED, text)


def wrap(text: str, width: int, first: str = "", rest: str = "  ", *, whole: bool = False) -> list[str]:
    """Lines of at most ``width`` columns, no number without its unit; ``whole`` words stay so, however long they are.

    >>> wrap("one two three", 9, "• ")
    ['• one two', '  three']
    """
    most = width if cell_len(text) == len(text) else max(4, width // 2)
    tied = tie_units(text)
    lines = textwrap.wrap(
        tied,
        most,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=not whole,
    )
    return [line.replace(_TIED, " ") for line in lines]


def cut(text: str, width: int) -> str:
    """The text on one line, its end cut off where it is too long.

    >>> cut("a long title", 8)
    'a long…'
    """
    if cell_len(text) <= width:
        return text
    kept = text[: width - 1]
    while cell_len(kept) >= width:
        kept = kept[:-1]
    return f"{kept.rstrip(' —·,;:')}…"


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text with spaces up to ``width`` columns."""
    spaces = " " * max(0, width - cell_len(text))
    return spaces + text if right else text + spaces
