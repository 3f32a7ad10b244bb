"""One group of bars as a picture: the parts of a step, the ranges of a window, the functions of a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...analysis.words import LAYERS
from ..document.document import Bar, BarGroup, Picture


def draw_up_bars(what: str, title: str, bars: Sequence[Bar]) -> Picture:
    """The bars under their title; ``what`` they show is said with their names to whom cannot see them."""
    names = ", ".join(bar.label for bar in bars)
    return Picture(alt=f"{what}: {names}.", groups=(BarGroup(title=title, bars=tuple(bars)),))


def draw_up_layers(label: str, time_ns: float, layers: Mapping[str, float]) -> Bar:
    """A bar divided into those layers that have any time."""
    return Bar(
        label=label,
        time_ns=time_ns,
        parts=tuple((name, layers[name]) for name in LAYERS if layers.get(name)),
    )
