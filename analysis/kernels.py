"""Kernels and copies by name: how often, how long, with which launch geometry, after how long a wait."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .frames import NONE, Ints, distinct, ints
from .occupancy import find_limits, theoretical_occupancy
from .queue import Queue
from .results import BUSY_LAYERS, CopyRow, KernelRow, Launch
from .trace import Trace

KERNEL = BUSY_LAYERS.index("kernel")
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
    rows = rows[ints(trace.activities, "layer")[rows] == KERNEL]
    duration = _durations(trace, rows)
    total = int(duration.sum())
    found = [
        _kernel_row(trace, rows[group], duration[group], total, queue)
        for group in _groups(ints(trace.activities, "name")[rows], ints(trace.activities, "device")[rows])
    ]
    return tuple(sorted(found, key=lambda row: (-row.total_ns, row.kernel, row.device or 0)))


def copy_rows(trace: Trace, rows: Ints) -> tuple[CopyRow, ...]:
    """The copies and fills among some rows of trace.activities, by kind, device and memory."""
    place = np.full(len(trace.activities), NONE, np.int64)
    place[ints(trace.copies, "activity")] = np.arange(len(trace.copies))
    rows = rows[place[rows] >= 0]
    copy = place[rows]
    keys = [ints(trace.copies, column)[copy] for column in ("copy_kind", "src_kind", "dst_kind")]
    found = [
        _copy_row(trace, rows[group], copy[group])
        for group in _groups(*keys, ints(trace.activities, "device")[rows])
    ]
    return tuple(sorted(found, key=lambda row: (-row.total_ns, row.kind, row.device or 0)))


def _durations(trace: Trace, rows: Ints) -> Ints:
    return ints(trace.activities, "end_ns")[rows] - ints(trace.activities, "start_ns")[rows]


def _groups(*keys: NDArray[np.integer]) -> Iterator[Ints]:
    """Places with equal keys, group after group."""
    if not len(keys[0]):
        return
    code = np.zeros(len(keys[0]), np.int64)
    for key in keys:
        part, unique = pd.factorize(key)
        code = pd.factorize(code * len(unique) + part)[0]
    order = np.argsort(code.astype(np.uint16) if code.max() < 1 << 16 else code, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def _kernel_row(trace: Trace, rows: Ints, duration: Ints, total: int, queue: Queue | None) -> KernelRow:
    frame = trace.activities
    p5, median, p95 = np.percentile(duration, [5, 50, 95])
    return KernelRow(
        kernel=trace.name(int(ints(frame, "name")[rows[0]])),
        device=int(ints(frame, "device")[rows[0]]),
        instances=len(rows),
        total_ns=int(duration.sum()),
        median_ns=float(median),
        min_ns=int(duration.min()),
        max_ns=int(duration.max()),
        p5_ns=float(p5),
        p95_ns=float(p95),
        share=float(duration.sum() / total) if total else None,
        launch_call_median_ns=_call_median(trace, rows),
        queue_median_ns=None if queue is None else _median(queue.queue_ns[rows]),
        stream_wait_median_ns=None if queue is None else _median(queue.stream_wait_ns[rows]),
        latency_median_ns=None if queue is None else _median(queue.latency_ns[rows]),
        launches=tuple(sorted(_launches(trace, rows, duration), key=lambda launch: -launch.total_ns)),
    )


def _median(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _call_median(trace: Trace, rows: Ints) -> float | None:
    """Median host time of the calls that launched these, a call counted once."""
    calls = distinct(ints(trace.activities, "call")[rows])
    calls = calls[calls >= 0]
    if not len(calls):
        return None
    return float(np.median(ints(trace.calls, "end_ns")[calls] - ints(trace.calls, "start_ns")[calls]))


def _launches(trace: Trace, rows: Ints, duration: Ints) -> Iterator[Launch]:
    launch = ints(trace.activities, "launch")[rows]
    for group in _groups(launch):
        yield _launch(trace, int(launch[group[0]]), rows[group], duration[group])


def _launch(trace: Trace, launch: int, rows: Ints, duration: Ints) -> Launch:
    values = {name: int(ints(trace.launches, name)[launch]) for name in trace.launches.columns}
    known = {name: value if value >= 0 else None for name, value in values.items()}
    return Launch(
        grid=_triple(values, "grid"),
        block=_triple(values, "block"),
        registers=known["registers"],
        static_shared_bytes=known["static_shared_bytes"],
        dynamic_shared_bytes=known["dynamic_shared_bytes"],
        occupancy=_occupancy(trace, int(ints(trace.activities, "device")[rows[0]]), values),
        instances=len(rows),
        total_ns=int(duration.sum()),
        median_ns=float(np.median(duration)),
    )


def _triple(values: dict[str, int], name: str) -> tuple[int, int, int] | None:
    x, y, z = (values[f"{name}_{axis}"] for axis in "xyz")
    return (x, y, z) if min(x, y, z) >= 0 else None


def _occupancy(trace: Trace, device: int, values: dict[str, int]) -> float | None:
    limits, block = find_limits(trace.gpus.get(device)), _triple(values, "block")
    shared = values["static_shared_bytes"], values["dynamic_shared_bytes"]
    if limits is None or block is None or min(shared) < 0 or values["registers"] < 0:
        return None
    threads = block[0] * block[1] * block[2]
    return theoretical_occupancy(
        limits, threads=threads, registers=values["registers"], shared_bytes=sum(shared)
    )


def _copy_row(trace: Trace, rows: Ints, copy: Ints) -> CopyRow:
    kind, source, target = (
        int(ints(trace.copies, column)[copy[0]]) for column in ("copy_kind", "src_kind", "dst_kind")
    )
    total, moved = int(_durations(trace, rows).sum()), int(ints(trace.copies, "bytes")[copy].sum())
    return CopyRow(
        kind=FILL if kind == NONE else COPY_KINDS.get(kind, "unknown"),
        device=int(ints(trace.activities, "device")[rows[0]]),
        src_kind=MEMORY_KINDS.get(source),
        dst_kind=MEMORY_KINDS.get(target),
        instances=len(rows),
        total_ns=total,
        bytes=moved,
        gbps=moved / total if total > 0 and moved >= 0 else None,
    )
