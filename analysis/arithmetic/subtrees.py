"""In a tree, what lies in each node and in all nodes inside it: the union of its spans, its values in order.

From the leaves outwards, always the smaller collection put into the larger one: the time this takes grows with the
spans and values (and the logarithm of their number), not with how deep the tree is. For shallow trees numpy, which
goes over everything once a level, is many times faster: see breakdown/range_costs.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .arrays import Ints


class Described(NamedTuple):
    """The values of one key in a node and inside it."""

    node: int
    key: int
    number: int
    total: int
    median: float
    least: int
    greatest: int


def union_by_subtree(parent: Ints, node: Ints, start: Ints, end: Ints) -> Ints:
    """For each node the length of the union of its spans and of those inside it.

    ``parent`` gives each node's, which has a lower number, or -1; ``node`` the node of each span.
    """
    sums = np.zeros(len(parent), np.int64)
    held: list[_Union | None] = [None] * len(parent)
    for one, rows in _by_node(node):
        union = held[one] = _Union()
        for low, high in zip(start[rows].tolist(), end[rows].tolist(), strict=True):
            union.add(low, high)
    for one in range(len(parent) - 1, -1, -1):
        union, held[one] = held[one], None
        if union is not None:
            sums[one] = union.total
            if (outer := int(parent[one])) >= 0:
                held[outer] = _join(held[outer], union)
    return sums


def describe_by_subtree(
    parent: Ints, node: Ints, key: Ints, value: Ints, most: int
) -> tuple[list[Described], int]:
    """For each node the values of each key in it and inside it, innermost nodes first; at most about ``most`` of them.

    The second result is how many were left out: those of the outermost nodes.
    """
    held: list[dict[int, _Values] | None] = [None] * len(parent)
    for one, rows in _by_node(node):
        found: dict[int, _Values] = {}
        for name, number in zip(key[rows].tolist(), value[rows].tolist(), strict=True):
            found.setdefault(name, _Values()).add(number)
        held[one] = found
    described: list[Described] = []
    left_out = 0
    for one in range(len(parent) - 1, -1, -1):
        values, held[one] = held[one], None
        if values is None:
            continue
        if len(described) + len(values) <= most:
            described += (each.describe(one, name) for name, each in values.items())
        else:
            left_out += len(values)
        if (outer := int(parent[one])) >= 0:
            held[outer] = _join_values(held[outer], values)
    return described, left_out


def _by_node(node: Ints) -> Iterator[tuple[int, Ints]]:
    """Each node that has something, and where."""
    order = np.argsort(node, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(node[order])) + 1) if len(order) else ():
        yield int(node[rows[0]]), rows


@dataclass(slots=True)
class _Union:
    """Disjoint spans in order, and their length together."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    total: int = 0

    def add(self, start: int, end: int) -> None:
        """Another span, which takes in those that it meets."""
        if end <= start:
            return
        low, high = bisect_left(self.ends, start), bisect_right(self.starts, end)
        if low < high:
            start, end = min(start, self.starts[low]), max(end, self.ends[high - 1])
            self.total -= sum(self.ends[low:high]) - sum(self.starts[low:high])
        self.starts[low:high], self.ends[low:high] = [start], [end]
        self.total += end - start


def _join(one: _Union | None, other: _Union) -> _Union:
    if one is None:
        return other
    small, large = (one, other) if len(one.starts) < len(other.starts) else (other, one)
    for start, end in zip(small.starts, small.ends, strict=True):
        large.add(start, end)
    return large


@dataclass(slots=True)
class _Values:
    """Values in order, and their sum."""

    ordered: list[int] = field(default_factory=list)
    total: int = 0

    def add(self, value: int) -> None:
        """Another value."""
        insort(self.ordered, value)
        self.total += value

    def describe(self, node: int, key: int) -> Described:
        """The values of a node and a key."""
        values, count = self.ordered, len(self.ordered)
        median = (values[(count - 1) // 2] + values[count // 2]) / 2
        return Described(node, key, count, self.total, median, values[0], values[-1])


def _join_values(one: dict[int, _Values] | None, other: dict[int, _Values]) -> dict[int, _Values]:
    if one is None:
        return other
    small, large = (one, other) if len(one) < len(other) else (other, one)
    for key, values in small.items():
        into = large.get(key)
        if into is None:
            large[key] = values
            continue
        few, many = (values, into) if len(values.ordered) < len(into.ordered) else (into, values)
        for value in few.ordered:
            many.add(value)
        large[key] = many
    return large
