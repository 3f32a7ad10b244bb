"""The colours of figures and bars, one set for paper and one that follows the page's light or dark.

Lines take Okabe and Ito's colours, which colour-blind readers tell apart; every line has a marker of its own
too, so that a print in grey can be read.
"""

from __future__ import annotations

from dataclasses import dataclass

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D00", "#666666")

LINES_ON_DARK = ("#4DA8E0", "#FF8A3D", "#2CC79A", "#E39AC6", "#F5BC3A", "#8CD0F5", "#CDB04A", "#A8A8A8")

LAYERS = {
    "kernel": "#0072B2",
    "memcpy": "#E69F00",
    "memset": "#F0E442",
    "graph": "#009E73",
    "launch": "#D55E00",
    "latency": "#CC79A7",
    "sync": "#8A8A8A",
    "api": "#56B4E9",
    "host": "#C4C4C4",
    "unknown": "#7B5EA7",
    "compute": "#1B9AAA",
    "wait": "#B2182B",
}
"""Busy layers are strong, waiting ones grey."""

TRANSFER = "#8A8A8A"
"""Of a collective in a rank's lane, on paper and on a screen, light or dark: the key's is the bar's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """What a figure is drawn with."""

    ink: str
    paper: str
    grid: str
    lines: tuple[str, ...]


PRINT = Theme(ink="#1A1A1A", paper="#FFFFFF", grid="#D0D0D0", lines=LINES)

_MARKS = {f"#0{index}fa57": f"var(--line-{index})" for index in range(len(LINES))}

_OTHER_MARKS = {"#0afa57": "currentColor", "#0bfa57": "var(--paper)", "#0cfa57": "var(--grid)"}

INLINE = Theme(ink="#0afa57", paper="#0bfa57", grid="#0cfa57", lines=tuple(_MARKS))
"""Colours that stand for others: the page gives them their value by style sheet (``VARIABLES``)."""

VARIABLES = {**_MARKS, **_OTHER_MARKS}
