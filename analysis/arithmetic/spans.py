"""Intervals on a line: half-open [start, end), integer, held as two arrays sorted by start.

A *disjoint* list has no two intervals that share an instant. Everything here is pure and vectorised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .arrays import Ints

FIRST, LAST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)
"""The ends of time; intervals that reach them are clipped before anything is subtracted."""


class Pieces(NamedTuple):
    """Intervals cut from a list: where each lies, and which interval of each list it came from."""

    start: Ints
    end: Ints
    source: Ints
    other: Ints


def join_spans(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """The union of intervals sorted by start, as a disjoint list; empty ones vanish."""
    some = end > start
    if not some.all():
        start, end = start[some], end[some]
    if not len(start):
        return start, end
    reach = np.maximum.accumulate(end)
    first = np.ones(len(start), np.bool_)
    first[1:] = start[1:] > reach[:-1]
    if first.all():
        return start, end  # in the memory of those given
    at = np.flatnonzero(first)
    return start[at], reach[np.append(at[1:], len(start)) - 1]


def total_ns(start: Ints, end: Ints) -> int:
    """Length of the union of intervals in any order."""
    order = np.argsort(start, kind="stable")
    joined = join_spans(start[order], end[order])
    return int((joined[1] - joined[0]).sum())


def show_first(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Of intervals sorted by start, what each shows when earlier ones lie on top of later ones.

    As no earlier one begins later, an interval shows from where all earlier ones have ended; hidden and empty
    ones come back with end <= start.
    """
    shown = start.copy()
    if len(start) > 1:
        np.maximum(shown[1:], np.maximum.accumulate(end)[:-1], out=shown[1:])
    return shown, end


def find_gaps(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """What a disjoint list leaves free, from FIRST to LAST; touching intervals leave an empty gap."""
    return np.append(np.int64(FIRST), end), np.append(start, np.int64(LAST))


def between_gaps(gap_start: Ints, gap_end: Ints) -> tuple[Ints, Ints]:
    """The disjoint list that leaves these gaps free, in their memory."""
    return gap_end[:-1], gap_start[1:]


def intersect(start: Ints, end: Ints, other_start: Ints, other_end: Ints) -> Pieces:
    """All that intervals share with a disjoint list, in the order of the intervals."""
    low = np.searchsorted(other_end, start, side="right")
    high = np.searchsorted(other_start, end, side="left")
    count = np.maximum(high - low, 0)
    count[end <= start] = 0
    source = np.repeat(np.arange(len(start)), count)
    if len(start) == 1:
        shared = slice(low[0], low[0] + count[0])
        other = np.arange(shared.start, shared.stop)
        piece_start = np.maximum(start, other_start[shared])
        piece_end = np.minimum(end, other_end[shared])
    else:
        skipped = np.cumsum(count) - count
        other = np.arange(len(source)) + np.repeat(low - skipped, count)
        piece_start = np.maximum(start[source], other_start[other])
        piece_end = np.minimum(end[source], other_end[other])
    some = piece_end > piece_start
    if some.all():
        return Pieces(piece_start, piece_end, source, other)
    return Pieces(piece_start[some], piece_end[some], source[some], other[some])


def covered_before(start: Ints, end: Ints, times: Ints) -> Ints:
    """How much of a disjoint list lies before each instant; of a window that is what lies in it, by difference."""
    if not len(start):
        return np.zeros(len(times), np.int64)
    at = np.searchsorted(end, times, side="right")
    whole = np.append(np.int64(0), np.cumsum(end - start))[at]
    inside = np.minimum(at, len(start) - 1)
    return whole + np.where(at < len(start), np.maximum(times - start[inside], 0), 0)


def cut_at(start: Ints, end: Ints, breaks: Ints) -> Pieces:
    """Intervals cut at sorted break points; ``other`` is the last break at or before a piece, -1 before all."""
    bounds = np.concatenate([[FIRST], breaks, [LAST]]).astype(np.int64)
    pieces = intersect(start, end, bounds[:-1], bounds[1:])
    return pieces._replace(other=pieces.other - 1)
