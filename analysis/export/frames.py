"""The columns of every frame of a trace: declared here, checked once, where a frame is made.

Times are integer nanoseconds on the trace's clock. ``process``, ``thread``, ``name`` and ``domain`` are codes
into the trace's own tables; ``call``, ``parent``, ``launch`` and ``activity`` are row numbers of other frames;
-1 is "none".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PUSH_POP, START_END, CROSS_THREAD = 0, 1, 2
"""Styles of a range: a thread's stack; start/end on one thread; start/end that ended on another thread."""

NO_PAYLOAD, INT_PAYLOAD, UINT_PAYLOAD, FLOAT_PAYLOAD = 0, 1, 2, 3
"""Kinds of payload: ``payload`` holds the value, or the bits of an unsigned one or a double."""

COLUMNS: dict[str, dict[str, str]] = {
    # Every record of a device with possible times: kernels first, then copies, fills and whole graphs.
    "activities": {
        "start_ns": "int64",
        "end_ns": "int64",
        "layer": "int8",  # index into results.BUSY_LAYERS
        "device": "int32",  # the physical GPU, see devices.py
        "process": "int32",
        "context": "int64",
        "stream": "int64",
        "correlation_id": "int64",  # 0: none
        "name": "int32",
        "launch": "int32",
        "call": "int32",
        "graph_node": "int64",  # 0: not of a graph
    },
    # One row per copy or fill.
    "copies": {
        "activity": "int32",
        "bytes": "int64",
        "copy_kind": "int32",
        "src_kind": "int32",
        "dst_kind": "int32",
    },
    # Distinct launch geometries; -1 where the export has no value.
    "launches": {
        "grid_x": "int64",
        "grid_y": "int64",
        "grid_z": "int64",
        "block_x": "int64",
        "block_y": "int64",
        "block_z": "int64",
        "registers": "int64",
        "static_shared_bytes": "int64",
        "dynamic_shared_bytes": "int64",
    },
    # CUDA API calls, sorted by thread and start.
    "calls": {"start_ns": "int64", "end_ns": "int64", "thread": "int32", "name": "int32"},
    # Calls that make a stream wait for an event; stream -1 where the export does not say which.
    "event_waits": {"call": "int32", "context": "int64", "stream": "int64"},
    # Where nodes of CUDA graphs were recorded, for attribution to the capture.
    "graph_nodes": {"node": "int64", "thread": "int32", "start_ns": "int64"},
    # NVTX ranges, sorted by thread, start, longest first, row of the file.
    "ranges": {
        "start_ns": "int64",
        "end_ns": "int64",
        "thread": "int32",
        "domain": "int32",
        "name": "int32",
        "style": "int8",
        "payload_kind": "int8",
        "payload": "int64",
        "open": "bool",  # never closed: its end is the end of the session
        "parent": "int32",
        "depth": "int32",
    },
    "marks": {
        "start_ns": "int64",
        "thread": "int32",
        "domain": "int32",
        "name": "int32",
        "payload_kind": "int8",
        "payload": "int64",
    },
    "threads": {"process": "int32", "pid": "int32", "tid": "int32"},
}


def make_frame(kind: str, columns: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """A frame of the declared kind; a missing, extra or ill-typed column is a bug and raises TypeError."""
    declared = COLUMNS[kind]
    if set(columns) != set(declared):
        raise TypeError(f"{kind}: columns {sorted(set(columns) ^ set(declared))} are missing or undeclared")
    arrays = {
        name: np.asarray(columns[name]).astype(dtype, casting="same_kind", copy=False)
        for name, dtype in declared.items()
    }
    return pd.DataFrame(arrays, copy=False)


def payload_value(kind: int, payload: int) -> int | float | None:
    """A range's payload as Python sees it; None where there is none, and for an infinite one."""
    if kind == NO_PAYLOAD:
        return None
    if kind == FLOAT_PAYLOAD:
        value = float(np.int64(payload).view(np.float64))
        return value if math.isfinite(value) else None
    return payload + (1 << 64) if kind == UINT_PAYLOAD and payload < 0 else int(payload)
