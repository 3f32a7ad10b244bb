"""What the ranges of a trace cost, as things to compare: all ranges of one path are one thing.

A range's time is the part of the device's timeline that it and the ranges inside it own (labelling/timeline.py): its
kernels and copies, and the idle time before them. Ranges that interleave share out every nanosecond, so the
times of two ops of a loop add up, which windows from one end to the next would not. One instance is one
sample; the ten layers are those of the median instance and sum to it. In a trace without device work a range's
time is its host time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..attribution.steady_instances import Instances, RangePath, SetAside, drop_warm_up, name_with_domains
from ..breakdown.kernels import copy_rows_by_group, kernel_rows_by_group
from ..evidence.range_counters import Sampled, find_bandwidth
from ..labelling.device_sums import find_used
from ..labelling.labelled import Labelled, label_trace
from ..trace.trace import Trace
from ..words import BUSY_LAYERS, LAYERS, PARTS, name_device
from .measured import Measured, MeasuredOp

TOKEN = re.compile(r"(?<![^\s,;])(\w+)=([^\s,;]+)")
"""``word=value`` inside a range's message."""

EVERY = Instances(every=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRanges:
    """The things of a trace with their paths, and the instances that are none of theirs."""

    things: tuple[tuple[RangePath, Measured], ...]
    set_aside: tuple[SetAside, ...] = ()


def measure_ranges(
    trace: Trace, domains: tuple[str, ...] | None = None, wanted: Instances = EVERY
) -> MeasuredRanges:
    """Every path of owner-domain ranges that has time, per device; paths in the order of their first range.

    Ranges of one path on several threads are instances of one thing.
    """
    labelled = label_trace(trace, domains)
    members = _list_members(labelled)
    if not labelled.sums:
        times = (ints(trace.ranges, "end_ns") - ints(trace.ranges, "start_ns")).astype(float)
        kept, aside = drop_warm_up(trace, members, times, wanted)
        things = tuple((path, _measure_host(path, times[rows])) for path, rows in kept.items())
        return MeasuredRanges(things=tell_domains(things), set_aside=aside)
    parts = [
        _Device(labelled=labelled, device=device, split=sums.split) for device, sums in labelled.sums.items()
    ]
    sums = [each.inclusive(trace) for each in labelled.sums.values()]
    used = find_used(trace, sums)
    times = sum(each.sum(axis=0) * mine for each, mine in zip(sums, used, strict=True)) / used.sum(axis=0)
    kept, aside = drop_warm_up(trace, members, times, wanted)
    found: list[tuple[RangePath, Measured]] = []
    for part, owned, here in zip(parts, sums, used, strict=True):
        mine = {path: rows[here[rows]] for path, rows in kept.items()}
        things = tell_domains(part.measure(mine, owned))
        found += [(path, name_gpu(thing) if len(parts) > 1 else thing) for path, thing in things]
    return MeasuredRanges(things=tuple(found), set_aside=aside)


def _list_members(labelled: Labelled) -> dict[RangePath, Ints]:
    """The rows of trace.ranges that may own work, by path: paths and rows in the order of their start."""
    trace, numbered = labelled.trace, labelled.paths
    start = ints(trace.ranges, "start_ns")
    rows = np.flatnonzero(labelled.attribution.owner_rows)
    rows = rows[np.argsort(start[rows], kind="stable")]
    columns = tuple(ints(trace.ranges, column) for column in ("domain", "name", "parent"))
    spelled: dict[int, RangePath] = {}
    members: dict[RangePath, list[int]] = {}
    for row, path in zip(rows.tolist(), numbered.of_range[rows].tolist(), strict=True):
        if path not in spelled:
            spelled[path] = _spell(trace, columns, row)
        members.setdefault(spelled[path], []).append(row)
    return {path: np.array(found, np.int64) for path, found in members.items()}


def _spell(trace: Trace, columns: Sequence[Ints], row: int) -> RangePath:
    domain, name, parent = columns
    parts: list[tuple[str, str]] = []
    while row >= 0:
        parts.append((trace.name(int(domain[row])), trace.name(int(name[row]))))
        row = int(parent[row])
    return tuple(reversed(parts))


def read_tokens(path: RangePath) -> dict[str, str]:
    """The ``word=value`` tokens of a path's messages; an inner one hides an outer one of the same word."""
    return dict(token for _, message in path for token in TOKEN.findall(message))


def drop_tokens(text: str, words: Collection[str]) -> str:
    """A message without some words' tokens.

    >>> drop_tokens("point n=1000 axis=0", ["axis"])
    'point n=1000'
    """
    short = TOKEN.sub(lambda token: "" if token[1] in words else token[0], text)
    return " ".join(short.split())


def label_path(path: RangePath) -> str:
    """The messages from the outermost inwards.

    >>> label_path((("", "point n=1000"), ("ops", "sum")))
    'point n=1000 / sum'
    """
    return " / ".join(message for _, message in path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Device:
    """One device's time and work, to be shared out to paths."""

    labelled: Labelled
    device: int
    split: bool
    """Whether its idle time has layers, for which API calls are needed."""
    sampled: Sampled = field(default_factory=Sampled)

    def measure(
        self, members: dict[RangePath, Ints], sums: NDArray[np.int64]
    ) -> Iterator[tuple[RangePath, Measured]]:
        """Every path that has time on this device; ``sums`` are (layer, range) ns of it."""
        here = ints(self.labelled.trace.activities, "device") == self.device
        owner = np.where(here, self.labelled.attribution.owner, NONE)
        timed = [(path, rows) for path, rows in members.items() if sums[:, rows].any()]
        ops = self._describe_ops(timed, *_sort_by_path(owner, [rows for _, rows in timed], sums.shape[1]))
        for (path, rows), op in zip(timed, ops, strict=True):
            owned = np.ascontiguousarray(sums[:, rows].T)
            yield path, _describe_path(path, owned, op, self.device, split=self.split)

    def _describe_ops(
        self, timed: Sequence[tuple[RangePath, Ints]], work: Ints, group: Ints
    ) -> Iterator[MeasuredOp]:
        """One op a path, from the rows of activities that they own, path by path."""
        trace, paths = self.labelled.trace, len(timed)
        kernels = kernel_rows_by_group(trace, work, group, paths)
        copies = copy_rows_by_group(trace, work, group, paths)
        ends = np.cumsum(np.bincount(group, minlength=paths)).tolist()
        for at, (path, rows) in enumerate(timed):
            mine = work[ends[at - 1] if at else 0 : ends[at]]
            yield MeasuredOp(
                op=path[-1][1],
                executions=len(rows),
                kernels=kernels[at],
                copies=copies[at],
                counters=self.sampled.count(trace, self.device, mine, len(rows)),
                bytes_per_s=find_bandwidth(trace, self.device),
            )


def _sort_by_path(owner: Codes, members: Sequence[Ints], ranges: int) -> tuple[Ints, Ints]:
    """The rows of activities that ranges of these paths own, path by path, and each one's path."""
    path_of = np.full(ranges + 1, NONE, np.int64)  # the last entry is nobody's
    for path, rows in enumerate(members):
        path_of[rows] = path
    path = path_of[owner]
    work = np.flatnonzero(path >= 0)
    work = work[np.argsort(path[work], kind="stable")]
    return work, path[work]


def _describe_path(
    path: RangePath, owned: NDArray[np.int64], op: MeasuredOp, device: int, *, split: bool
) -> Measured:
    """From (instance, layer) ns that each owns; not `split`, idle time has no layers."""
    totals = owned.sum(axis=1)
    wall, layers = _find_typical(owned, totals)
    typical: dict[str, float] = dict(zip(LAYERS, layers.tolist(), strict=True))
    label = label_path(path)
    return Measured(
        key=label,
        label=label,
        names={"range": path[-1][1], **read_tokens(path)},
        reps=len(owned),
        device=device,
        traced_samples_ns=tuple(totals.astype(float).tolist()),
        wall_ns=wall,
        layers={part: typical.get(part) if split or part in BUSY_LAYERS else None for part in PARTS},
        ops=(op,),
    )


def _find_typical(owned: NDArray[np.int64], totals: Ints) -> tuple[float, NDArray[np.float64]]:
    """The median time and the layers of its instance: means of the middle half by time, scaled to sum to it."""
    if len(owned) == 1:
        return float(totals[0]), owned[0].astype(float)
    median = float(np.median(totals))
    order = np.argsort(totals, kind="stable")
    quarter = len(order) // 4
    middle = owned[order[quarter : len(order) - quarter]].mean(axis=0)
    return median, middle * (median / middle.sum()) if middle.sum() else middle


def tell_domains(things: Iterable[tuple[RangePath, Measured]]) -> tuple[tuple[RangePath, Measured], ...]:
    """The same, those of one name in several domains called by their domains, too."""
    found = tuple(things)
    times = Counter(thing.key for _, thing in found)
    return tuple(
        (path, thing if times[thing.key] == 1 else name_domains(path, thing)) for path, thing in found
    )


def name_domains(path: RangePath, thing: Measured) -> Measured:
    """The thing with its domains in its name."""
    name = name_with_domains(path)
    return replace(thing, key=name, label=name)


def name_gpu(thing: Measured) -> Measured:
    """The thing with its GPU in its name, as where there are several."""
    if thing.device is None:
        return thing
    name = f"{thing.label} [{name_device(thing.device).replace('GPU', 'gpu')}]"
    return replace(thing, key=name, label=name)


def _measure_host(path: RangePath, times: NDArray[np.float64]) -> Measured:
    return Measured(
        key=label_path(path),
        label=label_path(path),
        names={"range": path[-1][1], **read_tokens(path)},
        reps=len(times),
        traced_samples_ns=tuple(times.tolist()),
        wall_ns=float(np.median(times)),
        layers=dict.fromkeys(PARTS),
    )
