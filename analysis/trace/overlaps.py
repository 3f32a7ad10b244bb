"""Records of one stream that run at the same time, although a stream does one thing after another.

Some do rightly: the nodes of one launch of a graph, the copies of one batch, a kernel launched to begin before the
one before it has ended (programmatic dependent launch; it still ends after that), and migrations of unified memory,
which are on no stream. But a launch runs once, and each node of a graph once at a time: two records of it that
overlap are one too many. Of all others the most that fit together are kept: a damaged time makes one record
collide with many. Where that would leave out a good part of what a process recorded, nothing of it is, and the
trace is said to overlap.

A second record of a kernel's launch that overlaps nothing is one too many as well, wherever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import Bools, Codes, Ints, ints
from ..arithmetic.grouped import code_combinations, running_maximum, sort_groups
from ..arithmetic.spans import join_spans
from ..export.calls import GRAPH_LAUNCH, LAUNCHING_KERNELS, names_like
from ..export.devices import GpuInfo
from ..words import BUSY_LAYERS

BATCH = re.compile(r"cu(da)?Mem\w*Batch")

EARLY_LAUNCH = re.compile(r"cu(da)?LaunchKernelEx")
"""Calls whose kernel may begin before the one before it has ended."""

MANY_DEVICES = re.compile(r"cu(da)?Launch\w*MultiDevice")
"""Calls that launch a kernel on each of several devices."""

EARLY_FROM = 9
"""Compute capability of the first GPUs that can."""

SLACK_NS = 100
"""Two neighbours' times may overlap by this: a GPU's clock ticks every 32 ns."""

DAMAGED_SHARE = 4
"""When over a quarter of a process's records would have to go, it is no damage to a few of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Rows of activities that cannot have been then, and how many others ran on their streams meanwhile.

    `everywhere` are such rows when they are too many of a process for damage: then none of them is left out.
    """

    rows: Ints
    others: int
    everywhere: Ints


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows of kernels whose launch has a record before them, and how many are kept for being too many for damage."""

    rows: Ints
    kept: int


@dataclass(frozen=True, slots=True)
class _Record:
    """One record; `joint`: of which launch or batch it is, 0 for neither."""

    row: int
    start: int
    end: int
    joint: int
    kernel: bool
    early: bool
    once: int
    """What runs once at a time: a launch, or a node of one; 0 for a part of a batch and where that is not known."""

    def precedes(self, other: _Record) -> bool:
        """Whether it had ended, but for what clocks tick, when another that ends no earlier began."""
        return self.end <= other.start + SLACK_NS and self.start < other.start

    def may_overlap(self, other: _Record) -> bool:
        """Whether another, which ends no earlier, may run at the same time; of one launch all may."""
        return self.precedes(other) or (other.early and self.kernel and self.start <= other.start)


def find_overlaps(
    activities: pd.DataFrame,
    by_start: Ints,
    on_stream: Bools,
    called: Codes,
    names: tuple[str, ...],
    gpus: dict[int, GpuInfo],
) -> Overlaps:
    """Records to leave out: of those `on_stream`, and whose calls' names are `called` (-1 for none)."""
    duration = ints(activities, "end_ns") - ints(activities, "start_ns")
    rows = by_start[(on_stream & (ints(activities, "process") >= 0) & (duration > 0))[by_start]]
    process = ints(activities, "process")
    recorded = np.bincount(process[rows])
    rows, first = _find_heaps(activities, rows)
    found: list[int] = []
    others = 0
    if len(first):
        heaps = _Heaps(activities, rows, called, names, gpus)
        for heap in heaps.suspicious(first):
            damaged, beside = _choose(heap)
            found += damaged
            others += beside
    out = np.array(sorted(found), np.int64)
    stay = _are_too_many(process[out], recorded)
    return Overlaps(rows=out[~stay], others=others, everywhere=out[stay])


def find_repeats(
    activities: pd.DataFrame, calls: pd.DataFrame, called: Codes, names: tuple[str, ...], known: list[Ints]
) -> Repeats:
    """All records of a kernel's launch but the first after its call, not counting those `known` to be wrong.

    Records whose call is unknown are of one launch by their ids, unless some call may have launched several.
    """
    process, start = ints(activities, "process"), ints(activities, "start_ns")
    kernels = (ints(activities, "layer") == BUSY_LAYERS.index("kernel")) & (
        ints(activities, "graph_node") == 0
    )
    kernels[np.concatenate(known)] = False
    launch, call = _number_launches(activities, names), ints(activities, "call")
    rows = np.flatnonzero(kernels & (launch >= 0))
    rows = rows[(np.bincount(launch[rows]) > 1)[launch[rows]]]
    one = names_like(names, LAUNCHING_KERNELS) & ~names_like(names, MANY_DEVICES)
    rows = rows[one[called[rows]] | (call[rows] < 0)]
    if not len(rows):
        return Repeats(rows, 0)
    early = start[rows] < np.append(ints(calls, "start_ns"), 0)[call[rows]]
    rows = rows[np.lexsort((start[rows], early, launch[rows]))]
    again = rows[1:][launch[rows][1:] == launch[rows][:-1]]
    stay = _are_too_many(process[again], np.bincount(process[kernels & (process >= 0)]))
    return Repeats(np.sort(again[~stay]), int(stay.sum()))


def _number_launches(activities: pd.DataFrame, names: tuple[str, ...]) -> Ints:
    """Of each record a number that others of its call have, too; -1 where that is not known."""
    call = ints(activities, "call")
    number = call.astype(np.int64)
    several = names_like(names, GRAPH_LAUNCH) | names_like(names, MANY_DEVICES)
    if several.any() or not (call >= 0).any():
        return number
    ids = ints(activities, "correlation_id")
    lone = np.flatnonzero((call < 0) & (ints(activities, "process") >= 0) & (ids > 0))
    number[lone] = code_combinations(ints(activities, "process")[lone], ids[lone]) + int(call.max()) + 1
    return number


def _are_too_many(process: Codes, recorded: Ints) -> Bools:
    """Which records are of a process that would lose too many of those it `recorded`."""
    lost = np.bincount(process, minlength=len(recorded))
    return (lost * DAMAGED_SHARE > recorded)[process]


def _find_heaps(activities: pd.DataFrame, rows: Ints) -> tuple[Ints, Ints]:
    """Of rows by start those of each stretch of a stream in which some overlap, and where each begins."""
    place = code_combinations(*(ints(activities, name)[rows] for name in ("process", "device", "stream")))
    stream = code_combinations(place, _fill_contexts(place, ints(activities, "context")[rows]))
    order = sort_groups(stream, int(stream.max(initial=-1)) + 1)
    rows, stream = rows[order], stream[order]
    start, end = ints(activities, "start_ns")[rows], ints(activities, "end_ns")[rows]
    near = stream[1:] == stream[:-1]
    joined = near & (start[1:] < end[:-1])
    if not joined.any():  # then nothing overlaps at all
        return rows[:0], rows[:0]
    joined = np.concatenate([[False], near & (start[1:] < running_maximum(stream, end)[:-1]), [False]])
    inside = joined[1:] | joined[:-1]
    return rows[inside], np.flatnonzero(~joined[:-1][inside])


def _fill_contexts(stream: Ints, context: Ints) -> Ints:
    """Contexts, for records that do not name theirs (0) the one that all others of their stream name."""
    unknown = context == 0
    if not unknown.any() or unknown.all():
        return context
    streams = int(stream.max()) + 1
    least, most = np.full(streams, np.iinfo(np.int64).max), np.zeros(streams, np.int64)
    np.minimum.at(least, stream[~unknown], context[~unknown])
    np.maximum.at(most, stream, context)
    only = np.where(least == most, most, 0)
    return np.where(unknown, only[stream], context)


class _Heaps:
    """Records that run at the same time as others, heap after heap, and what they are."""

    def __init__(
        self,
        activities: pd.DataFrame,
        rows: Ints,
        called: Codes,
        names: tuple[str, ...],
        gpus: dict[int, GpuInfo],
    ) -> None:
        call, layer = called[rows], ints(activities, "layer")[rows]
        in_graph = (ints(activities, "graph_node")[rows] != 0) | names_like(names, GRAPH_LAUNCH)[call]
        joint = in_graph & (layer != BUSY_LAYERS.index("graph")) | names_like(names, BATCH)[call]
        old = [one for one, gpu in gpus.items() if (gpu.compute_major or EARLY_FROM) < EARLY_FROM]
        self.rows = rows
        self.start, self.end = (ints(activities, name)[rows] for name in ("start_ns", "end_ns"))
        self.joint = np.where(joint, ints(activities, "correlation_id")[rows], 0)
        self.kernel = layer == BUSY_LAYERS.index("kernel")
        self.early = self.kernel & ((call < 0) | names_like(names, EARLY_LAUNCH)[call])
        self.early &= ~np.isin(ints(activities, "device")[rows], old)
        self.once = _number_runs(activities, rows, names_like(names, BATCH)[call])

    def suspicious(self, first: Ints) -> Iterator[list[_Record]]:
        """Heaps that are neither one launch nor a chain of early kernels, each of which ends after the one before.

        Those in which something runs twice are, too.
        """
        one = np.minimum.reduceat(self.joint, first) == np.maximum.reduceat(self.joint, first)
        one &= self.joint[first] != 0
        chained = np.zeros(len(self.rows), np.bool_)
        chained[1:] = self.early[1:] & self.kernel[:-1] & (self.end[1:] >= self.end[:-1])
        chained[first] = True
        usual = one | np.logical_and.reduceat(chained, first)
        usual &= ~np.logical_or.reduceat((np.bincount(self.once) > 1)[self.once] & (self.once > 0), first)
        columns = (self.rows, self.start, self.end, self.joint, self.kernel, self.early, self.once)
        last = np.append(first[1:], len(self.rows))
        for low, high in zip(first[~usual].tolist(), last[~usual].tolist(), strict=True):
            parts = (column[low:high].tolist() for column in columns)
            yield [_Record(*values) for values in zip(*parts, strict=True)]


def _number_runs(activities: pd.DataFrame, rows: Ints, batch: Bools) -> Ints:
    """A number for each launch, or node of one, from 1 on; 0 for parts of a batch and records of no known launch."""
    names = ("process", "device", "correlation_id", "graph_node", "layer")
    number = code_combinations(*(ints(activities, name)[rows].astype(np.int64) for name in names)) + 1
    return np.where(batch | (ints(activities, "correlation_id")[rows] <= 0), 0, number)


def _choose(heap: list[_Record]) -> tuple[list[int], int]:
    """Rows of a heap to leave out, and how many of the rest ran at the same time as one of them.

    The most that fit are those taken by their ends (interval scheduling).
    """
    kept: list[_Record] = []
    elsewhere: list[int] = []
    """For each kept one, the place of the last before it that is not of its launch; -1 for none."""
    out: list[_Record] = []
    runs: dict[int, _Record] = {}
    """The last that was kept of each launch, or node of one."""
    for record in sorted(heap, key=lambda one: (one.end, -one.start, one.row)):
        before = runs.get(record.once) if record.once else None
        if (before is None or before.precedes(record)) and _fits(record, kept, elsewhere):
            runs[record.once] = record
            same = kept and record.joint and kept[-1].joint == record.joint
            elsewhere.append(elsewhere[-1] if same else len(kept) - 1)
            kept.append(record)
        else:
            out.append(record)
    if len(out) == 1 and len(heap) == 2 and _length(kept[0]) > _length(out[0]):
        kept, out = out, kept  # a damaged time made one longer; nothing else tells which
    return [record.row for record in out], _count_beside(kept, out)


def _length(record: _Record) -> int:
    return record.end - record.start


def _fits(record: _Record, kept: list[_Record], elsewhere: list[int]) -> bool:
    """Whether a record that ends last may run beside all those that were kept."""
    at = len(kept) - 1
    while at >= 0 and kept[at].end > record.start:
        if record.joint and kept[at].joint == record.joint:
            at = elsewhere[at]
        elif kept[at].may_overlap(record):
            at -= 1
        else:
            return False
    return True


def _count_beside(kept: list[_Record], out: list[_Record]) -> int:
    if not out:
        return 0
    limits = np.array(sorted((one.start, one.end) for one in out), np.int64)
    start, end = join_spans(limits[:, 0], limits[:, 1])
    begin, stop = (np.array([getattr(one, name) for one in kept], np.int64) for name in ("start", "end"))
    at = np.searchsorted(end, begin, side="right")
    return int((np.append(start, stop.max(initial=0))[at] < stop).sum())
