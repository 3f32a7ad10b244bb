"""How wide the terminal is, and whether it is to be in colour."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, TextIO

from ...reports.render.screen import NARROWEST, PLAIN, USUAL, WIDEST, Screen

ColorChoice = Literal["auto", "always", "never"]


def look_at_screen(
    stream: TextIO | None, choice: ColorChoice = "auto", environment: Mapping[str, str] = os.environ
) -> Screen:
    """What a text on this stream is written for.

    COLUMNS goes before what the terminal says of itself; a file or pipe has as many columns as reports in files.
    By themselves terminals have colour, unless NO_COLOR is set or TERM is dumb; FORCE_COLOR gives it to pipes, too.
    """
    if stream is None:
        return PLAIN
    is_terminal = stream.isatty()
    return Screen(
        width=max(NARROWEST, min(WIDEST, _columns(stream, environment, is_terminal=is_terminal))),
        colour=_has_colour(choice, environment, is_terminal=is_terminal),
    )


def _columns(stream: TextIO, environment: Mapping[str, str], *, is_terminal: bool) -> int:
    given = environment.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    if not is_terminal:
        return USUAL
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL
    except OSError:
        return USUAL


def _has_colour(choice: ColorChoice, environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return is_terminal and environment.get("TERM") != "dumb"
