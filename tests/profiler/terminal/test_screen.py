"""How wide a text is written, and when in colour."""

from __future__ import annotations

from io import StringIO

import pytest
from flopprof.profiler.terminal.screen import look_at_screen
from flopprof.reports.render.screen import Screen


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("columns", "width"),
    [("80", 80), ("1", 60), ("60", 60), ("240", 240), ("999", 240), ("", 100), ("0", 100), ("x", 100)],
)
@pytest.mark.parametrize("stream", [Terminal, StringIO])
def test_columns_are_those_that_are_there_within_limits(
    stream: type[StringIO], columns: str, width: int
) -> None:
    assert look_at_screen(stream(), "never", {"COLUMNS": columns}).width == width


@pytest.mark.parametrize(
    ("stream", "choice", "environment", "colour"),
    [
        (Terminal, "auto", {}, True),
        (StringIO, "auto", {}, False),
        (Terminal, "auto", {"NO_COLOR": "1"}, False),
        (Terminal, "auto", {"NO_COLOR": ""}, True),
        (Terminal, "auto", {"TERM": "dumb"}, False),
        (StringIO, "auto", {"FORCE_COLOR": "1"}, True),
        (StringIO, "auto", {"FORCE_COLOR": "0"}, False),
        (StringIO, "auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (StringIO, "always", {"NO_COLOR": "1"}, True),
        (Terminal, "never", {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_is_asked_for_or_the_terminals(
    stream: type[StringIO], choice: str, environment: dict[str, str], colour: bool
) -> None:
    assert look_at_screen(stream(), choice, environment).colour is colour  # pyright: ignore[reportArgumentType]


def test_a_closed_stream_is_plain() -> None:
    assert look_at_screen(None) == Screen(width=100, colour=False)
