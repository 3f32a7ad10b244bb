"""Records of the device: kernels, copies, fills and whole graphs, as the export holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .frames import NONE, Bools, Codes, Ints, make_frame
from .identity import process_key
from .names import NameCollector
from .results import BUSY_LAYERS
from .sqlite_columns import SqliteFile
from .tables import Table, read_table
from .times import possible_times

COMMON = ["start", "end", "deviceId", "streamId", "correlationId"]
TABLES = {
    "kernel": ("CUPTI_ACTIVITY_KIND_KERNEL", [*COMMON, "shortName|demangledName"]),
    "memcpy": ("CUPTI_ACTIVITY_KIND_MEMCPY", [*COMMON, "bytes", "copyKind"]),
    "memset": ("CUPTI_ACTIVITY_KIND_MEMSET", [*COMMON, "bytes"]),
    "graph": ("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", COMMON),
}
GEOMETRY = {
    "gridX": "grid_x",
    "gridY": "grid_y",
    "gridZ": "grid_z",
    "blockX": "block_x",
    "blockY": "block_y",
    "blockZ": "block_z",
    "registersPerThread": "registers",
    "staticSharedMemory": "static_shared_bytes",
    "dynamicSharedMemory": "dynamic_shared_bytes",
}
OPTIONAL = {
    "kernel": ["globalPid", "contextId", "graphNodeId"],
    "memcpy": ["globalPid", "contextId", "graphNodeId", "srcKind", "dstKind"],
    "memset": ["globalPid", "contextId", "graphNodeId", "memKind"],
    "graph": ["globalPid", "contextId"],
}
NEVER_NULL = ("deviceId", "streamId", "bytes", "copyKind")
UNKNOWN_MEMORY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class RawActivities:
    """Device records with possible times, process and device still as the export names them."""

    start: Ints
    end: Ints
    layer: NDArray[np.int8]
    ordinal: Ints
    process: Ints
    process_known: Bools
    context: Ints
    stream: Ints
    correlation_id: Ints
    name: Codes
    launch: Codes
    graph_node: Ints
    launches: pd.DataFrame
    copies: pd.DataFrame
    dropped: dict[str, int] = field(default_factory=dict)
    """Layer -> rows whose times cannot be true."""
    foreign: int = 0
    unknown: int = 0
    """NULLs where a device, stream, size or kind belongs."""


def read_activities(file: SqliteFile, names: NameCollector, schema: str) -> RawActivities:
    """All device records of an export, table after table."""
    parts = [_read_layer(file, layer, names, schema) for layer in BUSY_LAYERS]
    joined = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    first = np.cumsum([0] + [len(part.columns["start"]) for part in parts])
    copies = [
        _copies(part, int(first[i])) for i, part in enumerate(parts) if part.layer in ("memcpy", "memset")
    ]
    return RawActivities(
        **joined,
        launches=_launches(parts[0].table),
        copies=pd.concat(copies, ignore_index=True),
        dropped={part.layer: part.dropped for part in parts if part.dropped},
        foreign=sum(part.table.foreign for part in parts),
        unknown=sum(_count_unknown(part.table) for part in parts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    layer: str
    table: Table
    good: Bools | slice
    columns: dict[str, NDArray[Any]]
    dropped: int


def _read_layer(file: SqliteFile, layer: str, names: NameCollector, schema: str) -> _Layer:
    table_name, required = TABLES[layer]
    if layer == "kernel" and "demangledName" in file.tables.get(table_name, ()):
        required = [*COMMON, "demangledName"]
    geometry = GEOMETRY if layer == "kernel" else ()
    table = read_table(file, table_name, required, OPTIONAL[layer], folded=geometry, schema=schema)
    good = possible_times(table, of_device=True)
    keep = slice(None) if good.all() else good
    rows = int(good.sum())
    name, launch = np.full((2, rows), NONE, np.int32)
    if layer == "kernel":
        launch = table.folded.codes[keep]
        name = _kernel_names(file, table, names, schema)[keep]
    columns = {
        "start": table.values("start", 0)[keep],
        "end": table.values("end", 0)[keep],
        "layer": np.full(rows, BUSY_LAYERS.index(layer), np.int8),
        "ordinal": table.values("deviceId", NONE)[keep],
        "process": process_key(table.values("globalPid", 0)[keep]),
        "process_known": (table.known("globalPid") & (table.values("globalPid", 0) != 0))[keep],
        "context": table.values("contextId", 0)[keep],
        "stream": table.values("streamId", 0)[keep],
        "correlation_id": table.values("correlationId", 0)[keep],
        "name": name,
        "launch": launch,
        "graph_node": table.values("graphNodeId", 0)[keep],
    }
    return _Layer(layer=layer, table=table, good=keep, columns=columns, dropped=table.rows - rows)


def _kernel_names(file: SqliteFile, table: Table, names: NameCollector, schema: str) -> Codes:
    """Full demangled names; the short one where an export has no other."""
    column = "demangledName" if table.has("demangledName") else "shortName"
    codes = names.add_ids(table.values(column, 0), table.known(column), "kernel")
    if (codes < 0).any() and column != "shortName" and "shortName" in file.tables[table.name]:
        short = read_table(file, table.name, ["shortName"], schema=schema)
        shorts = names.add_ids(short.values("shortName", 0), short.known("shortName"), "kernel")
        codes = np.where(codes >= 0, codes, shorts)
    return np.where(codes >= 0, codes, np.int32(names.add("<unnamed kernel>"))) if len(codes) else codes


def _count_unknown(table: Table) -> int:
    columns = [table.columns[name] for name in NEVER_NULL if table.has(name)]
    return sum(int((~c.valid).sum()) - c.foreign for c in columns if c.valid is not None)


def _launches(table: Table) -> pd.DataFrame:
    """The launch geometries of a table's kernels: there are few of them."""
    found = {ours: table.folded.values(theirs, NONE) for theirs, ours in GEOMETRY.items()}
    return make_frame("launches", found)


def _copies(part: _Layer, first: int) -> pd.DataFrame:
    rows = len(part.columns["start"])
    fill = part.layer == "memset"
    table, keep = part.table, part.good
    memory = table.values("memKind", UNKNOWN_MEMORY) if fill else table.values("dstKind", UNKNOWN_MEMORY)
    source = np.full(table.rows, NONE) if fill else table.values("srcKind", UNKNOWN_MEMORY)
    kind = np.full(table.rows, NONE) if fill else table.values("copyKind", 0)
    return make_frame(
        "copies",
        {
            "activity": (first + np.arange(rows)).astype(np.int32),
            "bytes": table.values("bytes", 0)[keep],
            "copy_kind": _small(kind[keep]),
            "src_kind": _small(source[keep]),
            "dst_kind": _small(memory[keep]),
        },
    )


def _small(values: Ints) -> Codes:
    """Enumerations as int32; what does not fit is no known kind."""
    return np.where((values > -(1 << 31)) & (values < 1 << 31), values, UNKNOWN_MEMORY).astype(np.int32)
