"""A timeline as a report shows it: lanes of spans over one interval, and samples below them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One event, or several short ones that are drawn together."""

    start_ns: int
    """From the picture's start, cut to its interval."""
    end_ns: int
    depth: int
    colour: str
    """A layer, ``api``, ``nccl``, or ``range`` with the number of its name: ``range 3``."""
    said: str
    """What it is and how long it takes whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLane:
    """Spans that lie beside or in one another."""

    name: str
    depth: int
    """How many rows it takes."""
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCounter:
    """Samples of one figure, percent over ns from the picture's start."""

    name: str
    time_ns: tuple[int, ...]
    percent: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePicture:
    """What is drawn."""

    title: str
    length_ns: int
    lanes: tuple[PictureLane, ...]
    counters: tuple[PictureCounter, ...] = ()
    together: int = 0
    """Events that are drawn with others."""
    left_out: int = 0
    """Lanes that are not drawn."""
