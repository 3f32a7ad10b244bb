"""Sums, medians and unions of times by group, for millions of rows at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .frames import Ints

FEW = 1 << 16
"""Below this many groups numpy sorts by them in linear time."""

EXACT = 1 << 53
"""Sums of integers below this are exact in floating point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Per group: how many values, their sum, median, least and greatest."""

    group: Ints
    count: Ints
    total: Ints
    median: NDArray[np.float64]
    least: Ints
    greatest: Ints


def sum_by_group(group: Ints, groups: int, value: Ints) -> Ints:
    """The sum of each group's values; exact, and as fast as that allows."""
    if not len(group) or int(np.abs(value).max()) > EXACT // len(group):
        sums = np.zeros(groups, np.int64)
        np.add.at(sums, group, value)
        return sums
    return np.bincount(group, weights=value, minlength=groups).astype(np.int64)


def sort_groups(code: Ints, groups: int) -> Ints:
    """An order that brings equal codes below `groups` together and keeps the given order inside."""
    return np.argsort(code.astype(np.uint16) if groups <= FEW else code, kind="stable")


def describe_groups(group: Ints, value: Ints) -> Stats:
    """Statistics of values that come in ascending order."""
    code, unique = pd.factorize(group)
    order = sort_groups(code, len(unique))
    ordered = value[order]
    first = np.flatnonzero(np.diff(code[order], prepend=-1))
    count = np.diff(np.append(first, len(ordered)))
    low, high = ordered[first + (count - 1) // 2], ordered[first + count // 2]
    return Stats(
        group=unique[code[order][first]] if len(first) else np.zeros(0, np.int64),
        count=count,
        total=np.add.reduceat(ordered, first) if len(first) else np.zeros(0, np.int64),
        median=low + (high - low) / 2,
        least=ordered[first],
        greatest=ordered[first + count - 1],
    )


def union_by_group(group: Ints, groups: int, start: Ints, end: Ints) -> Ints:
    """Length of the union of each group's intervals, which come in the order of their starts."""
    if not len(group):
        return np.zeros(groups, np.int64)
    order = sort_groups(group, groups)
    group, start, end = group[order], start[order], end[order]
    reach = _running_maximum(group, end)
    covered = np.empty(len(reach), np.int64)
    covered[0], covered[1:] = start[0], reach[:-1]
    new = np.diff(group, prepend=-1) != 0
    covered[new] = start[new]
    return sum_by_group(group, groups, np.maximum(end - np.maximum(start, covered), 0))


def _running_maximum(group: Ints, value: Ints) -> Ints:
    """The greatest value so far within each group, whose rows lie together."""
    low, high = int(value.min()), int(value.max())
    number = np.cumsum(np.diff(group, prepend=group[0]) != 0)
    if (int(number[-1]) + 1) * (high - low + 1) >= 1 << 62:
        return pd.DataFrame({"group": number, "value": value}).groupby("group").cummax()["value"].to_numpy()
    lift = number * (high - low + 1) - low
    return np.maximum.accumulate(value + lift) - lift
