"""The timeline of one steady step of a trace, or of the middle window that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...analysis.arithmetic.arrays import Ints, ints
from ...analysis.breakdown.analyze import Analysis
from ...analysis.timeline.event_texts import EventTexts
from ...analysis.timeline.lanes import Lane, lay_lanes
from ...analysis.timeline.moment import Moment, find_moment, has_range, whole_moment
from ...analysis.words import BUSY_LAYERS, OWN_DOMAIN, REP
from ..document.names import clean, fold_kernel_name
from ..document.numbers import format_value
from ..document.timeline_picture import PictureCounter, PictureLane, Span, TimelinePicture

_MOST_LANES, _MOST_DEPTH, _MOST_SAMPLES = 24, 8, 2000

_MANY_SPANS = 3000
"""With more of them, neighbours too short to see are drawn together."""

_NAME_WIDTH = 80

_COLOURS = 8


def draw_up_timeline(analysis: Analysis) -> TimelinePicture | None:
    """None where nothing was recorded that has a time."""
    moment = _choose_moment(analysis)
    trace = analysis.trace
    lanes = lay_lanes(trace, moment)
    if not lanes or moment.end_ns <= moment.start_ns:
        return None
    many = sum(len(lane.rows) for lane in lanes) > _MANY_SPANS
    least = (moment.end_ns - moment.start_ns) // 1500 if many else 0
    texts = EventTexts(trace)
    drawn = [_draw_lane(lane, analysis, moment, least, texts) for lane in lanes[:_MOST_LANES]]
    return TimelinePicture(
        title=clean(moment.title),
        length_ns=moment.end_ns - moment.start_ns,
        lanes=tuple(lane for lane, _ in drawn),
        counters=tuple(_counters(analysis, moment)),
        together=sum(together for _, together in drawn),
        left_out=len(lanes) - len(drawn),
    )


def _choose_moment(analysis: Analysis) -> Moment:
    """The window in the middle of those asked for; else a steady step; else a rep of a run; else everything."""
    trace = analysis.trace
    asked = [row for row in analysis.windows[:1] if row.kind != "trace"]
    if asked:
        row = analysis.windows[(len(analysis.windows) - 1) // 2]
        title = f"{row.name.range}, window {(len(analysis.windows) + 1) // 2} of {len(analysis.windows)}"
        return Moment(title=title, start_ns=row.start_ns, end_ns=row.start_ns + round(row.times.wall_ns))
    if analysis.steps:
        step = analysis.steps[0]
        return find_moment(trace, step.range, None, domain=step.domain)
    if has_range(trace, REP, OWN_DOMAIN):
        return find_moment(trace, REP, None, domain=OWN_DOMAIN)
    return whole_moment(trace)


def _draw_lane(
    lane: Lane, analysis: Analysis, moment: Moment, least_ns: int, texts: EventTexts
) -> tuple[PictureLane, int]:
    """The lane, and how many of its events are drawn with others."""
    frame = {
        "ranges": analysis.trace.ranges,
        "calls": analysis.trace.calls,
        "work": analysis.trace.activities,
    }
    rows = lane.rows
    start, end = (ints(frame[lane.kind], name)[rows] for name in ("start_ns", "end_ns"))
    names = [clean(name) for name in _names(lane, analysis, texts)]
    layers = (
        ints(analysis.trace.activities, "layer")[rows].tolist() if lane.kind == "work" else [0] * len(rows)
    )
    spans: list[Span] = []
    last: dict[int, tuple[int, int]] = {}
    together = 0
    depths = _depths(start, end)
    for at, (begun, ended, depth) in enumerate(zip(start.tolist(), end.tolist(), depths, strict=True)):
        a, b = max(begun, moment.start_ns) - moment.start_ns, min(ended, moment.end_ns) - moment.start_ns
        before = last.get(depth)
        if before is not None and b - a < least_ns and a - spans[before[0]].end_ns < least_ns:
            place, count = before
            first = spans[place]
            said = f"{count + 1} short events, the first: {first.said.rpartition(': ')[2]}"
            spans[place] = Span(
                start_ns=first.start_ns, end_ns=b, depth=depth, colour=first.colour, said=said
            )
            last[depth], together = (place, count + 1), together + 1
            continue
        colour = _colour(lane, names[at], layers[at])
        said = f"{names[at]}, {format_value(ended - begun, 'time')}"
        spans.append(Span(start_ns=a, end_ns=b, depth=depth, colour=colour, said=said))
        if b - a < least_ns:
            last[depth] = (len(spans) - 1, 1)
        else:
            last.pop(depth, None)
    shown = tuple(span for span in spans if span.depth < _MOST_DEPTH)
    depth = max((span.depth for span in shown), default=0) + 1
    return PictureLane(name=f"{lane.group}, {lane.name}", depth=depth, spans=shown), together


def _depths(start: Ints, end: Ints) -> list[int]:
    """In how many others each lies."""
    stack: list[int] = []
    found: list[int] = []
    for begun, ended in zip(start.tolist(), end.tolist(), strict=True):
        while stack and stack[-1] <= begun:
            stack.pop()
        found.append(len(stack))
        stack.append(ended)
    return found


def _names(lane: Lane, analysis: Analysis, texts: EventTexts) -> Sequence[str]:
    trace = analysis.trace
    if lane.kind == "work":
        return [fold_kernel_name(name, _NAME_WIDTH) for name in texts.work_names(lane.rows)]
    frame = trace.ranges if lane.kind == "ranges" else trace.calls
    return [trace.name(code) or "(no name)" for code in ints(frame, "name")[lane.rows].tolist()]


def _colour(lane: Lane, name: str, layer: int) -> str:
    if lane.kind == "work":
        return "nccl" if "NCCL" in lane.name else BUSY_LAYERS[layer]
    return "api" if lane.kind == "calls" else f"range {sum(name.encode()) % _COLOURS}"


def _counters(analysis: Analysis, moment: Moment) -> Iterator[PictureCounter]:
    for samples in analysis.trace.samples:
        rows = np.flatnonzero((samples.time_ns >= moment.start_ns) & (samples.time_ns <= moment.end_ns))
        rows = rows[:: max(1, len(rows) // _MOST_SAMPLES)]
        for figure, values in samples.values.items():
            known = rows[~np.isnan(values[rows])]
            if len(known) > 1:
                yield PictureCounter(
                    name=f"GPU {samples.device}: {figure.removesuffix('_pct').replace('_', ' ')}, %",
                    time_ns=tuple((samples.time_ns[known] - moment.start_ns).tolist()),
                    percent=tuple(values[known].tolist()),
                )
