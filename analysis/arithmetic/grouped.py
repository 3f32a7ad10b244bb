"""Sums, medians and unions of times by group, for millions of rows at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .arrays import Ints

FEW = 1 << 16
"""Below this many groups numpy sorts by them in linear time."""

EXACT = 1 << 53
"""Sums of integers below this are exact in floating point."""

PACKED = 1 << 62
"""A group and a value that fit in this together are sorted as one number."""

SHORT = 1 << 32
"""Below this they are sorted in two thirds of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Per group how many values it has, their sum, median, the least and the greatest."""

    group: Ints
    count: Ints
    total: Ints
    median: NDArray[np.float64]
    least: Ints
    greatest: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Per group its values in order: how many, their sum, quantiles, the least and greatest."""

    group: Ints
    """The groups, each once."""
    ordered: Ints
    """All values, group by group, ascending inside."""
    first: Ints
    """Where each group begins in `ordered`."""
    count: Ints
    total: Ints

    def least(self, at: int) -> int:
        """The least value of the group at a place."""
        return int(self.ordered[self.first[at]])

    def greatest(self, at: int) -> int:
        """The greatest value of the group at a place."""
        return int(self.ordered[self.first[at] + self.count[at] - 1])

    def quantile(self, at: int, share: float) -> float:
        """A quantile of the group at a place, interpolated as numpy does by default."""
        place = (int(self.count[at]) - 1) * share
        low = int(self.first[at]) + int(place)
        high = min(low + 1, int(self.first[at] + self.count[at]) - 1)
        below, above = int(self.ordered[low]), int(self.ordered[high])
        return below + (above - below) * (place - int(place))

    def summarise(self) -> Summary:
        """All groups without their values."""
        last = self.first + self.count - 1
        low = self.ordered[self.first + (self.count - 1) // 2]
        high = self.ordered[self.first + self.count // 2]
        return Summary(
            group=self.group,
            count=self.count,
            total=self.total,
            median=low + (high - low) * 0.5,
            least=self.ordered[self.first],
            greatest=self.ordered[last],
        )

    def regroup(self, group: Ints) -> Stats:
        """The same values with each group called anew: those called alike are one, those below 0 are left out."""
        if len(group) == len(np.unique(group)) and (group >= 0).all():
            return replace(self, group=group)
        kept = np.repeat(group >= 0, self.count)
        return describe_groups(np.repeat(group, self.count)[kept], self.ordered[kept])


def describe_groups(group: Ints, value: Ints) -> Stats:
    """Statistics of values, none negative, by group, in the order in which groups first appear."""
    return describe_codes(*pd.factorize(group), value)


def describe_codes(code: Ints, unique: Ints, value: Ints) -> Stats:
    """The same for groups that are codes already: places in `unique`, each of which occurs."""
    count = np.bincount(code, minlength=len(unique))
    first = np.cumsum(count) - count
    ordered = _sort_within(code, len(unique), value)
    total = np.add.reduceat(ordered, first) if len(first) else first
    return Stats(group=unique, ordered=ordered, first=first, count=count, total=total)


def medians_of_runs(values: NDArray[Any], count: Ints) -> list[float | None]:
    """The median of each run of `count` values, which are reordered; None of an empty one."""
    found: list[float | None] = []
    for run in np.split(values, np.cumsum(count)[:-1]) if len(count) else ():
        if not len(run):
            found.append(None)
            continue
        low, high = (len(run) - 1) // 2, len(run) // 2
        run.partition((low, high))
        found.append((run[low].item() + run[high].item()) / 2)
    return found


def _sort_within(code: Ints, groups: int, value: Ints) -> Ints:
    """Values, none negative, in the order of their codes, and within a code in their own."""
    bits = int(value.max(initial=0)).bit_length()
    if groups << bits >= PACKED:
        return value[np.lexsort((value, code))]
    packed = (code << bits) | value
    if groups << bits <= SHORT:
        packed = packed.astype(np.uint32)
    packed.sort()
    packed &= packed.dtype.type((1 << bits) - 1)
    return packed.astype(np.int64, copy=False)


def code_combinations(*keys: Ints) -> Ints:
    """A code for each distinct combination of keys, in the order in which they first appear."""
    code: Ints | None = None
    for key in keys:
        if len(key) and (key[0] == key[-1]) and key.min() == key.max():
            continue
        part, unique = pd.factorize(key)
        code = part if code is None else pd.factorize(code * len(unique) + part)[0]
    return np.zeros(len(keys[0]), np.int64) if code is None else code


def find_firsts(code: Ints) -> Ints:
    """Where each code is for the first time; codes number what they stand for in the order in which it appears."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(code), prepend=-1))


def sum_by_group(group: Ints, groups: int, value: Ints) -> Ints:
    """The sum of each group's values; exact, and as fast as that allows."""
    if not len(group) or int(np.abs(value).max()) > EXACT // len(group):
        sums = np.zeros(groups, np.int64)
        np.add.at(sums, group, value)
        return sums
    return np.bincount(group, weights=value, minlength=groups).astype(np.int64)


def sort_longest_first(group: Ints, ns: Ints, *ties: Ints) -> Ints:
    """An order by group, and within one the longest first; of those as long by ``ties``, the first of them foremost.

    Group and length are sorted as one number, and then only what is tied.
    """
    bits = int(ns.max(initial=0)).bit_length()
    if int(group.max(initial=0)) + 1 << bits >= PACKED:
        return np.lexsort((*ties[::-1], -ns, group))
    packed = (group << bits) - ns
    order = np.argsort(packed, kind="stable")
    packed = packed[order]
    alike = packed[1:] == packed[:-1]
    tied = np.flatnonzero(np.append(alike, False) | np.append(False, alike)) if len(packed) else order
    rows = order[tied]
    order[tied] = rows[np.lexsort((*(tie[rows] for tie in ties[::-1]), packed[tied]))]
    return order


def sort_groups(code: Ints, groups: int) -> Ints:
    """An order that brings equal codes below `groups` together and keeps the given order inside."""
    return np.argsort(code.astype(np.uint16) if groups <= FEW else code, kind="stable")


def union_by_group(group: Ints, groups: int, start: Ints, end: Ints) -> Ints:
    """Length of the union of each group's intervals, which come in the order of their starts."""
    if not len(group):
        return np.zeros(groups, np.int64)
    order = sort_groups(group, groups)
    count = np.bincount(group, minlength=groups)
    group, start, end = group[order], start[order], end[order]
    shown = start.copy()
    np.maximum(shown[1:], running_maximum(group, end)[:-1], out=shown[1:])
    held = np.flatnonzero(count)
    first = (np.cumsum(count) - count)[held]
    shown[first] = start[first]
    np.subtract(end, shown, out=shown)
    np.maximum(shown, 0, out=shown)
    sums = np.zeros(groups, np.int64)
    sums[held] = np.add.reduceat(shown, first)
    return sums


def running_maximum(group: Ints, value: Ints) -> Ints:
    """The greatest value so far within each group, whose rows lie together."""
    if not len(group):
        return value
    low, high = int(value.min()), int(value.max())
    number = np.zeros(len(group), np.int64)
    np.cumsum(group[1:] != group[:-1], out=number[1:])
    if (int(number[-1]) + 1) * (high - low + 1) >= PACKED:
        return pd.DataFrame({"group": number, "value": value}).groupby("group").cummax()["value"].to_numpy()
    number *= high - low + 1
    number -= low
    lifted = value + number
    np.maximum.accumulate(lifted, out=lifted)
    lifted -= number
    return lifted
