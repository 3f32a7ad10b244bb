"""What each range cost: its own time on the host, and the device work asked for while it was open.

Figures are inclusive: a record counts for every range open at its call, once per range, also where ranges of
the same name are nested. Only the projection (per instance, from the first start to the last end on the device)
leaves out what other threads asked for, as NVIDIA's does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arithmetic.arrays import NONE, Ints, ints
from ..arithmetic.grouped import Stats, describe_groups, sum_by_group, union_by_group
from ..arithmetic.nesting import measure_depths, split_levels
from ..attribution.attribution import Attribution
from ..attribution.credits import Chain, Credit, walk_chain
from ..attribution.declared import find_declared
from ..attribution.ownership import ATTRIBUTIONS, BY_NONE, BY_PROCESS, BY_THREAD
from ..attribution.paths import PathName, Paths, thread_ids
from ..export.frames import PUSH_POP
from ..trace.trace import Trace
from ..words import BUSY_LAYERS
from .rows import RangeKernelRow, RangeRow

KERNEL = BUSY_LAYERS.index("kernel")

NEVER = np.int64(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeTables:
    """Both tables, from one pass over the credits."""

    ranges: tuple[RangeRow, ...]
    kernels: tuple[RangeKernelRow, ...]


def measure_ranges(trace: Trace, attribution: Attribution, paths: Paths) -> RangeTables:
    """The cost of every path, and its kernels."""
    work = _Work(trace, attribution, paths)
    for chain in sorted(attribution.chains, key=lambda chain: -chain.kind):  # by process first
        work.add(chain)
    return RangeTables(ranges=work.range_rows(), kernels=work.kernel_rows())


class _Work:
    """Sums per path (and, for projections, per range), filled chain by chain."""

    def __init__(self, trace: Trace, attribution: Attribution, paths: Paths) -> None:
        self._trace, self._attribution, self._paths = trace, attribution, paths
        frame = trace.activities
        self._start, self._end = ints(frame, "start_ns"), ints(frame, "end_ns")
        self._duration = self._end - self._start
        self._is_kernel = ints(frame, "layer") == KERNEL
        devices, self._device = np.unique(ints(frame, "device"), return_inverse=True)
        self._devices = max(len(devices), 1)
        self._credited = np.zeros(len(frame), np.bool_)
        self._depth = measure_depths(paths.parent)
        self._activities, self._kernel_sum, self._launch = self._sums = np.zeros((3, len(paths)), np.int64)
        self._busy = np.zeros(len(paths), np.int64)
        self._own_busy = np.zeros(len(paths), np.int64)
        self._credited_by = np.zeros((len(ATTRIBUTIONS), len(paths)), np.bool_)
        self._unsure = np.zeros(len(paths), np.bool_)
        self._first = np.full(len(trace.ranges), NEVER)
        self._last = np.full(len(trace.ranges), -NEVER)
        self._shared = np.zeros(len(paths), np.bool_)
        self._pool: list[tuple[Ints, Ints]] = []
        self._stats: list[tuple[int, Stats]] = []
        self._names: dict[int, PathName] = {}
        self._names_count = max(len(trace.names), 1)

    def add(self, chain: Chain) -> None:
        """Add the work of some sites to the ranges open there."""
        if chain.along_paths and not chain.nest.crossing:
            self._add_nested(chain.innermost())
            return
        for credit in walk_chain(chain, self._attribution.sites.time):
            rows, ranges = self._pairs(credit)
            path = self._paths.of_range[ranges]
            self._sums += self._sum_up(credit, rows, path)
            self._project(credit.kind, rows, ranges)
            self._add_busy(credit.kind, rows, path)
            if not chain.along_paths:
                self._judge_threads(rows, path)
            self._stats.append((credit.kind, self._describe(rows, path)))

    def _add_nested(self, credit: Credit) -> None:
        """Innermost ranges, of each of which all work is also work of the ranges around it, as its path says."""
        rows, ranges = self._pairs(credit)
        path = self._paths.of_range[ranges]
        sums, stats, names = self._sum_up(credit, rows, path), self._describe(rows, path), self._names_count
        parent, outer = self._paths.parent, np.arange(len(self._paths))
        for inner in reversed(split_levels(self._depth)):
            level = self._depth[inner[0]]
            here = np.where(self._depth[outer] == level, outer, NONE)
            self._add_busy(credit.kind, *_kept(rows, here[path]))
            group = here[stats.group // names]
            self._stats.append(
                (credit.kind, stats.regroup(np.where(group < 0, NONE, group * names + stats.group % names)))
            )
            if level:
                for one in sums:
                    np.add.at(one, parent[inner], one[inner])
                outer = np.where(here < 0, outer, parent[outer])
        self._sums += sums
        self._project(credit.kind, rows, ranges)
        if credit.kind == BY_THREAD:
            self._project_outwards()

    def _sum_up(self, credit: Credit, rows: Ints, path: Ints) -> Ints:
        """Of each path (activities, kernel time, time in launching calls), as (3, paths)."""
        self._credited[rows] = True
        call = self._attribution.sites.call[credit.site]
        some = call >= 0
        calls = self._trace.calls
        duration = ints(calls, "end_ns")[call[some]] - ints(calls, "start_ns")[call[some]]
        return np.stack(
            [
                np.bincount(path, minlength=len(self._paths)),
                self._sum(path, np.where(self._is_kernel[rows], self._duration[rows], 0)),
                self._sum(self._paths.of_range[credit.range[some]], duration),
            ]
        )

    def _project(self, kind: int, rows: Ints, ranges: Ints) -> None:
        """First start and last end of each range's work; another thread's would stretch it over all between."""
        if kind == BY_THREAD:
            self._first[ranges[::-1]] = self._start[rows[::-1]]  # of pairs by start the first stays
            np.maximum.at(self._last, ranges, self._end[rows])

    def _project_outwards(self) -> None:
        """The same for ranges around those."""
        parent, depth = ints(self._trace.ranges, "parent"), ints(self._trace.ranges, "depth")
        for inner in reversed(split_levels(depth)[1:]):
            np.minimum.at(self._first, parent[inner], self._first[inner])
            np.maximum.at(self._last, parent[inner], self._last[inner])

    def _sum(self, path: Ints, value: Ints) -> Ints:
        return sum_by_group(path, len(self._paths), value)

    def _name(self, path: int) -> PathName:
        if path not in self._names:
            self._names[path] = self._paths.name(self._trace, path)
        return self._names[path]

    def _pairs(self, credit: Credit) -> tuple[Ints, Ints]:
        """(activity, range) for every activity of the credit's sites, in the order of their starts."""
        site, order = self._attribution.site, self._trace.by_start
        sites = len(self._attribution.sites)
        times = np.bincount(credit.site, minlength=sites)
        if times.max(initial=0) <= 1:
            of_site = np.full(sites + 1, NONE, np.int32)
            of_site[credit.site] = credit.range
            ranges = of_site[site[order]]
            some = ranges >= 0
            return order[some], ranges[some].astype(np.int64)  # numpy's .at is slow with short indices
        by_site = np.argsort(credit.site, kind="stable")
        first = np.cumsum(times) - times
        rows = order[site[order] >= 0]
        count = times[site[rows]]
        within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(rows, count), credit.range[by_site[np.repeat(first[site[rows]], count) + within]]

    def _judge_threads(self, rows: Ints, path: Ints) -> None:
        """A range that ends on another thread has no thread of its own: only one thread's work is surely its own."""
        thread = self._attribution.sites.thread[self._attribution.site[rows]]
        least, most = np.full(len(self._paths), NEVER), np.full(len(self._paths), -NEVER)
        np.minimum.at(least, path, thread)
        np.maximum.at(most, path, thread)
        self._unsure |= least < most

    def _add_busy(self, kind: int, rows: Ints, path: Ints) -> None:
        """Unions of busy time; paths credited in more than one way wait until all their work is known."""
        self._credited_by[kind, path] = True
        if kind == BY_PROCESS:
            self._shared[path] = True
            self._unsure[path[self._attribution.unsure[self._attribution.site[rows]]]] = True
        later = self._shared[path]
        if later.any():
            self._pool.append((rows[later], path[later]))
            rows, path = rows[~later], path[~later]
        own = self._union(rows, path)
        self._busy += own
        self._own_busy += own

    def _union(self, rows: Ints, path: Ints) -> Ints:
        group = path * np.int64(self._devices) + self._device[rows]
        sums = union_by_group(group, len(self._paths) * self._devices, self._start[rows], self._end[rows])
        return sums.reshape(-1, self._devices).sum(axis=1)

    def _describe(self, rows: Ints, path: Ints) -> Stats:
        """Of the kernels among some records, by path and name."""
        kernels = self._is_kernel[rows]
        rows, path = rows[kernels], path[kernels]
        key = path.astype(np.int64) * self._names_count + ints(self._trace.activities, "name")[rows]
        return describe_groups(key, self._duration[rows])

    def range_rows(self) -> tuple[RangeRow, ...]:
        """Every path in the order of its first range."""
        busy, own_busy = self._busy.copy(), self._own_busy.copy()
        if self._pool:
            rows, path = (np.concatenate(part) for part in zip(*self._pool, strict=True))
            order = np.argsort(self._start[rows], kind="stable")
            rows, path = rows[order], path[order]
            own = ~self._attribution.foreign[self._attribution.site[rows]]
            busy += self._union(rows, path)
            own_busy += self._union(rows[own], path[own])
        frame, of_range = self._trace.ranges, self._paths.of_range
        instances = np.bincount(of_range, minlength=len(self._paths))
        wall = self._sum(of_range, ints(frame, "end_ns") - ints(frame, "start_ns"))
        worked = np.flatnonzero(self._last >= self._first)
        projected = self._sum(of_range[worked], self._last[worked] - self._first[worked])
        declared = find_declared(self._trace, self._paths)
        return tuple(
            replace(
                self._range_row(
                    path, int(instances[path]), int(wall[path]), int(busy[path]), int(projected[path])
                ),
                flops=declared.flops[path],
                bytes=declared.bytes[path],
                attribution=self._name_credit(path),
                own_busy_ns=None if self._unsure[path] else int(own_busy[path]),
            )
            for path in np.argsort(self._paths.first, kind="stable").tolist()
        )

    def _range_row(
        self, path: int, instances: int, wall_ns: int, busy_ns: int, projected_ns: int
    ) -> RangeRow:
        name = self._name(path)
        style = int(ints(self._trace.ranges, "style")[self._paths.first[path]])
        return RangeRow(
            range=name.range,
            path=name.path,
            domain=name.domain,
            style="push_pop" if style == PUSH_POP else "start_end",
            pid=name.pid,
            tid=name.tid,
            instances=instances,
            wall_ns=wall_ns,
            activities=int(self._activities[path]),
            kernel_sum_ns=int(self._kernel_sum[path]),
            busy_ns=busy_ns,
            projected_ns=projected_ns,
            launch_call_ns=int(self._launch[path]),
        )

    def _name_credit(self, path: int) -> str:
        by = self._credited_by[:, path]
        return "both" if by[BY_THREAD] and by[BY_PROCESS] else ATTRIBUTIONS[int(by.argmax())]

    def kernel_rows(self) -> tuple[RangeKernelRow, ...]:
        """Every kernel of every path, the longest total first, then those in no range."""
        trace, names = self._trace, self._names_count
        rows = [
            _kernel_row(trace, stats, at, self._name(int(stats.group[at]) // names), kind)
            for kind, stats in self._stats
            for at in range(len(stats.group))
        ]
        rows.sort(key=lambda row: (row.path, -row.total_ns, row.kernel, row.pid or 0, row.tid or 0))
        return tuple(rows + self._kernels_without_range())

    def _kernels_without_range(self) -> list[RangeKernelRow]:
        trace, frame = self._trace, self._trace.activities
        names = self._names_count
        rows = np.flatnonzero(self._is_kernel & ~self._credited)
        thread = np.append(ints(trace.calls, "thread"), NONE)[ints(frame, "call")[rows]].astype(np.int64)
        stats = describe_groups((thread + 1) * names + ints(frame, "name")[rows], self._duration[rows])
        found = []
        for at, group in enumerate(stats.group.tolist()):
            pid, tid = thread_ids(trace, group // names - 1)
            found.append(_kernel_row(trace, stats, at, PathName(pid=pid, tid=tid), BY_NONE))
        return sorted(found, key=lambda row: (-row.total_ns, row.kernel, row.pid or 0, row.tid or 0))


def _kept(rows: Ints, path: Ints) -> tuple[Ints, Ints]:
    """Rows that have a path, and it."""
    some = path >= 0
    return (rows, path) if some.all() else (rows[some], path[some])


def _kernel_row(trace: Trace, stats: Stats, at: int, name: PathName, kind: int) -> RangeKernelRow:
    return RangeKernelRow(
        range=name.range,
        path=name.path,
        domain=name.domain,
        pid=name.pid,
        tid=name.tid,
        kernel=trace.name(int(stats.group[at]) % len(trace.names)),
        attribution=ATTRIBUTIONS[kind],
        instances=int(stats.count[at]),
        total_ns=int(stats.total[at]),
        median_ns=stats.quantile(at, 0.5),
        min_ns=stats.least(at),
        max_ns=stats.greatest(at),
    )
