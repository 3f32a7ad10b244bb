"""A timeline as HTML with an inline ``<svg>`` for each lane; the page's script zooms them all together."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..document.numbers import count_noun, format_value
from ..document.timeline_picture import PictureCounter, PictureLane, TimelinePicture
from .colours import LAYERS

UNITS = 100_000
"""The width of a lane's drawing, whatever its pixels."""

_ROW, _BAR, _COUNTER = 14, 12, 28


def draw_timeline(picture: TimelinePicture) -> str:
    """Lanes one below the other, and controls that the script shows."""
    lanes = "".join(_draw_lane(lane, picture.length_ns) for lane in picture.lanes)
    counters = "".join(_draw_counter(counter, picture.length_ns) for counter in picture.counters)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in _list_notes(picture))
    return (
        f'<div class="lanes" data-length="{picture.length_ns}">'
        '<div class="controls" hidden><button type="button" data-zoom="0.5">zoom in</button>'
        '<button type="button" data-zoom="2">zoom out</button><button type="button" data-move="-0.5">◀</button>'
        '<button type="button" data-move="0.5">▶</button><button type="button" data-zoom="0">all</button>'
        '<label>Find <input type="search" placeholder="part of a name" autocomplete="off"></label>'
        f"<output>0 to {format_value(picture.length_ns, 'time')}</output></div>"
        f"{lanes}{counters}{notes}</div>"
    )


def _draw_lane(lane: PictureLane, length_ns: int) -> str:
    height = lane.depth * _ROW
    spans = "".join(
        f'<rect x="{span.start_ns * UNITS / length_ns:.1f}" y="{span.depth * _ROW}" '
        f'width="{max(1.0, (span.end_ns - span.start_ns) * UNITS / length_ns):.1f}" height="{_BAR}" '
        f'fill="{_fill(span.colour)}"><title>{escape(span.said)}</title></rect>'
        for span in lane.spans
    )
    return _frame(lane.name, height, spans)


def _draw_counter(counter: PictureCounter, length_ns: int) -> str:
    points = " ".join(
        f"{time * UNITS / length_ns:.0f},{_COUNTER * (1 - min(max(value, 0.0), 100.0) / 100):.1f}"
        for time, value in zip(counter.time_ns, counter.percent, strict=True)
    )
    top = max(counter.percent)
    title = f"{counter.name}: up to {format_value(top / 100, 'percent')}"
    line = f'<polyline points="{points}"><title>{escape(title)}</title></polyline>'
    return _frame(title, _COUNTER, line)


def _frame(name: str, height: int, body: str) -> str:
    return (
        f'<div class="lane"><p>{escape(name)}</p><div class="track" style="height:{height}px">'
        f'<svg class="timeline" viewBox="0 0 {UNITS} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(name)}">{body}</svg></div></div>'
    )


def _fill(colour: str) -> str:
    if colour.startswith("range "):
        return f"var(--line-{colour.removeprefix('range ')})"
    return "var(--line-3)" if colour == "nccl" else LAYERS[colour]


def _list_notes(picture: TimelinePicture) -> Iterator[str]:
    if picture.together:
        yield (
            f"{count_noun(picture.together, 'short event')} drawn together with others; "
            "flopprof timeline TRACE -o FILE writes every one."
        )
    if picture.left_out:
        yield f"{count_noun(picture.left_out, 'more lane')} not drawn; flopprof timeline TRACE -o FILE writes all."
