"""The windows a user asked for: the whole trace, or every instance of some ranges, per device."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import translate
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..arithmetic.spans import intersect
from ..attribution.ownership import ATTRIBUTIONS, BY_NONE, BY_PROCESS, BY_THREAD
from ..attribution.paths import PathName, Paths
from ..export.frames import payload_value
from ..trace.trace import Trace
from ..words import LAYERS, MEASURE, OWN_DOMAIN, WindowClock
from .kernels import COPY_KINDS
from .labelled import Labelled
from .rows import WindowTimes
from .timeline import MEMCPY, DeviceSpans
from .windows import device_windows, find_instance, leaf_spans, sum_slices, times_of_layers

Kind = Literal["host", "device", "measure", "trace"]

OUTSIDE_SHARE = 0.05
"""A host window that misses more of its range's device work than this says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedTime:
    """Time of one layer that a path owns in a window; path () is unattributed."""

    path: tuple[str, ...]
    domain: str
    layer: str
    ns: int
    attribution: str = "none"
    """Whether the owner is known by the thread, or by the process alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """One window on one device (see known_device); device None is the host."""

    name: PathName
    instance: int
    payload: int | float | None
    device: int | None
    kind: Kind
    start_ns: int
    times: WindowTimes
    memcpy_kinds: dict[str, int]
    owners: tuple[OwnedTime, ...]


def match_ranges(trace: Trace, glob: str, domains: Sequence[str] | None) -> Ints:
    """Rows of trace.ranges whose message, or domain:message, is this text, or else matches it as a shell pattern."""
    exact = _match_ranges(trace, re.compile(re.escape(glob) + r"\Z"), domains)
    return exact if len(exact) else _match_ranges(trace, re.compile(translate(glob)), domains)


def _match_ranges(trace: Trace, pattern: re.Pattern[str], domains: Sequence[str] | None) -> Ints:
    name, domain = ints(trace.ranges, "name"), ints(trace.ranges, "domain")
    pairs, inverse = np.unique(np.stack([domain, name]), axis=1, return_inverse=True)
    wanted = [_matches(trace, pattern, int(d), int(n), domains) for d, n in pairs.T]
    return np.flatnonzero(np.array([*wanted, False], np.bool_)[inverse.ravel()])


def _matches(
    trace: Trace, pattern: re.Pattern[str], domain: int, name: int, domains: Sequence[str] | None
) -> bool:
    in_domain, text = trace.name(domain), trace.name(name)
    if domains is not None and in_domain not in domains:
        return False
    return bool(pattern.match(text) or pattern.match(f"{in_domain}:{text}"))


def trace_windows(labelled: Labelled) -> list[WindowRow]:
    """One window over all that was recorded, per device; on the host when there is none."""
    start, end = labelled.trace.extent()
    limits = np.array([start]), np.array([end])
    if not labelled.timelines:
        return _host_rows(labelled, np.array([NONE]), *limits, "trace")
    return [
        row
        for device in sorted(labelled.timelines)
        for row in _device_rows(labelled, device, np.array([NONE]), *limits, "trace")
    ]


def range_windows(labelled: Labelled, rows: Ints, kind: WindowClock) -> list[WindowRow]:
    """A window per instance and device its process used; on the host for processes that used none."""
    trace = labelled.trace
    process = ints(trace.threads, "process")
    of_range = process[ints(trace.ranges, "thread")[rows]]
    used = _devices_of_processes(trace)
    found: list[WindowRow] = []
    for one in np.unique(of_range).tolist():
        mine = rows[of_range == one]
        start, end = ints(trace.ranges, "start_ns")[mine], ints(trace.ranges, "end_ns")[mine]
        if not used.get(one):
            found += _host_rows(labelled, mine, start, end, "host")
        for device in used.get(one, []):
            if kind == "device":
                start, end = _tiled(labelled, mine, device)
            found += _device_rows(labelled, device, mine, start, end, kind)
    return found


def _devices_of_processes(trace: Trace) -> dict[int, list[int]]:
    used: dict[int, list[int]] = {}
    for device in trace.devices:
        if device.device not in used.setdefault(device.process, []):
            used[device.process].append(device.device)
    return used


def _tiled(labelled: Labelled, rows: Ints, device: int) -> tuple[Ints, Ints]:
    """Device windows path by path: each path's instances tile the timeline."""
    start, end = np.zeros((2, len(rows)), np.int64)
    path = labelled.paths.of_range[rows]
    order = np.argsort(path, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(path[order])) + 1):
        start[group], end[group] = device_windows(labelled.trace, labelled.attribution, rows[group], device)
    return start, end


def _device_rows(
    labelled: Labelled, device: int, rows: Ints, start: Ints, end: Ints, kind: Kind
) -> list[WindowRow]:
    spans = labelled.timelines[device]
    slices = sum_slices(*_mark_by_process(spans, start, end, labelled.paths))
    window, layer, path, ns = (ints(slices, c) for c in ("window", "layer", "owner", "ns"))
    sums = np.zeros((len(rows), len(LAYERS)), np.int64)
    np.add.at(sums, (window, layer), ns)
    first = np.searchsorted(window, np.arange(len(rows) + 1))
    copies = _copy_kinds(labelled.trace, spans, start, end)
    owned = _Owned(labelled)
    return [
        replace(
            row,
            device=device,
            times=times_of_layers(int(end[at] - start[at]), sums[at], split=spans.split),
            memcpy_kinds=copies[at],
            owners=owned.of(path[low:high], layer[low:high], ns[low:high]),
        )
        for at, (row, low, high) in enumerate(
            zip(_name_windows(labelled, rows, start, kind), first[:-1], first[1:], strict=True)
        )
    ]


def _mark_by_process(
    spans: DeviceSpans, start: Ints, end: Ints, paths: Paths
) -> tuple[DeviceSpans, Ints, Ints, Codes]:
    """To sum slices by path; those that a path owns by process have codes of their own, after all paths."""
    ranges = len(paths.of_range)
    owner = np.where(spans.by_process, spans.owner + ranges, spans.owner)
    return replace(spans, owner=owner), start, end, np.append(paths.of_range, paths.of_range + len(paths))


class _Owned:
    """Turns slices into the owners of a window, naming each path once."""

    def __init__(self, labelled: Labelled) -> None:
        self._labelled = labelled
        self._names: dict[int, PathName] = {}
        self._paths = len(labelled.paths)

    def of(self, path: Ints, layer: Ints, ns: Ints) -> tuple[OwnedTime, ...]:
        """The owners of one window, the longest first."""
        order = np.lexsort((layer, path, -ns))
        return tuple(self._one(int(path[at]), int(layer[at]), int(ns[at])) for at in order)

    def _one(self, path: int, layer: int, ns: int) -> OwnedTime:
        kind = BY_NONE if path < 0 else BY_PROCESS if path >= self._paths else BY_THREAD
        path = path - self._paths if kind == BY_PROCESS else path
        name = self._names.get(path)
        if name is None:
            name = self._names[path] = self._labelled.paths.name(self._labelled.trace, path)
        return OwnedTime(
            path=name.path, domain=name.domain, layer=LAYERS[layer], ns=ns, attribution=ATTRIBUTIONS[kind]
        )


def _copy_kinds(trace: Trace, spans: DeviceSpans, start: Ints, end: Ints) -> list[dict[str, int]]:
    """The memcpy layer of each window by kind of copy."""
    found: list[dict[str, int]] = [{} for _ in range(len(start))]
    copies = np.flatnonzero(spans.layer == MEMCPY)
    if not len(copies):
        return found
    place = np.full(len(trace.activities), NONE, np.int64)
    place[ints(trace.copies, "activity")] = np.arange(len(trace.copies))
    kind = ints(trace.copies, "copy_kind")[place[spans.activity[copies]]]
    pieces = intersect(start, end, spans.start_ns[copies], spans.end_ns[copies])
    sums = (
        pd.DataFrame({"window": pieces.source, "kind": kind[pieces.other], "ns": pieces.end - pieces.start})
        .groupby(["window", "kind"])["ns"]
        .sum()
    )
    for (window, one), ns in sums.items():  # pyright: ignore[reportGeneralTypeIssues]
        name = COPY_KINDS.get(int(one), COPY_KINDS[0])
        found[window][name] = found[window].get(name, 0) + int(ns)
    return found


def _host_rows(labelled: Labelled, rows: Ints, start: Ints, end: Ints, kind: Kind) -> list[WindowRow]:
    compute = np.zeros(len(rows), np.int64)
    threads = np.append(ints(labelled.trace.ranges, "thread"), NONE)[rows]
    for one in np.unique(threads).tolist():
        mine = np.flatnonzero(threads == one)
        leaves = leaf_spans(labelled.trace, labelled.attribution.owner_rows, one if one >= 0 else None)
        pieces = intersect(start[mine], end[mine], *leaves)
        np.add.at(compute, mine[pieces.source], pieces.end - pieces.start)
    wall = end - start
    return [
        replace(row, times=WindowTimes(wall_ns=int(w), compute_ns=int(c), host_ns=int(w - c)))
        for row, w, c in zip(_name_windows(labelled, rows, start, kind), wall, compute, strict=True)
    ]


def _name_windows(labelled: Labelled, rows: Ints, start: Ints, kind: Kind) -> Iterator[WindowRow]:
    """Windows without their times."""
    frame, counted = labelled.trace.ranges, _count_instances(labelled.paths)
    names: dict[int, PathName] = {}
    for row, begin in zip(rows.tolist(), start.tolist(), strict=True):
        path = int(labelled.paths.of_range[row]) if row >= 0 else NONE
        if path not in names:
            names[path] = labelled.paths.name(labelled.trace, path)
        name = names[path]
        own = kind == "host" and (name.domain, name.range) == (OWN_DOMAIN, MEASURE)
        yield WindowRow(
            name=name,
            instance=int(counted[row]) if row >= 0 else 0,
            payload=_payload(frame, row),
            device=None,
            kind=MEASURE if own else kind,
            start_ns=begin,
            times=WindowTimes(wall_ns=0),
            memcpy_kinds={},
            owners=(),
        )


def _payload(ranges: pd.DataFrame, row: int) -> int | float | None:
    if row < 0:
        return None
    return payload_value(int(ints(ranges, "payload_kind")[row]), int(ints(ranges, "payload")[row]))


def _count_instances(paths: Paths) -> Ints:
    """For each range, how many of its path began before it."""
    order = np.argsort(paths.of_range, kind="stable")
    path = paths.of_range[order]
    first = np.searchsorted(path, path)
    counted = np.empty(len(order), np.int64)
    counted[order] = np.arange(len(order)) - first
    return counted


def count_outside(labelled: Labelled, rows: Ints) -> int:
    """How many of these ranges have over OUTSIDE_SHARE of the device work they own outside their host window."""
    trace = labelled.trace
    instance = find_instance(trace, labelled.attribution.owner, rows)
    mine = np.flatnonzero(instance >= 0)
    owner = instance[mine]
    start, end = ints(trace.activities, "start_ns")[mine], ints(trace.activities, "end_ns")[mine]
    low, high = ints(trace.ranges, "start_ns")[owner], ints(trace.ranges, "end_ns")[owner]
    inside = np.maximum(np.minimum(end, high) - np.maximum(start, low), 0)
    total, within = np.zeros((2, len(trace.ranges)), np.int64)
    np.add.at(total, owner, end - start)
    np.add.at(within, owner, inside)
    outside: NDArray[np.bool_] = (total - within) > OUTSIDE_SHARE * total
    return int(outside.sum())
