"""Calls that asked the device for work of which there is no record: the recording lost it.

A launch, copy or fill that succeeded has a record; in a stream capture it has none, for it only says what a graph
will do. A graph's launch has a record for each of its nodes. What is missing at the very start or end was not yet,
or no longer, recorded; anything more is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import Bools, Codes, Ints
from ..arithmetic.grouped import code_combinations
from ..export.calls import GRAPH_LAUNCH, names_like
from ..words import QualityNote
from .quality import note

ASKING = re.compile(
    r"cu(da)?(Launch(Cooperative)?Kernel|LaunchGrid|Launch(_\w+)?$|Memcpy|Memset|GraphLaunch)"
)
"""Calls that ask for device work, by their names; cudaLaunchHostFunc is work of the host's."""

LAUNCHING = re.compile(r"cu(da)?Launch")

BEGIN_CAPTURE = re.compile(r"cu(da)?StreamBegin\w*Capture")

END_CAPTURE = re.compile(r"cu(da)?StreamEndCapture")

CHANGING_GRAPHS = re.compile(r"cu(da)?Graph\w*(SetEnabled|Conditional)")
"""With these, not every launch of a graph runs all of its nodes."""

FEW, FEW_SHARE, LEAST_SHARE = 5, 100, 10
"""At either end up to a hundredth of a process's calls may be missing, or five of them if that is at most a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """All calls of a trace."""

    start: Ints
    end: Ints
    thread: Codes
    process: Codes
    name: Codes
    """Places in `names`."""
    correlation_id: Ints
    succeeded: Bools
    names: tuple[str, ...]

    def like(self, pattern: re.Pattern[str]) -> Bools:
        """Which calls have such a name."""
        return names_like(self.names, pattern)[self.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """All records of a device, also those without possible times."""

    process: Codes
    """-1 where it is not known."""
    correlation_id: Ints
    call: Codes
    graph_node: Ints
    migration: Bools
    """Whether it is a copy of unified memory, for which nobody called."""
    has_kernels: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """Where nodes of graphs were made: in the calls that a capture turned into them."""

    thread: Codes
    start: Ints


def judge_lost(asked: Asked, recorded: Recorded, nodes: Nodes, pids: tuple[int, ...]) -> list[QualityNote]:
    """Notes on calls without their records; `pids` are those of process codes."""
    wanted, whole = _find_wanted(asked, recorded)
    missing = wanted & ~whole
    rows = np.flatnonzero(missing)
    missing[rows[_is_captured(asked, nodes, rows)]] = False
    missing[_find_incomplete(asked, recorded)] = True
    wanted &= missing | whole
    notes, parts, lost, clipped = [], [], 0, 0
    for process, gone, cut in _count(asked.process, asked.start, wanted, missing):
        gone = max(0, gone - _count_unnamed(recorded, process))
        lost, clipped = lost + gone, clipped + cut
        if gone:
            total = int((asked.process[wanted] == process).sum())
            parts.append(f"pid {pids[process]}: {gone} of {total}")
    if lost:
        notes.append(note("lost_records", lost, ", ".join(parts)))
    if clipped:
        notes.append(note("clipped_records", clipped))
    return notes


def _find_wanted(asked: Asked, recorded: Recorded) -> tuple[Bools, Bools]:
    """Calls that ask for work, and those that have a record.

    Where no graph's launch and no kernel has one, another note says so.
    """
    whole = np.zeros(len(asked.start) + 1, np.bool_)
    whole[recorded.call] = True
    whole = whole[:-1]
    wanted = asked.like(ASKING) & asked.succeeded & (asked.correlation_id > 0)
    graphs = asked.like(GRAPH_LAUNCH)
    if not whole[graphs].any():
        wanted &= ~graphs
    if not recorded.has_kernels:
        wanted &= ~asked.like(LAUNCHING)
    rows = np.flatnonzero(wanted & ~whole)  # such as share their id with another call
    near = np.isin(recorded.correlation_id, asked.correlation_id[rows])
    known = set(zip(recorded.process[near].tolist(), recorded.correlation_id[near].tolist(), strict=True))
    for row in rows.tolist() if known else ():
        one = int(asked.correlation_id[row])
        whole[row] = (int(asked.process[row]), one) in known or (-1, one) in known
    return wanted, whole


def _is_captured(asked: Asked, nodes: Nodes, rows: Ints) -> Bools:
    """Which of some calls were made while a stream of their process was captured, or made a node."""
    found = np.zeros(len(rows), np.bool_)
    if not len(rows):
        return found
    begins = np.flatnonzero(asked.like(BEGIN_CAPTURE) & asked.succeeded)
    ends = np.flatnonzero(asked.like(END_CAPTURE))
    for process in np.unique(asked.process[begins]).tolist():
        first, last = (some[asked.process[some] == process] for some in (begins, ends))
        times = np.concatenate([asked.start[first], asked.end[last]])
        order = np.argsort(times, kind="stable")
        depth = np.cumsum(np.repeat([1, -1], [len(first), len(last)])[order])
        depth -= np.minimum(np.minimum.accumulate(depth), 0)
        at = np.searchsorted(times[order], asked.start[rows], side="right")
        found |= (asked.process[rows] == process) & (np.append(0, depth)[at] > 0)
    for thread in np.unique(nodes.thread).tolist():
        made = np.sort(nodes.start[nodes.thread == thread])
        first = np.searchsorted(made, asked.start[rows])
        last = np.searchsorted(made, asked.end[rows], side="right")
        found |= (asked.thread[rows] == thread) & (last > first)
    return found


def _find_incomplete(asked: Asked, recorded: Recorded) -> Ints:
    """Launches of graphs that lack some of the nodes which most launches of the same graph have.

    Launches that have a node in common are of one graph.
    """
    some = (recorded.graph_node != 0) & (recorded.call >= 0)
    if not some.any() or names_like(asked.names, CHANGING_GRAPHS).any():
        return np.zeros(0, np.int64)
    launch, calls = pd.factorize(recorded.call[some])
    node = code_combinations(recorded.process[some], recorded.graph_node[some])
    count = int(node.max()) + 1
    pairs = pd.unique(launch.astype(np.int64) * count + node)
    launch, node = pairs // count, pairs % count
    graph = np.arange(count)
    while True:
        of_launch = np.full(len(calls), count)
        np.minimum.at(of_launch, launch, graph[node])
        joined = graph.copy()
        np.minimum.at(joined, node, of_launch[launch])
        if (joined == graph).all():
            break
        graph = joined
    usual = 2 * np.bincount(node, minlength=count) >= np.bincount(of_launch, minlength=count)[graph]
    full = np.bincount(graph[usual], minlength=count)[of_launch]
    held = np.bincount(launch[usual[node]], minlength=len(calls))
    return np.asarray(calls)[held < full]


def _count(process: Codes, start: Ints, wanted: Bools, missing: Bools) -> Iterator[tuple[int, int, int]]:
    """(process, calls that lost their records, calls at either end that have none) of each with some."""
    for one in np.unique(process[missing]).tolist():
        rows = np.flatnonzero(wanted & (process == one))
        gone = missing[rows[np.argsort(start[rows], kind="stable")]]
        there = np.flatnonzero(~gone)
        few = max(len(gone) // FEW_SHARE, min(FEW, -(-len(gone) // LEAST_SHARE)))
        edges = (int(there[0]), len(gone) - 1 - int(there[-1])) if len(there) else ()
        cut = sum(edge for edge in edges if edge <= few)
        lost = int(gone.sum())
        yield (one, 0, cut) if cut == lost else (one, lost, 0)  # what loses some may lose the first as well


def _count_unnamed(recorded: Recorded, process: int) -> int:
    """Records that do not say which call they are of: each may be one that seems to be missing."""
    mine = (recorded.process == process) | (recorded.process < 0)
    return int((mine & (recorded.correlation_id <= 0) & ~recorded.migration).sum())
