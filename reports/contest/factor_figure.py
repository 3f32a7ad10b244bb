"""The factors of ratios as a figure: from 1× by one factor after the other to the ratio, on a log axis."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill
from typing import NamedTuple

from ...analysis.explain.explain import Explanation
from ..document.document import Figure, Panel, Series
from ..document.factor_words import compare_values, divide_ratio, name_factor
from ..document.names import clean, shorten
from ..document.numbers import format_value

_SLOWER, _FASTER = 1, 2
"""Positions in the palette."""

_TITLE_WIDTH, _TITLE_LINES = 34, 4
"""Characters and lines that fit over a panel: more leave it no room."""


class Explained(NamedTuple):
    """An explanation under the title of its panel."""

    title: str
    explanation: Explanation


def factor_figure(explained: Iterable[Explained]) -> Figure | None:
    """A panel for each; None where no factor is worth a bar. What is drawn in a panel closes: its product is the
    ratio.
    """
    panels = tuple(
        Panel(title=_wrap(one.title), series=bars)
        for one in explained
        if len(bars := _draw_bars(one.explanation)) > 1
    )
    if not panels:
        return None
    return Figure(
        name="factors",
        title="What the ratio is made of",
        alt="The ratio of two times as a product: a bar for each factor, from 1× to the ratio, on a log axis.",
        kind="waterfall",
        x_label="time over that of the reference",
        y_label="",
        x_kind="ratio",
        y_kind="text",
        panels=panels,
        caption="Each bar multiplies what the one above it reached; their product is the ratio.",
    )


def _wrap(title: str) -> str:
    """A panel's title; that of two kernels, by their full names, is of a thousand characters."""
    return fill(shorten(clean(title), (_TITLE_LINES - 1) * _TITLE_WIDTH), _TITLE_WIDTH)


def _draw_bars(explanation: Explanation) -> tuple[Series, ...]:
    """The factors over 1.05, the largest first, what the others come to, and the ratio; nothing where there is none."""
    named, rest = divide_ratio(explanation)
    if not named:
        return ()
    reached, bars = 1.0, []
    for factor in named:
        name, values = name_factor(factor, explanation), compare_values(factor)
        bars.append(_bar(name, len(bars), reached, factor.ratio, f" ({values})"))
        reached *= factor.ratio
    if rest is not None:
        bars.append(_bar("the rest", len(bars), reached, rest))
    low, high = sorted((1.0, explanation.ratio))
    said = f"the ratio: {format_value(explanation.ratio, 'ratio')}"
    whole = Series(
        label="the ratio",
        x=(float(len(bars)),),
        y=(explanation.ratio,),
        low=(low,),
        high=(high,),
        style="mark",
        said=(said,),
    )
    return (*bars, whole)


def _bar(label: str, at: int, reached: float, ratio: float, values: str = "") -> Series:
    low, high = sorted((reached, reached * ratio))
    return Series(
        label=label,
        x=(float(at),),
        y=(ratio,),
        low=(low,),
        high=(high,),
        colour=_SLOWER if ratio > 1 else _FASTER,
        style="factor",
        said=(f"{label}: {format_value(ratio, 'ratio')}{values}",),
    )
