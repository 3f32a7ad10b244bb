"""Which ranges contain which, and which are open at an instant.

Ranges of one thread are ranked by start, the longer first, then by their row in the file. The *parent* of a
range is the last one ranked before it that contains it; the *innermost* open at an instant is the last one
ranked that is open then. Both hold for any ranges, also for start/end ranges that overlap without nesting, and
for twins with equal limits, of which the later row is the inner one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .arrays import NONE, Codes, Ints, distinct


def rank_ranges(thread: Codes, start: Ints, end: Ints) -> Ints:
    """The order of ranges: thread, start, the longer first, row."""
    return np.lexsort((-end, start, thread))


def find_parents(thread: Codes, end: Ints) -> Ints:
    """For ranked ranges, the last earlier one on the thread that ends no earlier; -1 for outermost ones.

    Pointer jumping: all ranges between a range and its candidate end before it, so a candidate that does not
    contain it is replaced by that candidate's own one.
    """
    parent = np.arange(len(end)) - 1
    moving = np.arange(len(end))
    while len(moving):
        target = parent[moving]
        elsewhere = (target >= 0) & (thread[target] != thread[moving])
        parent[moving[elsewhere]] = NONE
        wrong = (target >= 0) & ~elsewhere & (end[target] < end[moving])
        moving, target = moving[wrong], target[wrong]
        parent[moving] = parent[target]
    return parent


def measure_depths(parent: Ints) -> Ints:
    """How many ranges contain each one, by pointer doubling."""
    depth = (parent >= 0).astype(np.int64)
    ancestor = parent.copy()
    while (alive := np.flatnonzero(ancestor >= 0)).size:
        at = ancestor[alive]
        depth[alive] += depth[at]
        ancestor[alive] = ancestor[at]
    return depth


def split_levels(depth: Ints) -> list[Ints]:
    """The places of each depth, the outermost first."""
    order = np.argsort(depth, kind="stable")
    return [level for level in np.split(order, np.flatnonzero(np.diff(depth[order])) + 1) if len(level)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """Ranges in their rank, ready to be asked what is open when.

    ``row`` maps a place in the nest to the row of trace.ranges; ``first[t]:first[t + 1]`` are thread t's.
    """

    row: Ints
    start: Ints
    end: Ints
    parent: Ints
    first: Ints
    crossing: bool
    """Whether some ranges overlap without one containing the other."""

    def innermost(self, thread: int, times: Ints) -> Ints:
        """Place of the innermost range open on a thread at each time; -1 for none."""
        low, high = self.first[thread], self.first[thread + 1]
        place = low + np.searchsorted(self.start[low:high], times, side="right") - 1
        place[place < low] = NONE
        return self._open_at(place, times)

    def outermost(self, thread: int, times: Ints) -> Ints:
        """Place of the range open on a thread at each time that has the lowest rank; -1 for none."""
        place = self.innermost(thread, times)
        inside = np.flatnonzero(place >= 0)
        while len(inside):
            below = self.below(place[inside], times[inside])
            inside = inside[below >= 0]
            place[inside] = below[below >= 0]
        return place

    def below(self, place: Ints, times: Ints) -> Ints:
        """For open ranges, the next one further out that is open at each time too; -1 for none."""
        if not self.crossing:
            return self.parent[place]
        low = self.first[np.searchsorted(self.first, place, side="right") - 1]
        return self._open_at(np.where(place > low, place - 1, NONE), times)

    def switches(self, thread: int) -> tuple[Ints, Ints]:
        """When the innermost open range of a thread changes, and its row from then on (-1: none)."""
        low, high = self.first[thread], self.first[thread + 1]
        times = distinct(np.concatenate([self.start[low:high], self.end[low:high]]))
        return times, self.rows_of(self.innermost(thread, times))

    def rows_of(self, place: Ints) -> Ints:
        """Rows of trace.ranges for places; -1 stays -1."""
        if not len(self.row):
            return np.full(len(place), NONE, np.int64)
        return np.where(place >= 0, self.row[place], NONE)

    def threads(self) -> Iterator[int]:
        """Threads that have ranges here."""
        return iter(np.flatnonzero(np.diff(self.first)).tolist())

    def _open_at(self, place: Ints, times: Ints) -> Ints:
        """Go outwards from each place to the first range that is still open; all passed over have ended."""
        closed = np.flatnonzero(place >= 0)
        while len(closed):
            closed = closed[self.end[place[closed]] <= times[closed]]
            place[closed] = self.parent[place[closed]]
            closed = closed[place[closed] >= 0]
        return place


def build_nest(
    row: Ints, thread: Codes, start: Ints, end: Ints, threads: int, parent: Ints | None = None
) -> Nest:
    """A nest of ranges already in their rank, whose parents may be known."""
    parent = find_parents(thread, end) if parent is None else parent
    first = np.searchsorted(thread, np.arange(threads + 1))
    nest = Nest(row=row, start=start, end=end, parent=parent, first=first, crossing=True)
    some = np.flatnonzero(end > start)
    crossing = bool((nest.below(some, start[some]) != parent[some]).any())
    return replace(nest, crossing=crossing)
