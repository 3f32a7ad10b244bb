"""The step of a trace: the range that repeats, how long its steady instances take, and what was set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Bools, Ints, ints
from ..arithmetic.spans import join_spans, total_ns
from ..arithmetic.statistics import median_interval
from ..attribution.paths import MOST_LEVELS
from ..attribution.steady_instances import (
    Instances,
    RangePath,
    asks_for_all,
    drop_warm_up,
    find_step_paths,
    name_paths,
    tell_skipped,
    tell_unskipped,
)
from ..labelling.device_sums import find_used
from ..labelling.labelled import Labelled
from ..plain import NOT_WRITTEN
from ..trace.quality import note
from ..trace.trace import Trace
from ..words import LAYERS, QualityNote


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPart:
    """A range right inside a step, with all inside it; or, without a name, the rest of the step."""

    range: str | None
    domain: str
    instances: float
    """A step."""
    ns: float
    """A step, on the step's clock: its mean, so that the parts sum to that of the step."""
    layers: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A range that repeats, by its steady instances."""

    range: str
    path: tuple[str, ...]
    domain: str
    instances: int
    """Steady ones."""
    warm_up: int
    """First instances that were set aside."""
    median_ns: float
    interval_ns: tuple[float, float] | None
    """95 % interval of the median."""
    clock: str
    """``device``: the part of the devices' timelines that it owns; ``host``: its own time."""
    times_ns: tuple[float, ...] = ()
    """Of its steady instances, in their order."""
    skip: int | None = None
    """What ``--skip`` asked to leave out; null where the first instances were set aside for their times."""
    hiccups: int = 0
    """So many of them took so much longer that they are in none of the layers and parts."""
    sharing: int = 1
    """So many steps of several threads are open at once on one GPU, of whose time each owns its part."""
    layers: Mapping[str, float] = field(default_factory=dict[str, float])
    """ns a step of each layer of the devices' timelines, their mean; empty on the host's clock."""
    parts: tuple[StepPart, ...] = ()
    """What it is made of, the longest first: the ranges right inside it, and what is in none of them."""
    domains: tuple[str, ...] = field(default=(), metadata=NOT_WRITTEN)
    """Of every message of the path."""


HICCUP = 3.0
"""Times the median from which on an instance may be one that something held up."""

_MOST_HICCUPS, _LEAST_WEIGHT = 0.2, 1.1
"""The share of instances beyond which they are a way of the program's own; and by how much they must move the mean."""


def find_steps(labelled: Labelled, wanted: Instances) -> tuple[StepRow, ...]:
    """The steps among the ranges of a trace that may own work, those with most time first."""
    trace = labelled.trace
    shallow = (
        ints(trace.ranges, "depth") < MOST_LEVELS
    )  # what is a step is not that deep, and paths would be long
    members = _list_members(labelled, np.flatnonzero(labelled.attribution.owner_rows & shallow))
    found = find_step_paths({path: len(rows) for path, rows in members.items()})
    if not found:
        return ()
    clock = _read_clock(labelled)
    kept, _ = drop_warm_up(trace, members, clock.times, wanted)
    parent = ints(trace.ranges, "parent")
    rows = [_describe(path, kept, parent, len(members[path]), clock, wanted.skip) for path in found]
    rows = [
        replace(row, sharing=clock.count_sharing(trace, kept[path]))
        for row, path in zip(rows, found, strict=True)
    ]
    return tuple(
        sorted((row for row in rows if row.median_ns), key=lambda row: -row.median_ns * row.instances)
    )


def judge_skip(steps: Sequence[StepRow], skip: int | None) -> list[QualityNote]:
    """A note for every step of which ``--skip`` asked for more instances than there are, or of no step at all."""
    if skip and not steps:
        return [note("skipped_none", detail=tell_unskipped(skip))]
    paths = [tuple(zip(row.domains, row.path, strict=True)) for row in steps]
    names = name_paths(paths)
    return [
        note("skipped_all", detail=tell_skipped(names[path], of, row.skip or 0))
        for row, path in zip(steps, paths, strict=True)
        if asks_for_all(row.skip, of := row.instances + row.warm_up)
    ]


def _list_members(labelled: Labelled, rows: Ints) -> dict[RangePath, Ints]:
    """Rows by (domain, message) from the outermost inwards, those of several threads together, by their start."""
    rows = rows[np.argsort(ints(labelled.trace.ranges, "start_ns")[rows], kind="stable")]
    words = tuple(ints(labelled.trace.ranges, column) for column in ("domain", "name"))
    members: dict[RangePath, list[Ints]] = {}
    of_range = labelled.paths.of_range[rows]
    order = np.argsort(of_range, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(of_range[order])) + 1):
        if len(group):
            members.setdefault(_spell(labelled, words, int(of_range[group[0]])), []).append(group)
    return {path: rows[np.sort(np.concatenate(groups))] for path, groups in members.items()}


def _spell(labelled: Labelled, words: Sequence[Ints], path: int) -> RangePath:
    domain, name = words
    parts: list[tuple[str, str]] = []
    while path >= 0:
        row = int(labelled.paths.first[path])
        parts.append((labelled.trace.name(int(domain[row])), labelled.trace.name(int(name[row]))))
        path = int(labelled.paths.parent[path])
    return tuple(reversed(parts))


class _Clock:
    """How long ranges took: in each layer on the devices' clock, the mean of those a thread uses, or on the host's."""

    def __init__(self, name: str, sums: NDArray[np.int64], used: Bools) -> None:
        self.name = name
        devices = np.maximum(used.sum(axis=0), 1)
        self.times = sums.sum(axis=0) / devices
        """ns of every range."""
        self._sums, self._devices, self._of_device = sums, devices, used
        self._used = np.flatnonzero(sums.any(axis=1)).tolist()

    def sum_layers(self, rows: Ints) -> NDArray[np.float64]:
        """ns of some ranges together in each layer; the host's clock has one."""
        layers = np.zeros(len(self._sums))
        for one in self._used:
            layers[one] = (self._sums[one][rows] / self._devices[rows]).sum()
        return layers

    def count_sharing(self, trace: Trace, rows: Ints) -> int:
        """How many of some ranges are open at once on a GPU that several threads use, on average."""
        if self.name == "host" or len(np.unique(ints(trace.ranges, "thread")[rows])) < 2:
            return 1
        start, end = (ints(trace.ranges, column) for column in ("start_ns", "end_ns"))
        counts = [1.0]
        for used in self._of_device:
            mine = rows[used[rows]]
            whole = total_ns(*join_spans(start[mine], end[mine])) if len(mine) else 0
            counts.append((end[mine] - start[mine]).sum() / whole if whole else 1.0)
        return round(max(counts))


def _read_clock(labelled: Labelled) -> _Clock:
    ranges = labelled.trace.ranges
    if not labelled.sums:
        spans = (ints(ranges, "end_ns") - ints(ranges, "start_ns"))[None]
        return _Clock("host", spans, np.ones((1, len(ranges)), bool))
    all_sums = [sums.inclusive(labelled.trace) for sums in labelled.sums.values()]
    if len(all_sums) == 1:
        return _Clock("device", all_sums[0], np.ones((1, len(ranges)), bool))
    used = find_used(labelled.trace, all_sums)
    total = np.zeros_like(all_sums[0])
    for sums, mine in zip(all_sums, used, strict=True):
        total += np.multiply(sums, mine, out=sums)
    return _Clock("device", total, used)


def _describe(
    path: RangePath,
    kept: Mapping[RangePath, Ints],
    parent: Ints,
    of: int,
    clock: _Clock,
    skip: int | None,
) -> StepRow:
    rows = kept[path]
    times = clock.times[rows]
    held_up = rows[_find_hiccups(times)]
    calm = _leave_out(held_up, path, kept, parent) if len(held_up) else kept
    return StepRow(
        range=path[-1][1],
        path=tuple(message for _, message in path),
        domain=path[-1][0],
        domains=tuple(domain for domain, _ in path),
        instances=len(times),
        warm_up=of - len(times),
        median_ns=float(np.median(times)),
        interval_ns=median_interval(times),
        clock=clock.name,
        times_ns=tuple(times.tolist()),
        skip=skip,
        hiccups=len(held_up),
        layers=_spell_layers(clock.sum_layers(calm[path]) / len(calm[path])),
        parts=tuple(_divide(path, calm, clock)),
    )


def _leave_out(
    some: Ints, path: RangePath, kept: Mapping[RangePath, Ints], parent: Ints
) -> Mapping[RangePath, Ints]:
    """The steps of a path without some, and what is right inside the others."""
    inside = {inner: rows for inner, rows in kept.items() if inner[:-1] == path}
    return {
        path: kept[path][~np.isin(kept[path], some)],
        **{inner: rows[~np.isin(parent[rows], some)] for inner, rows in inside.items()},
    }


def _find_hiccups(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which steps are few, far longer than the median, and together so long that a mean would be theirs."""
    longer = times > HICCUP * np.median(times)
    few = longer.sum() <= _MOST_HICCUPS * len(times)
    if few and longer.any() and times.mean() > _LEAST_WEIGHT * times[~longer].mean():
        return longer
    return np.zeros(len(times), bool)


def _divide(path: RangePath, kept: Mapping[RangePath, Ints], clock: _Clock) -> list[StepPart]:
    """The parts of a step: those of its threads together, and the rest, which is never less than nothing."""
    steps = len(kept[path])
    rest = clock.sum_layers(kept[path])
    parts: list[StepPart] = []
    for inner, rows in kept.items():
        if inner[:-1] == path:
            total = clock.sum_layers(rows)
            rest = rest - total
            parts.append(_part(inner[-1][1], inner[-1][0], len(rows) / steps, total / steps))
    parts.sort(key=lambda part: -part.ns)
    rest = np.maximum(rest, 0.0) / steps
    return [*parts, *([_part(None, "", 1.0, rest)] if parts and rest.sum() else [])]


def _part(name: str | None, domain: str, instances: float, layers: NDArray[np.float64]) -> StepPart:
    return StepPart(
        range=name,
        domain=domain,
        instances=instances,
        ns=float(layers.sum()),
        layers=_spell_layers(layers),
    )


def _spell_layers(layers: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(LAYERS, layers.tolist(), strict=True)) if len(layers) == len(LAYERS) else {}
