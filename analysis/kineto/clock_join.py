"""Two clocks that saw the same calls: how far they are apart, and how surely.

A stamp is two readings of one clock around a call that the other clock saw begin and end, so the distance lies between
(end of the call − second reading) and (begin of the call − first reading).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Span = tuple[int, int]
"""Begin and end in ns: of a stamp on one clock, of a call on the other."""

LEAST = 3
"""So many stamps of a group must have their calls: a profiler may leave out what lies at the edge of its window."""

MOST_DRIFT, LEAST_DRIFT_NS = 1e-4, 100_000
"""Two clocks of one machine run apart by less than this share, and may be read wrong by so much."""

EDGE = 100
"""Stamps are looked for among so many calls at either end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJoin:
    """What to take from a time of the second clock to have it on the first."""

    offset_ns: int
    residual_ns: int
    """It may be wrong by so much, at either end."""
    has_begin: bool
    has_end: bool


def join_clocks(
    begin: Sequence[Span], end: Sequence[Span], calls: Sequence[Span], *, likely: int | None = None
) -> ClockJoin | None:
    """From the stamps at the begin and the end of a recording, and the calls of their thread; None where nothing fits.

    Within the limits that these give, the distance is the one that is `likely`, or the middle.

    >>> begin, end = [(0, 9), (20, 27), (50, 58)], [(90, 96), (111, 119), (140, 146)]
    >>> join_clocks(begin, end, [(102, 105), (122, 125), (152, 156), (191, 195), (212, 218), (241, 245)])
    ClockJoin(offset_ns=100, residual_ns=2, has_begin=True, has_end=True)
    """
    ordered = sorted(calls)
    first = list(_distances(begin, ordered[:EDGE]))
    last = list(_distances(end, ordered[-EDGE:]))
    if first and last:
        pairs = ((one, other) for one in first for other in last)
        found = list(min(pairs, key=_apart))
        if _apart(found) > LEAST_DRIFT_NS + MOST_DRIFT * (end[-1][1] - begin[0][0]):
            first, last, found = (
                first[:1],
                [],
                first[:1],
            )  # those of the end are not there: others look like them
    else:
        found = first[:1] or last[-1:]
    if not found:
        return None
    low, high = max(one[0] for one in found), min(one[1] for one in found)
    offset = (low + high) // 2 if likely is None else min(max(likely, min(low, high)), max(low, high))
    residual = max(max(one[1] for one in found) - offset, offset - min(one[0] for one in found))
    return ClockJoin(offset_ns=offset, residual_ns=residual, has_begin=bool(first), has_end=bool(last))


def _apart(pair: Sequence[Span]) -> int:
    """How far apart the middles of two limits are."""
    return abs(sum(pair[0]) - sum(pair[1])) // 2


def _distances(stamps: Sequence[Span], calls: Sequence[Span]) -> Iterator[Span]:
    """Limits of the distance, for each way in which calls in a row fit into the stamps; as many of them as can be."""
    for count in range(len(stamps), LEAST - 1, -1):
        found = False
        for skipped in {0, len(stamps) - count}:
            for first in range(len(calls) - count + 1):
                fit = zip(stamps[skipped : skipped + count], calls[first : first + count], strict=True)
                limits = [(stop - after, start - before) for (before, after), (start, stop) in fit]
                low, high = max(one[0] for one in limits), min(one[1] for one in limits)
                if low <= high:
                    found = True
                    yield low, high
        if found:
            return
