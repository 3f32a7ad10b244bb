"""A device's labelled timeline as sums only: how long each range owns it in each layer.

The same rule as timeline.py's, without its spans, of which a trace has millions: what lies in a thread's calls
is a difference of what they cover before two instants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, ints
from ..arithmetic.nesting import split_levels
from ..arithmetic.spans import covered_before
from ..attribution.attribution import Attribution
from ..attribution.ownership import BY_PROCESS, Switches
from ..attribution.paths import Paths
from ..trace.trace import Trace
from ..words import API, BUSY_LAYERS, HOST, LATENCY, LAUNCH, LAYERS, MEMCPY, SYNC, UNKNOWN
from .gaps import Gaps, device_gaps, device_parts, host_parts
from .host_time import HostCalls, Kinds, find_host_calls, share_out
from .timeline import rows_by_device

Sums = NDArray[np.int64]
"""(layer, range) -> ns; the last column is time that no range owns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSums:
    """How long ranges own a device's time, from the first to the last instant of the trace."""

    owned: Sums
    by_process: NDArray[np.int64] | None
    """(layer, path) -> ns of what another thread's ranges own of that, by a rule and not by a record; None for none."""
    copies: dict[int, int]
    """Kind of copy -> ns of the layer memcpy."""
    split: bool
    """Whether idle time could be split; without API calls all of it is `unknown`."""

    def inclusive(self, trace: Trace) -> Sums:
        """(layer, range) -> ns that each range owns, with what those inside it own; time of no range is left out."""
        sums, parent = self.owned[:, :-1].copy(), ints(trace.ranges, "parent").astype(np.int64)
        for rows in reversed(split_levels(ints(trace.ranges, "depth"))[1:]):
            inner = rows[parent[rows] >= 0]
            for layer in sums:
                np.add.at(layer, parent[inner], layer[inner])
        return sums


def sum_devices(trace: Trace, attribution: Attribution, paths: Paths) -> dict[int, DeviceSums]:
    """The sums of every device that has records."""
    calls = find_host_calls(trace)
    return {
        one: _Device(trace, attribution, paths, calls).sum(rows)
        for one, rows in rows_by_device(trace).items()
    }


def find_used(trace: Trace, sums: Sequence[Sums]) -> Bools:
    """(device, range) -> whether a range's inclusive time there counts: its thread works on that device, or on none.

    A rank, or a thread for each GPU, has no part in the others' GPUs, though it may own idle time of theirs.
    """
    threads, thread_of = np.unique(ints(trace.ranges, "thread"), return_inverse=True)
    works = np.zeros((len(sums), len(threads)), bool)
    for device, each in enumerate(sums):
        works[device, thread_of[each[: len(BUSY_LAYERS)].any(axis=0)]] = True
    return (works | ~works.any(axis=0))[:, thread_of]


class _Device:
    """Sums of one device, filled a stretch of its timeline after another."""

    def __init__(self, trace: Trace, attribution: Attribution, paths: Paths, calls: HostCalls) -> None:
        self._trace, self._attribution, self._calls = trace, attribution, calls
        self._path, self._paths = paths.of_range, len(paths)
        self._switches = Switches(attribution.ownership)
        self._owned = np.zeros((len(LAYERS), len(trace.ranges) + 1), np.int64)
        self._by_process: NDArray[np.int64] | None = None

    def sum(self, rows: Ints) -> DeviceSums:
        """The time of a device with these activities, by start."""
        gaps = device_gaps(self._trace, rows)
        gaps.start[0], gaps.end[-1] = self._trace.extent()
        copies: Counter[int] = Counter()
        for first, some in gaps.stretches():
            self._add_gaps(some.take(some.end > some.start))
            copies.update(self._add_busy(some.x, some.end, gaps.start[first + 1 :]))
        return DeviceSums(
            owned=self._owned,
            by_process=self._by_process,
            copies=dict(sorted(copies.items())),
            split=self._trace.has_calls,
        )

    def _add(self, layer: int | Ints, owner: Codes, kind: Kinds, ns: Ints) -> None:
        """Add times of owners, of which -1 is the last column."""
        columns = self._owned.shape[1]
        cell = np.where(owner < 0, columns - 1, owner) + np.int64(columns) * layer
        np.add.at(self._owned.reshape(-1), cell, ns)
        other = np.flatnonzero(kind == BY_PROCESS)
        if len(other):
            self._add_by_process(layer if isinstance(layer, int) else layer[other], owner[other], ns[other])

    def _add_by_process(self, layer: int | Ints, owner: Codes, ns: Ints) -> None:
        if self._by_process is None:
            self._by_process = np.zeros((len(LAYERS), self._paths), np.int64)
        cell = self._path[owner] + np.int64(self._paths) * layer
        np.add.at(self._by_process.reshape(-1), cell, ns)

    def _add_busy(self, row: Codes, start: Ints, end: Ints) -> dict[int, int]:
        """Add what shows from each start to its end, if it has one, and return how long each kind of copy does."""
        row, ns = row[: len(end)], end[: len(row)] - start[: len(end)]
        layer = ints(self._trace.activities, "layer")[row].astype(np.int64)
        self._add(layer, self._attribution.owner[row], self._attribution.kind[row], ns)
        copied = np.flatnonzero(layer == MEMCPY)
        kind = self._trace.copy_kinds(row[copied])
        return {one: int(ns[copied[kind == one]].sum()) for one in np.unique(kind).tolist()}

    def _add_gaps(self, gaps: Gaps) -> None:
        known, *parts = device_parts(self._trace, gaps)
        owned = self._attribution.owner[gaps.x[known]], self._attribution.kind[gaps.x[known]]
        for layer, (start, end) in zip((LAUNCH, LATENCY), parts, strict=True):
            self._add(layer, *owned, np.maximum(end - start, 0))
        unknown = gaps.thread < 0
        self._owned[UNKNOWN, NONE] += (gaps.end[unknown] - gaps.start[unknown]).sum()
        for one, limits in host_parts(self._trace, gaps):
            self._add_host(one, *limits)

    def _add_host(self, thread: int, start: Ints, end: Ints) -> None:
        """What a thread did before calls. Its waiting lies in its calls."""
        waiting, active = self._calls.near(thread, start[0], end[-1])
        begin, stop, owner, kind = share_out(self._switches, thread, start, end)
        sync = covered_before(*waiting, stop) - covered_before(*waiting, begin)
        busy = covered_before(*active, stop) - covered_before(*active, begin)
        for layer, ns in ((SYNC, sync), (API, busy - sync), (HOST, stop - begin - busy)):
            self._add(layer, owner, kind, ns)
