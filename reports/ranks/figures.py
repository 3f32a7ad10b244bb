"""The figures of a job: waiting by rank and step, the lanes of one step, transfer against waiting."""

from __future__ import annotations

import numpy as np

from ...analysis.ranks.stragglers import Step
from ...analysis.ranks.whole_job import JobAnalysis
from ..document.document import Figure, Panel, Series
from ..document.names import clean, shorten
from .sentences import rank_name

MOST_LANES = 8
"""Ranks whose lanes are drawn: the straggler, and those that waited most."""

MOST_POINTS = 2000


def list_figures(job: JobAnalysis) -> dict[str, Figure]:
    """What there is to draw, by name."""
    figures = [_draw_heat(job), _draw_lanes(job), _draw_collectives(job)]
    return {figure.name: figure for figure in figures if figure is not None}


def _draw_heat(job: JobAnalysis) -> Figure | None:
    """What each rank waited in each step; a column with one pale cell is a straggler."""
    known = [step for step in job.steps if all(wait is not None for wait in step.wait_ns.values())]
    if not known or len(job.done) < 2:
        return None
    series = tuple(
        Series(
            label=rank_name(job, at),
            x=tuple(float(step.instance) for step in known),
            y=tuple(float(step.wait_ns.get(at) or 0) for step in known),
        )
        for at in range(len(job.done))
    )
    return Figure(
        name="waiting",
        title="Waiting by rank and step",
        alt="A cell for each rank and step, the darker the longer the rank waited for others.",
        kind="heat",
        logarithmic=False,
        x_label="step",
        y_label="",
        y_kind="time",
        panels=(Panel(title="", series=series),),
        caption="The rank that waits least while the others wait is the late one.",
    )


def _draw_lanes(job: JobAnalysis) -> Figure | None:
    """The step that cost most: ranges on the host, their work on the device, collectives, one clock for all."""
    told = [step for step in job.steps if step.lost_ns is not None] or list(job.steps)
    if not told:
        return None
    step = max(told, key=lambda one: (one.lost_ns or 0, -one.instance))
    ranks = _choose_ranks(step)
    begin = min(job.clocks[at].place(_own(job, at, step)[0]) for at in ranks)
    bars = [bar for lane, at in enumerate(ranks) for bar in _lane(job, at, step, lane, begin)]
    colours = {name: at for at, name in enumerate(dict.fromkeys(b.label for b in bars if b.style == "layer"))}
    return Figure(
        name="lanes",
        title=f"Step {step.instance} on one clock",
        alt="For each rank its ranges on the host, where their work lay on the device, and its collectives.",
        kind="lanes",
        logarithmic=False,
        x_label="time since the first rank began the step",
        y_label="",
        x_kind="time",
        panels=(
            Panel(
                title="",
                series=tuple(_coloured(bar, colours.get(bar.label, 0)) for bar in bars),
                scale="|".join(rank_name(job, at) for at in ranks),
            ),
        ),
        caption="Of the three rows of a rank: ranges on the host, their work on the device from first to last, and "
        "collectives: waiting, then transfer.",
    )


def _coloured(bar: Series, colour: int) -> Series:
    return Series(
        label=bar.label, x=bar.x, y=bar.y, low=bar.low, high=bar.high, colour=colour, style=bar.style
    )


def _choose_ranks(step: Step) -> list[int]:
    """All ranks, or of many the straggler and those that waited most."""
    order = sorted(step.wall_ns, key=lambda at: (at != step.straggler, -(step.wait_ns[at] or 0), at))
    return sorted(order[:MOST_LANES])


def _own(job: JobAnalysis, at: int, step: Step) -> tuple[int, int, int]:
    """(start, end, number) of a step on a rank, in its own clock and count."""
    sums = job.sums[at]
    number = job.first[at] + step.instance - job.first[min(job.first)]
    return int(sums.start_ns[number]), int(sums.end_ns[number]), number


def _lane(job: JobAnalysis, at: int, step: Step, lane: int, begin: int) -> list[Series]:
    sums, number = job.sums[at], _own(job, at, step)[2]
    clock = job.clocks[at]
    bars: list[Series] = []
    for row in np.flatnonzero(sums.bars.step == number).tolist():
        path = sums.paths[int(sums.bars.path[row])]
        place = lane * 3 + (1 if sums.bars.on_device[row] else 0)
        start, end = int(sums.bars.start_ns[row]), int(sums.bars.end_ns[row])
        name = shorten(clean(path[-1] if path else ""), 24)
        bars.append(_bar(name, place, clock.place(start) - begin, clock.place(end) - begin, "layer"))
    for one in job.collectives:
        if at in one.places and int(sums.of_collective[one.places[at]]) == number:
            own = job.done[at].summary
            assert own is not None
            start = clock.place(int(own.collectives.start_ns[one.places[at]])) - begin
            middle = start + one.wait_ns[at]
            bars.append(_bar("wait", lane * 3 + 2, start, middle, "hollow"))
            bars.append(_bar("transfer", lane * 3 + 2, middle, middle + one.transfer_ns, "mark"))
    return bars


def _bar(label: str, place: int, start: int, end: int, style: str) -> Series:
    return Series(
        label=label,
        x=(float(place),),
        y=(float(end - start),),
        low=(float(start),),
        high=(float(end),),
        style="layer" if style == "layer" else "hollow" if style == "hollow" else "mark",
    )


def _draw_collectives(job: JobAnalysis) -> Figure | None:
    """A point for each collective: its transfer, and the longest wait in it."""
    families = list(dict.fromkeys(one.family for one in job.collectives))
    if not families:
        return None
    series = []
    for colour, family in enumerate(families):
        mine = [one for one in job.collectives if one.family == family]
        points = sorted({(one.transfer_ns, max(one.wait_ns.values())) for one in mine})
        points = [(x, y) for x, y in points[:: -(-len(points) // MOST_POINTS)] if x > 0]
        series.append(
            Series(
                label=clean(family),
                x=tuple(float(x) for x, _ in points),
                y=tuple(float(max(y, 1)) for _, y in points),
                colour=colour,
                style="point",
            )
        )
    return Figure(
        name="collectives",
        title="Transfer against waiting",
        alt="A point for each collective: to the right what it transferred, upwards what ranks waited in it.",
        kind="points",
        x_label="transfer",
        y_label="longest wait of a rank",
        x_kind="time",
        y_kind="time",
        panels=(Panel(title="", series=tuple(one for one in series if one.x)),),
        caption="Above the line ranks waited longer than the transfer took: a faster network would not help.",
    )
