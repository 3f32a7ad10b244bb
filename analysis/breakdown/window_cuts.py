"""The windows a user asked for: the whole trace, or every instance of some ranges, per device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import translate

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, distinct, ints
from ..arithmetic.grouped import code_combinations, find_firsts, sort_longest_first, sum_by_group
from ..arithmetic.spans import covered_before
from ..attribution.folding import names_of_ranges
from ..attribution.paths import Paths
from ..export.frames import NO_PAYLOAD
from ..labelling.device_sums import DeviceSums
from ..labelling.labelled import Labelled
from ..labelling.timeline import DeviceSpans
from ..trace.trace import Trace
from ..words import LAYERS, MEMCPY, WindowClock
from .window_rows import DeviceTimes, HostTimes, Kind, Owned, Times, WindowPart, Windows
from .windows import (
    count_touched,
    device_windows,
    find_instance,
    leaf_spans_by_thread,
    sum_layers,
    sum_slices,
)

OUTSIDE_SHARE = 0.05
"""A host window that misses more of its range's device work than this says so."""

MOST_TIMES_COVERED, ALWAYS_LISTED = 8, 1 << 16
"""Windows that lie in one another list the same owners again and again. So many times what the timeline and the
windows themselves are made of they may, and a small trace so many at any rate; the largest windows then list none."""


def match_ranges(trace: Trace, glob: str, domains: Sequence[str] | None) -> Ints:
    """Rows of trace.ranges whose message, or domain:message, is this text, or else matches it as a shell pattern."""
    exact = _match_ranges(trace, re.compile(re.escape(glob) + r"\Z"), domains)
    return exact if len(exact) else _match_ranges(trace, re.compile(translate(glob)), domains)


def _match_ranges(trace: Trace, pattern: re.Pattern[str], domains: Sequence[str] | None) -> Ints:
    found = [_match_names(trace, names, pattern, domains) for names in names_of_ranges(trace)]
    return np.flatnonzero(np.logical_or.reduce(found))


def _match_names(trace: Trace, name: Ints, pattern: re.Pattern[str], domains: Sequence[str] | None) -> Bools:
    domain = ints(trace.ranges, "domain")
    pair = code_combinations(domain, name)
    first = find_firsts(pair).tolist()
    wanted = [_matches(trace, pattern, int(domain[at]), int(name[at]), domains) for at in first]
    return np.array([*wanted, False], np.bool_)[pair]


def _matches(
    trace: Trace, pattern: re.Pattern[str], domain: int, name: int, domains: Sequence[str] | None
) -> bool:
    in_domain, text = trace.name(domain), trace.name(name)
    if domains is not None and in_domain not in domains:
        return False
    return bool(pattern.match(text) or pattern.match(f"{in_domain}:{text}"))


def trace_windows(labelled: Labelled) -> Windows:
    """One window over all that was recorded, per device; on the host when there is none."""
    start, end = labelled.trace.extent()
    whole = np.array([NONE]), np.array([start]), np.array([end])
    if not labelled.sums:
        return Windows((_host_part(labelled, *whole, "trace"),))
    return Windows(
        tuple(
            _part(labelled, *whole, "trace", device, _whole_times(sums, labelled.paths))
            for device, sums in sorted(labelled.sums.items())
        )
    )


def _whole_times(sums: DeviceSums, paths: Paths) -> DeviceTimes:
    """The one window over all of a device's time."""
    by_path = _sum_paths(sums.owned, paths)
    if sums.by_process is not None:
        by_path[:, 1:] -= sums.by_process
        by_path = np.concatenate([by_path, sums.by_process], axis=1)
    layer, column = np.nonzero(by_path)
    ns = by_path[layer, column]
    owned = _list_owned(np.zeros_like(layer), layer, column - 1, ns, paths, np.ones(1, np.bool_))
    return DeviceTimes(
        sums=by_path.sum(axis=1)[None],
        copies={kind: np.array([ns]) for kind, ns in sums.copies.items()},
        owned=owned,
        split=sums.split,
    )


def _sum_paths(sums: NDArray[np.int64], paths: Paths) -> NDArray[np.int64]:
    """(layer, path) -> ns of times by range; the first column is that of no range."""
    path = np.append(paths.of_range, NONE) + 1
    return np.stack([sum_by_group(path, len(paths) + 1, layer) for layer in sums])


def range_windows(labelled: Labelled, rows: Ints, kind: WindowClock) -> Windows:
    """A window per instance and device its process used; on the host for processes that used none."""
    trace = labelled.trace
    process = ints(trace.threads, "process")
    of_range = process[ints(trace.ranges, "thread")[rows]]
    used = _devices_of_processes(trace)
    found: list[WindowPart] = []
    for one in distinct(of_range).tolist():
        mine = rows[of_range == one]
        start, end = ints(trace.ranges, "start_ns")[mine], ints(trace.ranges, "end_ns")[mine]
        if not used.get(one):
            found.append(_host_part(labelled, mine, start, end, "host"))
        for device in used.get(one, []):
            if kind == "device":
                start, end = device_windows(
                    trace, labelled.attribution, labelled.paths.of_range, mine, device
                )
            found.append(_device_part(labelled, device, mine, start, end, kind))
    return Windows(tuple(found))


def count_unlisted(windows: Windows) -> int:
    """How many windows name no owners, because together they would name too many."""
    times = [part.times for part in windows.parts if isinstance(part.times, DeviceTimes)]
    return sum(int((~one.owned.listed).sum()) for one in times)


def _devices_of_processes(trace: Trace) -> dict[int, list[int]]:
    used: dict[int, list[int]] = {}
    for device in trace.devices:
        if device.device not in used.setdefault(device.process, []):
            used[device.process].append(device.device)
    return used


def _device_part(
    labelled: Labelled, device: int, rows: Ints, start: Ints, end: Ints, kind: Kind
) -> WindowPart:
    spans = labelled.timelines[device]
    listed = _choose_listed(spans, start, end)
    sums = np.zeros((len(rows), len(LAYERS)), np.int64)
    owned = _own(spans, start, end, labelled.paths, listed, sums)
    sums[~listed] = sum_layers(spans, start[~listed], end[~listed])
    copies = _copy_kinds(labelled.trace, spans, start, end)
    times = DeviceTimes(sums=sums, copies=copies, owned=owned, split=spans.split)
    return _part(labelled, rows, start, end, kind, device, times)


def _choose_listed(spans: DeviceSpans, start: Ints, end: Ints) -> Bools:
    """Windows whose owners are listed: as many as hold no more than a multiple of the timeline, small ones first."""
    touched = count_touched(spans, start, end)
    most = max(MOST_TIMES_COVERED * (len(spans) + len(start)), ALWAYS_LISTED)
    if int(touched.sum()) <= most:
        return np.ones(len(start), np.bool_)
    order = np.argsort(touched, kind="stable")
    listed = np.zeros(len(start), np.bool_)
    listed[order] = np.cumsum(touched[order]) <= most
    return listed


def _own(
    spans: DeviceSpans, start: Ints, end: Ints, paths: Paths, listed: Bools, sums: NDArray[np.int64]
) -> Owned:
    """Whose time the listed windows are; their layers are added to ``sums``."""
    which = np.flatnonzero(listed)
    slices = sum_slices(*_mark_by_process(spans, start[which], end[which], paths))
    window, layer, path, ns = (ints(slices, c) for c in ("window", "layer", "owner", "ns"))
    window = which[window]
    np.add.at(sums, (window, layer), ns)
    return _list_owned(window, layer, path, ns, paths, listed)


def _list_owned(window: Ints, layer: Ints, path: Ints, ns: Ints, paths: Paths, listed: Bools) -> Owned:
    """Slices of windows, of which those of a path by process have a code of their own, after all paths."""
    order = sort_longest_first(window, ns, path, layer)
    first = np.searchsorted(window, np.arange(len(listed) + 1))
    path, layer, ns = path[order], layer[order], ns[order]
    by_process = path >= len(paths)
    path = np.where(by_process, path - len(paths), path)
    return Owned(first=first, path=path, layer=layer, ns=ns, by_process=by_process, listed=listed)


def _mark_by_process(
    spans: DeviceSpans, start: Ints, end: Ints, paths: Paths
) -> tuple[DeviceSpans, Ints, Ints, Codes]:
    """To sum slices by path; those that a path owns by process have codes of their own, after all paths."""
    if not spans.by_process.any():
        return spans, start, end, paths.of_range
    ranges = len(paths.of_range)
    owner = np.where(spans.by_process, spans.owner + ranges, spans.owner)
    return replace(spans, owner=owner), start, end, np.append(paths.of_range, paths.of_range + len(paths))


def _copy_kinds(trace: Trace, spans: DeviceSpans, start: Ints, end: Ints) -> dict[int, Ints]:
    """The memcpy layer of each window by kind of copy."""
    copies = np.flatnonzero(spans.layer == MEMCPY)
    if not len(copies):
        return {}
    kind = trace.copy_kinds(spans.copies)
    found: dict[int, Ints] = {}
    for one in np.unique(kind).tolist():
        mine = copies[kind == one]
        limits = spans.start_ns[mine], spans.end_ns[mine]
        found[one] = covered_before(*limits, end) - covered_before(*limits, start)
    return found


def _host_part(labelled: Labelled, rows: Ints, start: Ints, end: Ints, kind: Kind) -> WindowPart:
    compute = np.zeros(len(rows), np.int64)
    threads = np.append(ints(labelled.trace.ranges, "thread"), NONE)[rows]
    order = np.argsort(threads, kind="stable")
    leaves = leaf_spans_by_thread(
        labelled.trace, labelled.attribution.owner_rows, together=bool((rows < 0).any())
    )
    for mine in np.split(order, np.flatnonzero(np.diff(threads[order])) + 1):
        spans = leaves[int(threads[mine[0]])]
        compute[mine] = covered_before(*spans, end[mine]) - covered_before(*spans, start[mine])
    return _part(labelled, rows, start, end, kind, None, HostTimes(compute=compute))


def _part(
    labelled: Labelled, rows: Ints, start: Ints, end: Ints, kind: Kind, device: int | None, times: Times
) -> WindowPart:
    frame = labelled.trace.ranges
    payload_kind = np.append(ints(frame, "payload_kind"), NO_PAYLOAD)[rows]
    return WindowPart(
        names=labelled.names,
        kind=kind,
        device=device,
        path=np.append(labelled.paths.of_range, NONE)[rows],
        instance=np.append(_count_instances(labelled.paths), 0)[rows],
        payload_kind=payload_kind,
        payload=np.append(ints(frame, "payload"), 0)[rows],
        start=start,
        wall=end - start,
        times=times,
    )


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
