"""What each range cost: its own time on the host, and the device work asked for while it was open.

Figures are inclusive: a record counts for every range open at its call, once per range, also where ranges of
the same name are nested. Only the projection (per instance, from the first start to the last end on the device)
leaves out what other threads asked for, as NVIDIA's does.
"""

from __future__ import annotations

import numpy as np

from ..arithmetic.arrays import NONE, Ints, ints
from ..arithmetic.grouped import Stats, Summary, describe_groups, sum_by_group
from ..arithmetic.nesting import measure_depths, split_levels
from ..arithmetic.subtrees import describe_by_subtree
from ..attribution.attribution import Attribution
from ..attribution.credits import Chain, Credit, walk_chain
from ..attribution.declared import find_declared
from ..attribution.ownership import ATTRIBUTIONS, BY_NONE, BY_PROCESS, BY_THREAD
from ..attribution.paths import PathName, PathNames, Paths, thread_ids
from ..export.frames import PUSH_POP
from ..hardware.data_sheets import peaks_of_gpus, share_of_roof
from ..trace.trace import Trace
from ..words import KERNEL
from .range_busy import BusyTimes
from .range_rows import RangeTables, kernel_order, list_kernels
from .rows import RangeKernelRow, RangeRow

NEVER = np.int64(np.iinfo(np.int64).max)

DEEP = 1 << 26
"""Levels times records from which going over all records once a level takes longer than going up the tree."""

MOST_PAIRS = 1 << 20
"""Rows of kernels by range: every range lists what those inside it launched, so each kernel once a level."""


def measure_ranges(
    trace: Trace, attribution: Attribution, paths: Paths, names: PathNames | None = None
) -> RangeTables:
    """The cost of every path, and its kernels."""
    work = _Work(trace, attribution, paths, names or PathNames(trace, paths))
    for chain in sorted(attribution.chains, key=lambda chain: -chain.kind):  # by process first
        work.add(chain)
    return RangeTables(ranges=work.range_rows(), kernels=work.kernel_rows(), kernels_left_out=work.left_out)


class _Work:
    """Sums per path (and, for projections, per range), filled chain by chain."""

    def __init__(self, trace: Trace, attribution: Attribution, paths: Paths, names: PathNames) -> None:
        self._trace, self._attribution, self._paths = trace, attribution, paths
        frame = trace.activities
        self._start, self._end = ints(frame, "start_ns"), ints(frame, "end_ns")
        self._duration = self._end - self._start
        self._is_kernel = ints(frame, "layer") == KERNEL
        self._credited = np.zeros(len(frame), np.bool_)
        self._depth = measure_depths(paths.parent)
        self._levels = split_levels(self._depth)
        self._is_deep = len(self._levels) * len(frame) > DEEP
        self._activities, self._kernel_sum, self._launch = self._sums = np.zeros((3, len(paths)), np.int64)
        self._busy = BusyTimes(trace, attribution, paths)
        self._credited_by = np.zeros((len(ATTRIBUTIONS), len(paths)), np.bool_)
        self._unsure = np.zeros(len(paths), np.bool_)
        self._first = np.full(len(trace.ranges), NEVER)
        self._last = np.full(len(trace.ranges), -NEVER)
        self._stats: list[tuple[int, Summary]] = []
        self._listed = 0
        self.left_out = 0
        self._names = names
        self._names_count = max(len(trace.names), 1)

    def add(self, chain: Chain) -> None:
        """Add the work of some sites to the ranges open there."""
        if chain.along_paths and not chain.nest.crossing:
            credit = chain.innermost()
            rows, ranges = self._pairs(credit)
            self._project(credit.kind, rows, ranges)
            if credit.kind == BY_THREAD:
                self._project_outwards()
            path = self._paths.of_range[ranges]
            del ranges  # a record may have many, and sums need memory
            (self._add_deep if self._is_deep else self._add_nested)(credit, rows, path)
            return
        for credit in walk_chain(chain, self._attribution.sites.time):
            rows, ranges = self._pairs(credit)
            path = self._paths.of_range[ranges]
            self._sums += self._sum_up(credit, rows, path)
            self._project(credit.kind, rows, ranges)
            self._add_busy(credit.kind, rows, path)
            if not chain.along_paths:
                self._judge_threads(rows, path)
            self._list(credit.kind, self._describe(rows, path).summarise())

    def _add_nested(self, credit: Credit, rows: Ints, path: Ints) -> None:
        """Innermost ranges, of each of which all work is also work of the ranges around it, as its path says."""
        self._add_sums(credit, rows, path)
        stats, names = self._describe(rows, path), self._names_count
        parent, outer = self._paths.parent, np.arange(len(self._paths))
        for inner in reversed(self._levels):
            level = self._depth[inner[0]]
            here = np.where(self._depth[outer] == level, outer, NONE)
            self._add_busy(credit.kind, *_kept(rows, here[path]))
            group = here[stats.group // names]
            inwards = stats.regroup(np.where(group < 0, NONE, group * names + stats.group % names))
            self._list(credit.kind, inwards.summarise())
            if level:
                outer = np.where(here < 0, outer, parent[outer])

    def _add_deep(self, credit: Credit, rows: Ints, path: Ints) -> None:
        """The same, where ranges lie so deep in one another that this would take too long level by level."""
        self._add_sums(credit, rows, path)
        self._busy.add_innermost(rows, path, by_process=credit.kind == BY_PROCESS)
        self._mark_deep(credit.kind, rows, path)
        kernels = self._is_kernel[rows]
        name = ints(self._trace.activities, "name")[rows[kernels]]
        described, left_out = describe_by_subtree(
            self._paths.parent,
            path[kernels],
            name,
            self._duration[rows[kernels]],
            MOST_PAIRS - self._listed,
        )
        self.left_out += left_out
        if described:
            node, name, count, total, median, least, greatest = (
                np.array(column) for column in zip(*described, strict=True)
            )
            group = node * self._names_count + name
            summary = Summary(
                group=group, count=count, total=total, median=median, least=least, greatest=greatest
            )
            self._list(credit.kind, summary)

    def _mark_deep(self, kind: int, rows: Ints, path: Ints) -> None:
        """How the work of innermost ranges and of those around them is known."""
        credited, unsure = np.zeros((2, len(self._paths)), np.bool_)
        credited[path] = True
        if kind == BY_PROCESS:
            unsure[path[self._attribution.unsure[self._attribution.site[rows]]]] = True
        for inner in reversed(self._levels[1:]):
            for one in (credited, unsure):
                np.logical_or.at(one, self._paths.parent[inner], one[inner])
        self._credited_by[kind] |= credited
        self._unsure |= unsure

    def _list(self, kind: int, summary: Summary) -> None:
        """Keep the kernels of some paths for the table, as long as that has room."""
        if self._listed + len(summary.group) > MOST_PAIRS:
            self.left_out += len(summary.group)
            return
        self._listed += len(summary.group)
        self._stats.append((kind, summary))

    def _add_sums(self, credit: Credit, rows: Ints, path: Ints) -> None:
        """What adds up, for innermost ranges and those around them."""
        sums, parent = self._sum_up(credit, rows, path), self._paths.parent
        for inner in reversed(self._levels[1:]):
            for one in sums:
                np.add.at(one, parent[inner], one[inner])
        self._sums += sums

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
        """Unions of busy time, and how the work of these paths is known."""
        self._credited_by[kind, path] = True
        if kind == BY_PROCESS:
            self._unsure[path[self._attribution.unsure[self._attribution.site[rows]]]] = True
        self._busy.add(rows, path, by_process=kind == BY_PROCESS)

    def _describe(self, rows: Ints, path: Ints) -> Stats:
        """Of the kernels among some records, by path and name."""
        kernels = self._is_kernel[rows]
        rows, path = rows[kernels], path[kernels]
        key = path.astype(np.int64) * self._names_count + ints(self._trace.activities, "name")[rows]
        return describe_groups(key, self._duration[rows])

    def range_rows(self) -> tuple[RangeRow, ...]:
        """Every path in the order of its first range."""
        busy, own_busy = self._busy.sum_up()
        frame, of_range = self._trace.ranges, self._paths.of_range
        instances = np.bincount(of_range, minlength=len(self._paths))
        wall = self._sum(of_range, ints(frame, "end_ns") - ints(frame, "start_ns"))
        worked = np.flatnonzero(self._last >= self._first)
        projected = self._sum(of_range[worked], self._last[worked] - self._first[worked])
        declared, peaks = find_declared(self._trace, self._paths), peaks_of_gpus(self._trace.gpus.values())
        credit = self._name_credits()
        nested = ints(frame, "style")[self._paths.first] == PUSH_POP
        return tuple(
            RangeRow(
                range=(name := self._names[path]).range,
                path=name.path,
                domain=name.domain,
                domains=name.domains,
                style="push_pop" if nested[path] else "start_end",
                pid=name.pid,
                tid=name.tid,
                instances=int(instances[path]),
                wall_ns=int(wall[path]),
                activities=int(self._activities[path]),
                kernel_sum_ns=int(self._kernel_sum[path]),
                busy_ns=int(busy[path]),
                projected_ns=int(projected[path]),
                launch_call_ns=int(self._launch[path]),
                flops=declared.flops[path],
                bytes=declared.bytes[path],
                flops_by_rate=declared.rates[path],
                elements=declared.elements[path],
                no_flops=declared.no_flops[path],
                attribution=credit[path],
                own_busy_ns=(own := None if self._unsure[path] else int(own_busy[path])),
                roof_share=share_of_roof(declared.flops[path], declared.rates[path], own or 0, peaks),
            )
            for path in np.argsort(self._paths.first, kind="stable").tolist()
        )

    def _name_credits(self) -> list[str]:
        """How each path's work is known to be its own."""
        by = self._credited_by
        names = (*ATTRIBUTIONS, "both")
        kinds = np.where(by[BY_THREAD] & by[BY_PROCESS], len(ATTRIBUTIONS), by.argmax(axis=0))
        return [names[kind] for kind in kinds.tolist()]

    def kernel_rows(self) -> tuple[RangeKernelRow, ...]:
        """Every kernel of every path, the longest total first, then those in no range."""
        trace, names = self._trace, self._names_count
        rows: list[RangeKernelRow] = []
        for kind, summary in self._stats:
            paths = (self._names[path] for path in (summary.group // names).tolist())
            rows += list_kernels(trace, summary, paths, kind)
        rows.sort(key=kernel_order)
        return tuple(rows + self._kernels_without_range())

    def _kernels_without_range(self) -> list[RangeKernelRow]:
        trace, frame = self._trace, self._trace.activities
        names = self._names_count
        rows = np.flatnonzero(self._is_kernel & ~self._credited)
        thread = np.append(ints(trace.calls, "thread"), NONE)[ints(frame, "call")[rows]].astype(np.int64)
        stats = describe_groups((thread + 1) * names + ints(frame, "name")[rows], self._duration[rows])
        ids = (thread_ids(trace, group // names - 1) for group in stats.group.tolist())
        paths = (PathName(pid=pid, tid=tid) for pid, tid in ids)
        return sorted(list_kernels(trace, stats.summarise(), paths, BY_NONE), key=kernel_order)


def _kept(rows: Ints, path: Ints) -> tuple[Ints, Ints]:
    """Rows that have a path, and it."""
    some = path >= 0
    return (rows, path) if some.all() else (rows[some], path[some])
