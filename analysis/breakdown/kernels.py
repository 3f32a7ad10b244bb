"""Kernels and copies by name: how often, how long, with which launch geometry, after how long a wait."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Codes, Ints, distinct, ints
from ..arithmetic.grouped import (
    Stats,
    code_combinations,
    describe_codes,
    medians_of_runs,
    sort_groups,
    sum_by_group,
)
from ..attribution.ownership import ATTRIBUTIONS
from ..hardware.occupancy import Placement, find_limits, place_launch
from ..trace.trace import Trace
from ..words import KERNEL, known_device
from .queue import Queue
from .rows import CopyRow, KernelRow, Launch

COPY_KINDS = {
    0: "unknown",
    1: "host to device",
    2: "device to host",
    3: "host to array",
    4: "array to host",
    5: "array to array",
    6: "array to device",
    7: "device to array",
    8: "device to device",
    9: "host to host",
    10: "peer to peer",
    11: "unified host to device",
    12: "unified device to host",
    13: "unified device to device",
}
"""CUPTI's kinds of copies; the labels in exports' ENUM tables change, these do not."""

MEMORY_KINDS = {
    0: "pageable",
    1: "pinned",
    2: "device",
    3: "array",
    4: "managed",
    5: "device static",
    6: "managed static",
}

FILL = "memset"


def kernel_rows(trace: Trace, rows: Ints, queue: Queue | None = None) -> tuple[KernelRow, ...]:
    """The kernels among some rows of trace.activities, by name and device, longest total first.

    `share` is of these rows' kernel time. Without `queue` the queue medians are None.
    """
    return kernel_rows_by_group(trace, rows, np.zeros(len(rows), np.int8), 1, queue)[0]


def kernel_rows_by_group(
    trace: Trace, rows: Ints, group: Ints, groups: int, queue: Queue | None = None
) -> list[tuple[KernelRow, ...]]:
    """The same of each of many groups of rows, at the price of one; rows ascend within a group."""
    frame = trace.activities
    some = ints(frame, "layer")[rows] == KERNEL
    rows, group = rows[some], group[some]
    kernel = code_combinations(group, ints(frame, "name")[rows], ints(frame, "device")[rows])
    launch = code_combinations(kernel, ints(frame, "launch")[rows])
    by_kernel = _describe(trace, rows, kernel)
    by_launch = by_kernel
    if int(launch.max(initial=-1)) + 1 != len(by_kernel.group):
        by_launch = _describe(trace, rows, launch)
    launches = _launches(trace, rows, kernel, launch, by_launch)
    first = _first_of_each(kernel, len(by_kernel.group))
    group = group[first]
    del launch, by_launch  # there may be millions, and medians need memory
    waits = _wait_medians(trace, rows, kernel, len(by_kernel.group), queue)
    totals = sum_by_group(group, groups, by_kernel.total).tolist()
    begun = np.full(len(by_kernel.group), np.iinfo(np.int64).max)
    np.minimum.at(begun, kernel, ints(frame, "start_ns")[rows])
    found: list[list[KernelRow]] = [[] for _ in range(groups)]
    name, device = (ints(frame, column)[rows[first]].tolist() for column in ("name", "device"))
    for at, (one, begin) in enumerate(zip(group.tolist(), begun.tolist(), strict=True)):
        kernel_on = trace.name(name[at]), known_device(device[at])
        medians = {what: of[at] for what, of in waits.items()}
        found[one].append(_kernel_row(kernel_on, begin, by_kernel, at, totals[one], medians, launches[at]))
    return [
        tuple(sorted(each, key=lambda row: (-row.total_ns, row.kernel, row.device or 0))) for each in found
    ]


def _describe(trace: Trace, rows: Ints, code: Ints) -> Stats:
    return describe_codes(code, np.arange(int(code.max(initial=-1)) + 1), _durations(trace, rows))


def _launches(trace: Trace, rows: Ints, kernel: Ints, launch: Ints, stats: Stats) -> dict[int, list[Launch]]:
    """The launch geometries of each kernel, from one row of each."""
    first = _first_of_each(launch, len(stats.group))
    device, place = (ints(trace.activities, column)[rows[first]] for column in ("device", "launch"))
    geometry = {name: ints(trace.launches, name)[place].tolist() for name in trace.launches.columns}
    found: dict[int, list[Launch]] = {}
    for at, one in enumerate(kernel[first].tolist()):
        values = {name: column[at] for name, column in geometry.items()}
        found.setdefault(one, []).append(_launch(trace, int(device[at]), values, stats, at))
    return found


def _wait_medians(
    trace: Trace, rows: Ints, kernel: Ints, kernels: int, queue: Queue | None
) -> dict[str, list[float | None]]:
    """From the launch to the start: medians of each kernel's calls and queue times, None where none is known."""
    order = sort_groups(kernel, kernels)
    rows, kernel = rows[order], kernel[order]
    del order
    found = {
        "launch_call_median_ns": _call_medians(trace, ints(trace.activities, "call")[rows], kernel, kernels)
    }
    for name in ("queue", "stream_wait", "latency"):
        values = np.full(len(rows), np.nan) if queue is None else getattr(queue, f"{name}_ns")[rows]
        known = ~np.isnan(values)
        count = np.bincount(kernel[known], minlength=kernels)
        found[f"{name}_median_ns"] = medians_of_runs(values[known], count)
    return found


def _call_medians(trace: Trace, call: Codes, kernel: Ints, kernels: int) -> list[float | None]:
    """The median of each kernel's calls; a call that launched several, a graph's, counts once for each kernel."""
    calls = len(trace.calls)
    several = (np.bincount(call + 1, minlength=1) > 1)[call + 1] & (call >= 0)
    if several.any():
        pairs = distinct(kernel[several] * np.int64(calls) + call[several])
        once = ~several
        kernel, call = np.append(kernel[once], pairs // calls), np.append(call[once], pairs % calls)
        order = sort_groups(kernel, kernels)
        kernel, call = kernel[order], call[order]
    known = call >= 0
    duration = ints(trace.calls, "end_ns")[call[known]] - ints(trace.calls, "start_ns")[call[known]]
    return medians_of_runs(duration, np.bincount(kernel[known], minlength=kernels))


def copy_rows(trace: Trace, rows: Ints, by: NDArray[np.int8] | None = None) -> tuple[CopyRow, ...]:
    """The copies and fills among some rows of trace.activities, by kind, device and memory.

    With `by`, how each activity came to its range, also by that.
    """
    return copy_rows_by_group(trace, rows, np.zeros(len(rows), np.int8), 1, by)[0]


def copy_rows_by_group(
    trace: Trace, rows: Ints, group: Ints, groups: int, by: NDArray[np.int8] | None = None
) -> list[tuple[CopyRow, ...]]:
    """The same of each of many groups of rows; rows ascend within a group."""
    place = np.full(len(trace.activities), NONE, np.int64)
    place[ints(trace.copies, "activity")] = np.arange(len(trace.copies))
    some = place[rows] >= 0
    rows, group = rows[some], group[some]
    copy = place[rows]
    keys = [ints(trace.copies, column)[copy] for column in ("copy_kind", "src_kind", "dst_kind")]
    how = np.zeros(len(rows), np.int8) if by is None else by[rows]
    code = code_combinations(group, *keys, ints(trace.activities, "device")[rows], how)
    found: list[list[CopyRow]] = [[] for _ in range(groups)]
    for mine in _split(code):
        attribution = None if by is None else ATTRIBUTIONS[how[mine[0]]]
        found[int(group[mine[0]])].append(_copy_row(trace, rows[mine], copy[mine], attribution))
    return [tuple(sorted(each, key=lambda row: (-row.total_ns, row.kind, row.device or 0))) for each in found]


def _durations(trace: Trace, rows: Ints) -> Ints:
    return ints(trace.activities, "end_ns")[rows] - ints(trace.activities, "start_ns")[rows]


def _split(code: Ints) -> list[Ints]:
    """The places of each code, in order."""
    groups = int(code.max(initial=-1)) + 1
    if not groups:
        return []
    return np.split(sort_groups(code, groups), np.cumsum(np.bincount(code, minlength=groups))[:-1])


def _first_of_each(code: Ints, groups: int) -> Ints:
    first = np.empty(groups, np.int64)
    first[code[::-1]] = np.arange(len(code) - 1, -1, -1)
    return first


def _kernel_row(
    kernel: tuple[str, int | None],
    begin: int,
    stats: Stats,
    at: int,
    total: int,
    waits: dict[str, float | None],
    launches: list[Launch],
) -> KernelRow:
    return KernelRow(
        kernel=kernel[0],
        device=kernel[1],
        instances=int(stats.count[at]),
        total_ns=int(stats.total[at]),
        median_ns=stats.quantile(at, 0.5),
        min_ns=stats.least(at),
        max_ns=stats.greatest(at),
        p5_ns=stats.quantile(at, 0.05),
        p95_ns=stats.quantile(at, 0.95),
        share=int(stats.total[at]) / total if total else None,
        launches=tuple(sorted(launches, key=lambda launch: -launch.total_ns)),
        first_ns=begin,
        **waits,
    )


def _launch(trace: Trace, device: int, values: dict[str, int], stats: Stats, at: int) -> Launch:
    known = {name: value if value >= 0 else None for name, value in values.items()}
    place = _place(trace, device, values)
    return Launch(
        grid=_triple(values, "grid"),
        block=_triple(values, "block"),
        registers=known["registers"],
        static_shared_bytes=known["static_shared_bytes"],
        dynamic_shared_bytes=known["dynamic_shared_bytes"],
        occupancy=place.occupancy if place else None,
        blocks_per_sm=place.blocks_per_sm if place else None,
        slots=place.slots if place else None,
        waves=place.waves if place else None,
        instances=int(stats.count[at]),
        total_ns=int(stats.total[at]),
        median_ns=stats.quantile(at, 0.5),
    )


def _triple(values: dict[str, int], name: str) -> tuple[int, int, int] | None:
    x, y, z = (values[f"{name}_{axis}"] for axis in "xyz")
    return (x, y, z) if min(x, y, z) >= 0 else None


def _place(trace: Trace, device: int, values: dict[str, int]) -> Placement | None:
    gpu = trace.gpus.get(device)
    limits, grid, block = find_limits(gpu), _triple(values, "grid"), _triple(values, "block")
    shared = values["static_shared_bytes"], values["dynamic_shared_bytes"]
    if gpu is None or limits is None or block is None or min(shared) < 0 or values["registers"] < 0:
        return None
    return place_launch(
        limits,
        gpu.sm_count if grid else None,
        blocks=math.prod(grid or ()),
        threads=math.prod(block),
        registers=values["registers"],
        shared_bytes=sum(shared),
    )


def _copy_row(trace: Trace, rows: Ints, copy: Ints, attribution: str | None) -> CopyRow:
    kind, source, target = (
        int(ints(trace.copies, column)[copy[0]]) for column in ("copy_kind", "src_kind", "dst_kind")
    )
    moved = ints(trace.copies, "bytes")[copy]
    total, whole = int(_durations(trace, rows).sum()), None if (moved < 0).any() else int(moved.sum())
    return CopyRow(
        kind=FILL if kind == NONE else COPY_KINDS.get(kind, "unknown"),
        device=known_device(int(ints(trace.activities, "device")[rows[0]])),
        src_kind=MEMORY_KINDS.get(source),
        dst_kind=MEMORY_KINDS.get(target),
        instances=len(rows),
        total_ns=total,
        bytes=whole,
        gbps=whole / total if total > 0 and whole is not None else None,
        attribution=attribution,
    )
