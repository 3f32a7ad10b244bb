"""What a text is written for: so many columns, with or without colour."""

from __future__ import annotations

from dataclasses import dataclass

NARROWEST, WIDEST, USUAL = 60, 240, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A terminal, or a file that looks like one."""

    width: int = USUAL
    colour: bool = False

    def paint(self, text: str, style: str) -> str:
        """The text in a colour or weight, where there are any."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.colour and style and text else text


PLAIN = Screen()
