"""Records that go on after the host waited for their device and was let go, which cannot be.

A wait for the device returns when all work that was launched before it has ended; in every trace at hand a record
ends at least 3 µs before. Which context a wait is for is not recorded, so only processes with one are judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import Bools, Codes, Ints, ints
from ..arithmetic.grouped import code_combinations
from .lost import Asked
from .overlaps import DAMAGED_SHARE, Overlaps

WAITING_FOR_ALL = re.compile(r"cu(da)?(Device|Ctx)Synchronize")

SLACK_NS = 100_000
"""Clocks of host and device are joined more closely than this."""


@dataclass(frozen=True, slots=True)
class Outlasting:
    """Rows of activities that cannot have lasted so long, and how many are kept for they are too many for damage."""

    rows: Ints
    kept: int


def find_outlasting(activities: pd.DataFrame, asked: Asked, overlaps: Overlaps) -> Outlasting:
    """Records that end after a wait which began when their call had ended, but for those that overlap.

    Where overlapping ones are kept for being so many, these are, too.
    """
    process, call = ints(activities, "process"), ints(activities, "call")
    waits = np.flatnonzero(asked.like(WAITING_FOR_ALL) & asked.succeeded)
    rows, kept = [np.zeros(0, np.int64)], 0
    if not len(waits) or int(ints(activities, "end_ns").max(initial=0)) <= asked.end[waits].min() + SLACK_NS:
        return Outlasting(rows[0], kept)  # of a program that waits once, at its end
    for one in np.unique(asked.process[waits]).tolist():
        mine = np.flatnonzero((process == one) & (call >= 0))
        if not _is_one_context(activities, mine):
            continue
        late = mine[_outlast(activities, mine, asked, waits[asked.process[waits] == one])]
        late = np.setdiff1d(late, overlaps.rows)
        if len(overlaps.everywhere) or len(late) * DAMAGED_SHARE > len(mine):
            kept += len(late)
        else:
            rows.append(late)
    return Outlasting(np.sort(np.concatenate(rows)), kept)


def _is_one_context(activities: pd.DataFrame, rows: Ints) -> bool:
    place = code_combinations(*(ints(activities, name)[rows] for name in ("device", "context")))
    return len(rows) > 0 and not place.any()


def _outlast(activities: pd.DataFrame, rows: Ints, asked: Asked, waits: Codes | Ints) -> Bools:
    """Which records of a process end after any of its waits that began after their call."""
    order = waits[np.argsort(asked.start[waits], kind="stable")]
    released = np.minimum.accumulate(asked.end[order][::-1])[::-1]
    first = np.searchsorted(asked.start[order], asked.end[ints(activities, "call")[rows]])
    limit = np.append(released, np.iinfo(np.int64).max - SLACK_NS)[first] + SLACK_NS
    return ints(activities, "end_ns")[rows] > limit
