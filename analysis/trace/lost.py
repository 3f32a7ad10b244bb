"""Calls that asked the device for work of which there is no record: the recording lost it.

A launch, copy or fill that succeeded has a record; in a stream capture it has none, for it only says what a graph
will do. A graph's launch has a record for each of its nodes. A fill or copy of zero bytes has none either: the call
returns before anything is enqueued, sooner than any that has one. What is missing at the very start or end was not
yet, or no longer, recorded; anything more is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Bools, Codes, Ints
from ..arithmetic.grouped import code_combinations
from ..export.calls import GRAPH_LAUNCH, LAUNCHING_KERNELS, names_like
from ..words import QualityNote
from .quality import note

COPYING = re.compile(r"cu(da)?Memcpy")

FILLING = re.compile(r"cu(da)?Memset")

ASKING = re.compile("|".join(one.pattern for one in (LAUNCHING_KERNELS, COPYING, FILLING, GRAPH_LAUNCH)))
"""Calls that ask for device work."""

BEGIN_CAPTURE = re.compile(r"cu(da)?StreamBegin\w*Capture")

END_CAPTURE = re.compile(r"cu(da)?StreamEndCapture")

CHANGING_GRAPHS = re.compile(r"cu(da)?Graph\w*(SetEnabled|Conditional)")
"""With these, not every launch of a graph runs all of its nodes."""

GRAPH_BITS = 32
"""The upper half of a node's number is its graph's (Nsight Systems 2025)."""

FEW, FEW_SHARE, LEAST_SHARE = 5, 100, 10
"""At either end up to a hundredth of a process's records may be missing, or five of them if that is at most a tenth."""

KNOWN_CALLS = 10
"""So many calls of a name with a record tell how soon such a call can return."""


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
    """Where nodes of graphs were made, or those they were cloned from: in the calls that a capture turned into them."""

    process: Codes
    node: Ints
    thread: Codes
    start: Ints


def judge_lost(asked: Asked, recorded: Recorded, nodes: Nodes, pids: tuple[int, ...]) -> list[QualityNote]:
    """Notes on calls without their records; `pids` are those of process codes."""
    wanted, whole = _find_wanted(asked, recorded)
    missing = wanted & ~whole
    rows = np.flatnonzero(missing)
    missing[rows[_is_captured(asked, nodes, rows)]] = False
    idle = _had_nothing_to_do(asked, missing, whole)
    missing &= ~idle
    launches, full, held = _hold_graphs(asked, recorded, nodes)
    notes = [note("empty_calls", int(idle.sum()))] if idle.any() else []
    if not missing.any() and (full == held).all():
        return notes
    expected = np.where(asked.like(GRAPH_LAUNCH), full.max(initial=1), 1)
    expected[launches] = full
    lacking = np.where(missing, expected, 0)
    lacking[launches] = full - held
    wanted &= (lacking > 0) | whole
    return [*_tell_lost(asked, recorded, wanted, expected, lacking, pids), *notes]


def _tell_lost(
    asked: Asked, recorded: Recorded, wanted: Bools, expected: Ints, lacking: Ints, pids: tuple[int, ...]
) -> Iterator[QualityNote]:
    parts, lost, clipped = [], 0, 0
    for process, gone, cut in _count(asked, wanted, expected, lacking):
        gone = max(0, gone - _count_unnamed(recorded, process))
        lost, clipped = lost + gone, clipped + cut
        if gone:
            total = int((asked.process[wanted] == process).sum())
            parts.append(f"pid {pids[process]}: {gone} of {total}")
    if lost:
        yield note("lost_records", lost, ", ".join(parts))
    if clipped:
        yield note("clipped_records", clipped)


def _had_nothing_to_do(asked: Asked, missing: Bools, whole: Bools) -> Bools:
    """Fills and copies without a record that returned sooner than any such call of their process with one."""
    idle = np.zeros(len(missing), np.bool_)
    moving = names_like(asked.names, COPYING) | names_like(asked.names, FILLING)
    rows = np.flatnonzero(missing)
    rows = rows[moving[asked.name[rows]]]
    for process, name in sorted(
        set(zip(asked.process[rows].tolist(), asked.name[rows].tolist(), strict=True))
    ):
        alike = (asked.process == process) & (asked.name == name)
        known = asked.end[alike & whole] - asked.start[alike & whole]
        if len(known) >= KNOWN_CALLS:
            idle |= alike & missing & (asked.end - asked.start < known.min())
    return idle


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
        wanted &= ~asked.like(LAUNCHING_KERNELS)
    rows = np.flatnonzero(wanted & ~whole)  # such as share their id with another call
    near = np.isin(recorded.correlation_id, asked.correlation_id[rows])
    known = set(zip(recorded.process[near].tolist(), recorded.correlation_id[near].tolist(), strict=True))
    for row in rows.tolist() if known else ():
        one = int(asked.correlation_id[row])
        whole[row] = (int(asked.process[row]), one) in known or (-1, one) in known
    return wanted, whole


def _is_captured(asked: Asked, nodes: Nodes, rows: Ints) -> Bools:
    """Which of some calls made a node, or were made while a stream of their process was captured.

    The latter is said of no call where captures of that process are known to have made nodes in others.
    """
    made = _count_nodes(asked, nodes, rows) > 0
    if not len(rows):
        return made
    captured = np.zeros(len(rows), np.bool_)
    begins = np.flatnonzero(asked.like(BEGIN_CAPTURE) & asked.succeeded)
    ends = np.flatnonzero(asked.like(END_CAPTURE))
    for process in np.unique(asked.process[begins]).tolist():
        mine = asked.process[rows] == process
        if (made & mine).any():
            continue
        first, last = (some[asked.process[some] == process] for some in (begins, ends))
        times = np.concatenate([asked.start[first], asked.end[last]])
        order = np.argsort(times, kind="stable")
        depth = np.cumsum(np.repeat([1, -1], [len(first), len(last)])[order])
        depth -= np.minimum(np.minimum.accumulate(depth), 0)
        at = np.searchsorted(times[order], asked.start[rows], side="right")
        captured |= mine & (np.append(0, depth)[at] > 0)
    return made | captured


def _count_nodes(asked: Asked, nodes: Nodes, rows: Ints) -> Ints:
    """How many nodes of graphs were made in each of some calls."""
    found = np.zeros(len(rows), np.int64)
    for thread in np.unique(nodes.thread).tolist():
        made = np.sort(nodes.start[nodes.thread == thread])
        mine = np.flatnonzero(asked.thread[rows] == thread)
        first = np.searchsorted(made, asked.start[rows[mine]])
        found[mine] = np.searchsorted(made, asked.end[rows[mine]], side="right") - first
    return found


def _hold_graphs(asked: Asked, recorded: Recorded, nodes: Nodes) -> tuple[Ints, Ints, Ints]:
    """(launch, nodes of its graph, nodes of these that it has a record of) of each launch of a graph with records.

    Launches that have a node in common are of one graph. A kernel or fill of it that no launch has is lost, too.
    Nodes that less than half of its launches have may be conditional; not where the recording saw the graph made, and
    no call that makes them so, nor where no node is in all of the launches.
    """
    some = (recorded.graph_node != 0) & (recorded.call >= 0)
    if not some.any() or names_like(asked.names, CHANGING_GRAPHS).any():
        none = np.zeros(0, np.int64)
        return none, none, none
    launch, calls = pd.factorize(recorded.call[some])
    process = np.concatenate([recorded.process[some], nodes.process]).astype(np.int64)
    number = np.concatenate([recorded.graph_node[some], nodes.node])
    code = code_combinations(process, number)
    node, made = code[: len(launch)], code[len(launch) :]
    count = int(code.max()) + 1
    pairs = pd.unique(launch.astype(np.int64) * count + node)
    launch, node = pairs // count, pairs % count
    graph, of_launch = _join_graphs(launch, node, count, len(calls))
    usual = _find_usual(graph, of_launch, node, made)
    full = np.bincount(graph[usual], minlength=count)
    family = code_combinations(process, number >> GRAPH_BITS)
    graph_of = np.full(int(family.max()) + 1, NONE)
    graph_of[family[: len(code) - len(made)]] = graph[code[: len(code) - len(made)]]
    never = _must_run(asked, nodes) & ~np.isin(made, node) & (nodes.node >> GRAPH_BITS > 0)
    lacking = graph_of[family[len(code) - len(made) :][never]]
    np.add.at(full, lacking[lacking >= 0], 1)
    held = np.bincount(launch[usual[node]], minlength=len(calls))
    return np.asarray(calls), full[of_launch], held


def _find_usual(graph: Ints, of_launch: Ints, node: Ints, made: Ints) -> Bools:
    """Which nodes every launch of their graph should have: of those that some have, by `node` of each record."""
    ran, launches = (np.bincount(some, minlength=len(graph)) for some in (node, of_launch))
    usual = 2 * ran >= launches[graph]
    usual[made] = True
    steady = np.zeros(len(graph), np.bool_)
    np.logical_or.at(steady, graph, ran == launches[graph])
    return (usual | ~steady[graph]) & (ran > 0)


def _must_run(asked: Asked, nodes: Nodes) -> Bools:
    """Which nodes were made for kernels or fills, and so have a record in each launch; copies may be the host's."""
    found = np.zeros(len(nodes.node), np.bool_)
    asking = (asked.like(LAUNCHING_KERNELS) | asked.like(FILLING)) & asked.succeeded
    for thread in np.unique(nodes.thread).tolist():
        mine, calls = np.flatnonzero(nodes.thread == thread), np.flatnonzero(asked.thread == thread)
        at = np.searchsorted(asked.start[calls], nodes.start[mine], side="right") - 1
        mine, call = mine[at >= 0], calls[at[at >= 0]]
        found[mine] = asking[call] & (nodes.start[mine] <= asked.end[call])
    return found


def _join_graphs(launch: Ints, node: Ints, nodes: int, launches: int) -> tuple[Ints, Ints]:
    """The graph of each node and of each launch, by one of its nodes."""
    graph = np.arange(nodes)
    while True:
        of_launch = np.full(launches, nodes)
        np.minimum.at(of_launch, launch, graph[node])
        joined = graph.copy()
        np.minimum.at(joined, node, of_launch[launch])
        if (joined == graph).all():
            return graph, of_launch
        graph = joined


def _count(asked: Asked, wanted: Bools, expected: Ints, lacking: Ints) -> Iterator[tuple[int, int, int]]:
    """(process, calls that lost their records, calls at either end that have none) of each with some."""
    for one in np.unique(asked.process[lacking > 0]).tolist():
        rows = np.flatnonzero(wanted & (asked.process == one))
        rows = rows[np.argsort(asked.start[rows], kind="stable")]
        gone, total = lacking[rows] > 0, int(expected[rows].sum())
        there = np.flatnonzero(~gone)
        few = max(total // FEW_SHARE, min(FEW, -(-total // LEAST_SHARE)))
        edges = (rows[: there[0]], rows[there[-1] + 1 :]) if len(there) else ()
        cut = sum(len(edge) for edge in edges if int(lacking[edge].sum()) <= few)
        lost = int(gone.sum())
        yield (one, 0, cut) if cut == lost else (one, lost, 0)  # what loses some may lose the first as well


def _count_unnamed(recorded: Recorded, process: int) -> int:
    """Records that do not say which call they are of: each may be one that seems to be missing."""
    mine = (recorded.process == process) | (recorded.process < 0)
    return int((mine & (recorded.correlation_id <= 0) & ~recorded.migration).sum())
