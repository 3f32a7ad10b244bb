"""Which recorded times can be true, and which rows are dropped because theirs cannot."""

from __future__ import annotations

import numpy as np

from .frames import Bools
from .tables import Table

FARTHEST_NS = 1 << 62
"""No clock reads later than this (year 2116 in ns since 1970): beyond it, sums would overflow."""
LONGEST_NS = 1 << 50
"""No record lasts longer than this: 13 days."""


def possible_times(table: Table, *, of_device: bool = False) -> Bools:
    """Rows whose start and end are there, in order, and not absurd.

    A device record of 0 to 0 is one that CUPTI could not time; elsewhere small and negative starts are fine.
    """
    start, end = table.values("start", 0), table.values("end", 0)
    good = table.known("start") & table.known("end") & (end >= start)
    good &= (np.abs(start) < FARTHEST_NS) & (np.abs(end) < FARTHEST_NS)
    good[good] = end[good] - start[good] <= LONGEST_NS
    if of_device:
        good &= (start != 0) | (end != 0)
    return good
