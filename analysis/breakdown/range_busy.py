"""How long devices were busy with the work of each range: unions of time, a device at a time, summed."""

from __future__ import annotations

import numpy as np

from ..arithmetic.arrays import Bools, Ints, ints
from ..arithmetic.grouped import union_by_group
from ..arithmetic.subtrees import union_by_subtree
from ..attribution.attribution import Attribution
from ..attribution.paths import Paths
from ..trace.trace import Trace


class BusyTimes:
    """Unions per path, of all its work and of its own (not asked for by code of other processes or threads)."""

    def __init__(self, trace: Trace, attribution: Attribution, paths: Paths) -> None:
        self._attribution, self._paths, frame = attribution, paths, trace.activities
        self._start, self._end = ints(frame, "start_ns"), ints(frame, "end_ns")
        devices, self._device = np.unique(ints(frame, "device"), return_inverse=True)
        self._device = self._device.astype(np.int32)
        self._devices = max(len(devices), 1)
        self._summed = np.zeros(len(paths), np.int64)
        self._waits = np.zeros(len(paths), np.bool_)
        self._pool: list[tuple[Ints, Ints, Bools]] = []
        self._innermost: list[tuple[Ints, Ints, Bools]] = []

    def add(self, rows: Ints, path: Ints, *, by_process: bool) -> None:
        """Work of paths, in the order of its starts; paths that have work `by_process` have more to come.

        Those wait until all their work is known: time that is covered twice counts once.
        """
        if by_process:
            self._waits[path] = True
        later = self._waits[path]
        if later.any():
            self._pool.append((rows[later], path[later], self._find_own(rows[later], by_process=by_process)))
            rows, path = rows[~later], path[~later]
        self._summed += self._union(rows, path)

    def add_innermost(self, rows: Ints, path: Ints, *, by_process: bool) -> None:
        """Work of innermost ranges, which is also work of every range around them."""
        self._innermost.append((rows, path, self._find_own(rows, by_process=by_process)))

    def sum_up(self) -> tuple[Ints, Ints]:
        """(busy, own busy) nanoseconds of every path."""
        deep, own_deep = self._union_innermost()
        busy, own = self._summed + deep, self._summed + own_deep
        if self._pool:
            rows, path, mine = (np.concatenate(part) for part in zip(*self._pool, strict=True))
            order = np.argsort(self._start[rows], kind="stable")
            rows, path, mine = rows[order], path[order], mine[order]
            busy, own = busy + self._union(rows, path), own + self._union(rows[mine], path[mine])
        return busy, own

    def _find_own(self, rows: Ints, *, by_process: bool) -> Bools:
        """Of work that a range's thread asked for all; of other work what is not foreign to the range."""
        if not by_process:
            return np.ones(len(rows), np.bool_)
        return ~self._attribution.foreign[self._attribution.site[rows]]

    def _union(self, rows: Ints, path: Ints) -> Ints:
        group = path if self._devices == 1 else path * np.int64(self._devices) + self._device[rows]
        sums = union_by_group(group, len(self._paths) * self._devices, self._start[rows], self._end[rows])
        return sums.reshape(-1, self._devices).sum(axis=1)

    def _union_innermost(self) -> tuple[Ints, Ints]:
        """(all, own) of what was credited to innermost ranges only."""
        if not self._innermost:
            return np.zeros(len(self._paths), np.int64), np.zeros(len(self._paths), np.int64)
        rows, path, mine = (np.concatenate(part) for part in zip(*self._innermost, strict=True))
        busy = self._union_subtrees(rows, path)
        return busy, busy if mine.all() else self._union_subtrees(rows[mine], path[mine])

    def _union_subtrees(self, rows: Ints, path: Ints) -> Ints:
        """One device after the other."""
        busy, device = np.zeros(len(self._paths), np.int64), self._device[rows]
        for one in np.unique(device).tolist():
            mine = rows[device == one]
            limits = self._start[mine], self._end[mine]
            busy += union_by_subtree(self._paths.parent, path[device == one], *limits)
        return busy
