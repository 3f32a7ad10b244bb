"""Windows on a device's timeline: sums of its labelled spans, and where a range's work lies on the device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, distinct, ints
from ..arithmetic.grouped import running_maximum, sum_by_group
from ..arithmetic.nesting import split_levels
from ..arithmetic.spans import FIRST, covered_before, intersect, join_spans
from ..attribution.attribution import Attribution
from ..labelling.timeline import DeviceSpans
from ..trace.trace import Trace
from ..words import BUSY_LAYERS, LAYERS
from .rows import WindowTimes

LAYER_FIELDS = tuple(f"{name}_ns" for name in LAYERS)
"""Of WindowTimes; busy layers come first."""

BATCH_PIECES = 1 << 18
"""Spans that are cut in one go: bounds the memory of long windows and of many overlapping ones."""


def sum_slices(spans: DeviceSpans, start_ns: Ints, end_ns: Ints, group: Codes | None = None) -> pd.DataFrame:
    """What windows are made of: a row (window, layer, owner, ns) for each that has time.

    `window` counts the windows given, `layer` indexes words.LAYERS, `owner` is a row of trace.ranges or -1.
    With `group`, a code from -1 up for each row of trace.ranges, owners are those codes instead. The rows of a
    window add up to its length exactly, whether windows overlap or not.
    """
    groups = None if group is None else np.append(group, NONE)
    window, start, end = _cut_long(spans, start_ns, end_ns)
    parts = [_sum_batch(spans, start[i:j], end[i:j], i, groups) for i, j in _batches(spans, start, end)]
    columns = [np.concatenate(c) for c in zip(*parts, strict=True)] if parts else [np.zeros(0, np.int64)] * 4
    slices = pd.DataFrame(dict(zip(("window", "layer", "owner", "ns"), columns, strict=True)))
    if len(start) > len(start_ns):
        slices["window"] = window[ints(slices, "window")]
        slices = slices.groupby(["window", "layer", "owner"])["ns"].sum().reset_index()
    return slices


def _cut_long(spans: DeviceSpans, start: Ints, end: Ints) -> tuple[Ints, Ints, Ints]:
    """(window, start, end) of windows cut into pieces that touch no more than BATCH_PIECES spans each."""
    first, count = _touched(spans, start, end)
    pieces = -(-count // BATCH_PIECES)
    window = np.repeat(np.arange(len(start)), pieces)
    number = np.arange(len(window)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    cut = spans.start_ns[np.minimum(first[window] + number * BATCH_PIECES, len(spans) - 1)]
    begins = np.where(number == 0, start[window], cut)
    last = number == pieces[window] - 1
    return window, begins, np.where(last, end[window], np.append(begins[1:], 0))


def _batches(spans: DeviceSpans, start: Ints, end: Ints) -> Iterator[tuple[int, int]]:
    batch = np.cumsum(_touched(spans, start, end)[1]) // BATCH_PIECES
    edges = np.flatnonzero(np.diff(batch, prepend=-1, append=-1))
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def count_touched(spans: DeviceSpans, start: Ints, end: Ints) -> Ints:
    """How many spans each window touches, at least one."""
    return _touched(spans, start, end)[1]


def _touched(spans: DeviceSpans, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """The first span that each window touches, and how many, at least one."""
    first = np.searchsorted(spans.end_ns, start, side="right")
    return first, np.maximum(np.searchsorted(spans.start_ns, end) - first, 1)


def _sum_batch(
    spans: DeviceSpans, start: Ints, end: Ints, first: int, groups: Codes | None
) -> tuple[Ints, Ints, Ints, Ints]:
    pieces = intersect(start, end, spans.start_ns, spans.end_ns)
    owner = spans.owner[pieces.other]
    owner = owner if groups is None else groups[owner]
    width = int(owner.max(initial=NONE)) + 2
    key = (pieces.source * len(LAYERS) + spans.layer[pieces.other]) * width + (owner + 1)
    keys, ns = _sum_by_key(key, len(start) * len(LAYERS) * width, pieces.end - pieces.start)
    return first + keys // width // len(LAYERS), keys // width % len(LAYERS), keys % width - 1, ns


def _sum_by_key(key: Ints, bound: int, ns: Ints) -> tuple[Ints, Ints]:
    """Keys in order, each once, with their sums; by index while keys are dense."""
    if bound <= 2 * len(key) + 1024:
        sums = sum_by_group(key, bound, ns)
        keys = np.flatnonzero(sums)
        return keys, sums[keys]
    codes, unique = pd.factorize(key)
    order = np.argsort(unique)
    return unique[order], sum_by_group(codes, len(unique), ns)[order]


def sum_layers(spans: DeviceSpans, start_ns: Ints, end_ns: Ints) -> NDArray[np.int64]:
    """(window, layer) -> ns, in time that does not depend on how long windows are and how they overlap."""
    sums = np.zeros((len(start_ns), len(LAYERS)), np.int64)
    if not len(start_ns):
        return sums
    low, high = int(start_ns.min()), int(end_ns.max())
    start, end = np.clip(spans.start_ns, low, high), np.clip(spans.end_ns, low, high)
    for layer in distinct(spans.layer).tolist():
        mine = (spans.layer == layer) & (end > start)
        limits = start[mine], end[mine]
        sums[:, layer] = covered_before(*limits, end_ns) - covered_before(*limits, start_ns)
    return sums


def window_times(wall_ns: int, layer: Ints, ns: Ints, *, split: bool = True) -> WindowTimes:
    """The ten layers of one window from its slices; without `split` idle time is one number."""
    sums = np.zeros(len(LAYERS), np.int64)
    np.add.at(sums, layer, ns)
    return times_of_layers(wall_ns, sums, split=split)


def times_of_layers(wall_ns: int, sums: Ints, *, split: bool = True) -> WindowTimes:
    """The same from ten sums in the order of words.LAYERS."""
    layers: list[int] = sums.tolist()
    busy = sum(layers[: len(BUSY_LAYERS)])
    known = zip(LAYER_FIELDS if split else LAYER_FIELDS[: len(BUSY_LAYERS)], layers, strict=False)
    return WindowTimes(wall_ns=int(wall_ns), busy_ns=busy, idle_ns=int(wall_ns) - busy, **dict(known))


def leaf_spans_by_thread(
    trace: Trace, owner_rows: Bools, *, together: bool = False
) -> dict[int, tuple[Ints, Ints]]:
    """By thread the union of owner ranges that contain no other owner range; -1 is all threads together."""
    rows = leaf_rows(trace, owner_rows)
    thread = ints(trace.ranges, "thread")[rows]
    start, end = ints(trace.ranges, "start_ns")[rows], ints(trace.ranges, "end_ns")[rows]
    none = np.zeros(0, np.int64), np.zeros(0, np.int64)
    found: dict[int, tuple[Ints, Ints]] = defaultdict(lambda: none)
    order = np.lexsort((start, thread))
    for mine in np.split(order, np.flatnonzero(np.diff(thread[order])) + 1) if len(order) else ():
        found[int(thread[mine[0]])] = join_spans(start[mine], end[mine])
    if together:
        order = np.argsort(start, kind="stable")
        found[NONE] = join_spans(start[order], end[order])
    return found


def leaf_rows(trace: Trace, owner_rows: Bools) -> Ints:
    """Owner ranges that contain no other owner range."""
    parent = ints(trace.ranges, "parent")
    inner = np.zeros(len(parent), np.bool_)
    rows = parent[owner_rows]
    while (rows := np.unique(rows[rows >= 0])).size:
        rows = rows[~inner[rows]]
        inner[rows] = True
        rows = parent[rows]
    return np.flatnonzero(owner_rows & ~inner)


def find_instance(trace: Trace, owner: Codes, rows: Ints) -> Codes:
    """For owners (rows of trace.ranges, -1), the innermost of the given ranges that holds each; -1 for none."""
    holder = np.full(len(trace.ranges) + 1, NONE, np.int32)
    holder[rows] = rows
    parent = ints(trace.ranges, "parent")
    for level in split_levels(ints(trace.ranges, "depth"))[1:]:
        free = level[holder[level] < 0]
        holder[free] = holder[parent[free]]
    return holder[owner]


def device_windows(
    trace: Trace, attribution: Attribution, path: Codes, rows: Ints, device: int
) -> tuple[Ints, Ints]:
    """Device windows (start, end) of ranges: those of one path, in their order, tile the device's timeline.

    Instance i runs from end(i-1) to end(i), the latest end of activity owned by instances 0 … i or by ranges in
    them; the first begins where its own range does. An instance without work on the device is empty.
    """
    order = np.argsort(path[rows], kind="stable")
    of_path = path[rows][order]
    first = np.append(True, of_path[1:] != of_path[:-1])[: len(order)]
    group = np.cumsum(first) - 1
    begin = ints(trace.ranges, "start_ns")[rows][order][first][group] if len(order) else order
    latest = np.maximum(_latest_ends(trace, attribution, device)[rows][order], begin)
    reach = running_maximum(group, latest)
    start, end = np.zeros((2, len(rows)), np.int64)
    end[order] = reach
    start[order] = np.where(first, begin, np.roll(reach, 1))
    return start, end


def _latest_ends(trace: Trace, attribution: Attribution, device: int) -> Ints:
    """For each range, when the last work on a device that it or a range in it owns ended."""
    mine = np.flatnonzero((ints(trace.activities, "device") == device) & (attribution.owner >= 0))
    latest = np.full(len(trace.ranges), FIRST, np.int64)
    np.maximum.at(latest, attribution.owner[mine], ints(trace.activities, "end_ns")[mine])
    parent = ints(trace.ranges, "parent")
    for level in reversed(split_levels(ints(trace.ranges, "depth"))[1:]):
        np.maximum.at(latest, parent[level], latest[level])
    return latest
