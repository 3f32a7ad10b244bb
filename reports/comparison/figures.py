"""A comparison's figures as data: its factors, from A through the layers to B, and how the reps of both spread."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from ...analysis.compare.compare import Pair, read_samples
from ...analysis.compare.pair_reasons import explain_pair
from ...analysis.words import PARTS
from ..contest.factor_figure import Explained, factor_figure
from ..document.document import Figure, Panel, Series
from ..document.names import clean, shorten
from .once import WITH_ARTICLE, find_once
from .pair_headlines import choose_lead, group_pairs

_MOST_PANELS = 6

_SPREAD_WIDTH, _WATERFALL_WIDTH = 30, 50
"""Characters of a title that fit over a panel."""

_MOST_POINTS = 200
"""Of a side's reps in a figure: evenly spaced ones of the sorted reps, so that its shape stays."""

_LEAST_SHARE = 0.005
"""A layer whose difference is a smaller part of the larger side is left to ``rest``."""


def waterfall_figure(pairs: Sequence[Pair]) -> Figure | None:
    """From A's traced time per rep, layer by layer, to B's; None where no trace splits a difference."""
    panels = tuple(
        _draw_steps(pair) for pair in _choose([pair for pair in pairs if any(pair.delta_ns.values())])
    )
    if not panels:
        return None
    once = WITH_ARTICLE[find_once(pairs)]
    return Figure(
        name="waterfall",
        title="Where the difference lies",
        alt=f"Traced time of {once} from A to B, one bar for each layer that differs.",
        kind="waterfall",
        logarithmic=False,
        x_label=f"traced time of {once}",
        y_label="",
        x_kind="time",
        y_kind="text",
        panels=panels,
        caption="From A through the layers to B; grey bars are a side's whole traced time.",
    )


def spread_figure(pairs: Sequence[Pair]) -> Figure | None:
    """The compared samples of both sides next to each other; None where there are none."""
    panels = tuple(_draw_samples(pair) for pair in _choose([pair for pair in pairs if pair.interval]))
    if not panels:
        return None
    once = find_once(pairs)
    return Figure(
        name="spread",
        title=f"How the {once}s spread",
        alt=f"Times of the {once}s of A beside those of B, a line at each median.",
        kind="spread",
        logarithmic=False,
        x_label="",
        y_label=f"time of {WITH_ARTICLE[once]}",
        x_kind="text",
        panels=panels,
        caption="Each point is a sample; the line is at the median.",
    )


def draw_up_factors(pairs: Sequence[Pair]) -> Figure | None:
    """The factors of the pairs that the first sentences are about, where these are decided."""
    leads = [choose_lead(group) for group in group_pairs([p for p in pairs if p.ns_a and p.ns_b]).values()]
    found = [
        Explained(f"{pair.label}: {pair.value_b} against {pair.value_a}".removeprefix(": "), explanation)
        for pair in leads
        if pair.verdict in ("faster", "slower") and (explanation := explain_pair(pair)) is not None
    ]
    return factor_figure(found[:_MOST_PANELS])


def _choose(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with most time at stake, those that could be judged first; in their own order."""
    ranked = sorted(range(len(pairs)), key=lambda at: (pairs[at].interval is None, -abs(_stake(pairs[at]))))
    return [pairs[at] for at in sorted(ranked[:_MOST_PANELS])]


def _stake(pair: Pair) -> float:
    if pair.ns_a is not None and pair.ns_b is not None:
        return pair.ns_b - pair.ns_a
    return pair.traced_delta_ns or 0.0


def _draw_steps(pair: Pair) -> Panel:
    """Bars in their order: A, every layer that matters, what is left over, B."""
    start, end = pair.a.wall_ns or 0.0, pair.b.wall_ns or 0.0
    least = _LEAST_SHARE * max(start, end)
    shown = [(part, ns) for part in PARTS if (ns := pair.delta_ns[part]) is not None and abs(ns) >= least]
    bars, reached = [_bar(clean(pair.value_a), 0, 0.0, start, "mark")], start
    for part, ns in shown:
        bars.append(_bar(part, len(bars), reached, reached + ns, "layer"))
        reached += ns
    if abs(end - reached) >= least:
        bars.append(_bar("rest", len(bars), reached, end, "layer"))
    bars.append(_bar(clean(pair.value_b), len(bars), 0.0, end, "mark"))
    return Panel(title=_wrap(pair.label, _WATERFALL_WIDTH), series=tuple(bars))


def _bar(label: str, at: int, start: float, end: float, style: str) -> Series:
    low, high = min(start, end), max(start, end)
    return Series(
        label=label,
        x=(float(at),),
        y=(end - start,),
        low=(low,),
        high=(high,),
        style="mark" if style == "mark" else "layer",
    )


def _draw_samples(pair: Pair) -> Panel:
    assert pair.samples is not None
    sides = [(pair.a, pair.value_a), (pair.b, pair.value_b)]
    return Panel(
        title=f"{_wrap(pair.label, _SPREAD_WIDTH)}\n{pair.samples}",
        series=tuple(
            Series(label=clean(value), x=(float(at),), y=_thin(read_samples(thing, pair.samples)), colour=at)
            for at, (thing, value) in enumerate(sides)
        ),
    )


def _wrap(label: str, width: int) -> str:
    """A panel's title in lines that do not run into the next panel's."""
    return fill(shorten(clean(label), 2 * width), width)


def _thin(samples: Sequence[float]) -> tuple[float, ...]:
    ordered = sorted(samples)
    if len(ordered) <= _MOST_POINTS:
        return tuple(ordered)
    last = len(ordered) - 1
    return tuple(ordered[round(at * last / (_MOST_POINTS - 1))] for at in range(_MOST_POINTS))
