"""Which recorded times can be true, and which rows are dropped because theirs cannot."""

from __future__ import annotations

from ..arithmetic.arrays import Bools, Ints
from .raw_tables import Table

FARTHEST_NS = 1 << 62
"""No clock reads later than this (year 2116 in ns since 1970): beyond it, sums would overflow."""

LONGEST_NS = 1 << 50
"""No record lasts longer than this: 13 days."""


def possible_times(table: Table, *, of_device: bool = False) -> Bools:
    """Rows whose start and end are there, in order, and not absurd.

    A device record of 0 to 0 is one that CUPTI could not time; elsewhere small and negative starts are fine.
    """
    start, end = table.values("start", 0), table.values("end", 0)
    good = (end >= start) & table.known("start") & table.known("end")
    if not len(good) or _unremarkable(start, end, good, of_device=of_device):
        return good
    good &= is_within_reach(start) & is_within_reach(end)
    good[good] = end[good] - start[good] <= LONGEST_NS
    if of_device:
        good &= (start != 0) | (end != 0)
    return good


def is_within_reach(time: Ints) -> Bools:
    """Times that a clock can read; not by their absolute values, for that of the least integer is negative."""
    return (time > -FARTHEST_NS) & (time < FARTHEST_NS)


def _unremarkable(start: Ints, end: Ints, good: Bools, *, of_device: bool) -> bool:
    """Whether a look at the extremes is enough, as in almost every trace."""
    least = int(start.min())
    return (
        bool(good.all())
        and least > (0 if of_device else -FARTHEST_NS)
        and int(end.max()) < FARTHEST_NS
        and int(end.max()) - least <= LONGEST_NS
    )
