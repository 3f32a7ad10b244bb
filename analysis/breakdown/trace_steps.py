"""The step of a trace: the range that repeats, how long its steady instances take, and what was set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Ints, ints
from ..arithmetic.grouped import sum_by_group
from ..arithmetic.statistics import median_interval
from ..attribution.paths import MOST_LEVELS
from ..attribution.steady_instances import Instances, RangePath, drop_warm_up, find_step_paths
from ..trace.trace import Trace
from ..words import LAYERS
from .labelled import Labelled
from .timeline import DeviceSpans

FEWEST_AT_ONCE = 1 << 18
"""Spans that are summed in one go: a trace has millions."""

MOST_CELLS = 1 << 20
"""Sums of ranges and layers that are made in one go."""


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
    hiccups: int = 0
    """So many of them took so much longer that they are in none of the layers and parts."""
    layers: Mapping[str, float] = field(default_factory=dict[str, float])
    """ns a step of each layer of the devices' timelines, their mean; empty on the host's clock."""
    parts: tuple[StepPart, ...] = ()
    """What it is made of, the longest first: the ranges right inside it, and what is in none of them."""


HICCUP = 3.0
"""Times the median from which on an instance may be one that something held up."""

_MOST_HICCUPS, _LEAST_WEIGHT = 0.2, 1.1
"""The share of instances beyond which they are a way of the program's own; and by how much they must move the mean."""


def sum_owned(trace: Trace, spans: DeviceSpans) -> NDArray[np.int64]:
    """(range, layer) -> ns of a device's timeline that the range and those inside it own."""
    ranges = trace.ranges
    sums = np.zeros((len(ranges), len(LAYERS)), np.int64)
    # Some layers at a time: of a million ranges, sums of all of them would be there several times over.
    width = min(max(1, MOST_CELLS // max(len(ranges), 1)), len(LAYERS))
    for lowest in range(0, len(LAYERS), width):
        sums[:, lowest : lowest + width] = _sum_layers(spans, len(ranges), lowest, width)[
            :, : len(LAYERS) - lowest
        ]
    parent, depth = ints(ranges, "parent"), ints(ranges, "depth")
    for level in range(int(depth.max(initial=0)), 0, -1):
        rows = np.flatnonzero((depth == level) & (parent >= 0))
        np.add.at(sums, parent[rows], sums[rows])
    return sums


def _sum_layers(spans: DeviceSpans, ranges: int, lowest: int, width: int) -> NDArray[np.int64]:
    """(range, layer) -> ns that the range itself owns, for so many layers from the lowest on."""
    cells = ranges * width
    sums = np.zeros(cells, np.int64)
    at_once = max(FEWEST_AT_ONCE, cells)
    for first in range(0, len(spans), at_once):
        some = slice(first, first + at_once)
        owner, layer = spans.owner[some], spans.layer[some]
        own = owner >= 0
        if width < len(LAYERS):
            own &= (layer >= lowest) & (layer < lowest + width)
        cell = owner[own] * np.int64(width) + (layer[own] - lowest)
        sums += sum_by_group(cell, cells, (spans.end_ns[some] - spans.start_ns[some])[own])
    return sums.reshape(ranges, width)


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
    sums, clock = _measure(labelled)
    times = sums.sum(axis=1)
    kept, _ = drop_warm_up(trace, members, times, wanted)
    parent = ints(trace.ranges, "parent")
    rows = [_describe(path, kept, sums, parent, len(members[path]), clock) for path in found]
    return tuple(
        sorted((row for row in rows if row.median_ns), key=lambda row: -row.median_ns * row.instances)
    )


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


def _measure(labelled: Labelled) -> tuple[NDArray[np.float64], str]:
    """(range, layer) -> the time of every range, and on which clock; the host's has no layers, and one column."""
    ranges = labelled.trace.ranges
    if not labelled.timelines:
        return (ints(ranges, "end_ns") - ints(ranges, "start_ns")).astype(float)[:, None], "host"
    first, *others = labelled.timelines.values()
    sums = sum_owned(labelled.trace, first)
    for spans in others:
        sums += sum_owned(labelled.trace, spans)
    return sums / len(labelled.timelines), "device"


def _describe(
    path: RangePath,
    kept: Mapping[RangePath, Ints],
    sums: NDArray[np.float64],
    parent: Ints,
    of: int,
    clock: str,
) -> StepRow:
    rows = kept[path]
    times = sums[rows].sum(axis=1)
    held_up = rows[_find_hiccups(times)]
    calm = _leave_out(held_up, path, kept, parent) if len(held_up) else kept
    return StepRow(
        range=path[-1][1],
        path=tuple(message for _, message in path),
        domain=path[-1][0],
        instances=len(times),
        warm_up=of - len(times),
        median_ns=float(np.median(times)),
        interval_ns=median_interval(times),
        clock=clock,
        times_ns=tuple(times.tolist()),
        hiccups=len(held_up),
        layers=_spell_layers(sums[calm[path]].sum(axis=0) / len(calm[path])),
        parts=tuple(_divide(path, calm, sums)),
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


def _divide(path: RangePath, kept: Mapping[RangePath, Ints], sums: NDArray[np.float64]) -> list[StepPart]:
    """The parts of a step: those of its threads together, and the rest, which is never less than nothing."""
    steps = len(kept[path])
    rest = sums[kept[path]].sum(axis=0)
    parts: list[StepPart] = []
    for inner, rows in kept.items():
        if inner[:-1] == path:
            total = sums[rows].sum(axis=0)
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
