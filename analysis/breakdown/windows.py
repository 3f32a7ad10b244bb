"""Windows on a device's timeline: sums of its labelled spans, and where a range's work lies on the device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, ints
from ..arithmetic.grouped import sum_by_group
from ..arithmetic.spans import intersect, join_spans
from ..attribution.attribution import Attribution
from ..trace.trace import Trace
from ..words import BUSY_LAYERS, IDLE_LAYERS, LAYERS
from .rows import WindowTimes
from .timeline import DeviceSpans

BATCH_PIECES = 1 << 20
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


def window_times(wall_ns: int, layer: Ints, ns: Ints, *, split: bool = True) -> WindowTimes:
    """The ten layers of one window from its slices; without `split` idle time is one number."""
    sums = np.zeros(len(LAYERS), np.int64)
    np.add.at(sums, layer, ns)
    return times_of_layers(wall_ns, sums, split=split)


def times_of_layers(wall_ns: int, sums: Ints, *, split: bool = True) -> WindowTimes:
    """The same from ten sums in the order of words.LAYERS."""
    layers = {f"{name}_ns": int(value) for name, value in zip(LAYERS, sums, strict=True)}
    idle = {f"{name}_ns" for name in IDLE_LAYERS}
    known = {name: value for name, value in layers.items() if split or name not in idle}
    busy = int(sums[: len(BUSY_LAYERS)].sum())
    return WindowTimes(wall_ns=int(wall_ns), busy_ns=busy, idle_ns=int(wall_ns) - busy, **known)


def leaf_spans(trace: Trace, owner_rows: Bools, thread: int | None) -> tuple[Ints, Ints]:
    """The union of owner ranges that contain no other owner range, on one thread or on all."""
    rows = leaf_rows(trace, owner_rows)
    if thread is not None:
        rows = rows[ints(trace.ranges, "thread")[rows] == thread]
    start, end = ints(trace.ranges, "start_ns")[rows], ints(trace.ranges, "end_ns")[rows]
    order = np.argsort(start, kind="stable")
    return join_spans(start[order], end[order])


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
    target = np.full(len(trace.ranges) + 1, NONE, np.int32)
    target[rows] = rows
    at = owner.astype(np.int64)
    found = target[at]
    parent = np.append(ints(trace.ranges, "parent"), NONE)
    moving = np.flatnonzero((found < 0) & (at >= 0))
    while len(moving):
        at[moving] = parent[at[moving]]
        found[moving] = target[at[moving]]
        moving = moving[(found[moving] < 0) & (at[moving] >= 0)]
    return found


def device_windows(trace: Trace, attribution: Attribution, rows: Ints, device: int) -> tuple[Ints, Ints]:
    """Device windows (start, end) of instances, given in their order: they tile the device's timeline.

    Instance i runs from end(i-1) to end(i), the latest end of activity owned by instances 0 … i or by ranges in
    them; the first begins where its own range does. An instance without work on the device is empty.
    """
    mine = np.flatnonzero(ints(trace.activities, "device") == device)
    instance = find_instance(trace, attribution.owner[mine], rows)
    place = np.full(len(trace.ranges) + 1, NONE, np.int64)
    place[rows] = np.arange(len(rows))
    owned = instance >= 0
    begin = int(ints(trace.ranges, "start_ns")[rows[0]]) if len(rows) else 0
    latest = np.full(len(rows), begin, np.int64)
    np.maximum.at(latest, place[instance[owned]], ints(trace.activities, "end_ns")[mine[owned]])
    end = np.maximum.accumulate(latest)
    return np.concatenate([[begin], end[:-1]]).astype(np.int64)[: len(rows)], end
