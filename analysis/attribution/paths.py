"""Paths of ranges: instances with the same messages from the outermost inwards, on one thread, are one path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..arithmetic.nesting import split_levels
from ..trace.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class PathName:
    """How a path is called: its last message, all messages from the outermost, its domain, its thread."""

    range: str = ""
    path: tuple[str, ...] = ()
    domain: str = ""
    """"" is NVTX's default domain."""
    pid: int | None = None
    tid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Every distinct path of a trace; the row `first` is the first range on it."""

    of_range: Codes
    """The path of each row of trace.ranges."""
    parent: Ints
    """The path without its last message, -1 for an outermost one."""
    first: Ints
    """A row of trace.ranges that lies on it: its name, domain, thread and style are the path's."""

    def __len__(self) -> int:
        return len(self.first)

    def name(self, trace: Trace, path: int) -> PathName:
        """How a path is called; -1 is no path at all."""
        if path < 0:
            return PathName()
        row = int(self.first[path])
        messages: list[str] = []
        while path >= 0:
            messages.append(trace.name(int(ints(trace.ranges, "name")[self.first[path]])))
            path = int(self.parent[path])
        pid, tid = thread_ids(trace, int(ints(trace.ranges, "thread")[row]))
        domain = trace.name(int(ints(trace.ranges, "domain")[row]))
        return PathName(range=messages[0], path=tuple(reversed(messages)), domain=domain, pid=pid, tid=tid)


def thread_ids(trace: Trace, thread: int) -> tuple[int | None, int | None]:
    """(pid, tid) of a thread, None for none."""
    if thread < 0:
        return None, None
    return int(ints(trace.threads, "pid")[thread]), int(ints(trace.threads, "tid")[thread])


def find_paths(trace: Trace) -> Paths:
    """All paths, numbered by depth and then in the order of their first range."""
    frame = trace.ranges
    parents, depth = ints(frame, "parent"), ints(frame, "depth")
    kind = _pair(ints(frame, "name"), ints(frame, "domain"))
    kind = _pair(_pair(kind, ints(frame, "thread")), ints(frame, "style"))
    of_range = np.full(len(frame) + 1, NONE, np.int64)
    parent, first, count = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for level in split_levels(depth):
        outer = of_range[parents[level]]
        codes, unique = pd.factorize(_pair(outer + 1, kind[level]))
        of_range[level] = count + codes
        where = np.full(len(unique), len(level), np.int64)
        np.minimum.at(where, codes, np.arange(len(level)))
        parent.append(outer[where])
        first.append(level[where])
        count += len(unique)
    return Paths(
        of_range=of_range[:-1].astype(np.int32), parent=np.concatenate(parent), first=np.concatenate(first)
    )


def _pair(one: Ints, other: Ints) -> Ints:
    """A code for each distinct pair."""
    first, second = pd.factorize(one)[0], pd.factorize(other)
    return pd.factorize(first * np.int64(max(len(second[1]), 1)) + second[0])[0]
