"""Records of the device: kernels, copies, fills and whole graphs, as the export holds them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, ints
from ..sqlite.file import SqliteFile
from ..sqlite.folded import Folded
from ..words import BUSY_LAYERS
from .frames import make_frame
from .identity import process_key
from .possible_times import possible_bytes, possible_launches, possible_times
from .raw_tables import Table, read_table
from .texts import NameCollector

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

BY_RECORD = (
    *("start", "end", "layer", "ordinal", "process", "process_known", "context", "stream", "correlation_id"),
    *("name", "launch", "graph_node", "stream_known"),
)
"""What RawActivities holds of every record."""

NEVER_NULL = ("deviceId", "contextId", "streamId", "bytes", "copyKind")

UNKNOWN_MEMORY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Untimed:
    """Records that were left out for their times: whose calls have a record all the same."""

    process: Ints
    process_known: Bools
    correlation_id: Ints


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
    stream_known: Bools
    """Whether the export says on which stream."""
    untimed: Untimed
    launches: pd.DataFrame
    copies: pd.DataFrame
    dropped: dict[str, int] = field(default_factory=dict)
    """Layer -> rows whose times cannot be true."""
    foreign: int = 0
    unknown: int = 0
    """NULLs where a device, stream, size or kind belongs."""
    bad_bytes: int = 0
    """Copies and fills whose bytes cannot be."""
    bad_launches: int = 0
    """Kernels whose launch geometry cannot be."""


def read_activities(file: SqliteFile, names: NameCollector, schema: str) -> RawActivities:
    """All device records of an export, table after table."""
    parts = [_read_layer(file, layer, names, schema) for layer in BUSY_LAYERS]
    return RawActivities(
        launches=parts[0].launches,
        copies=_join_copies(parts),
        untimed=Untimed(
            process=np.concatenate([part.untimed.process for part in parts]),
            process_known=np.concatenate([part.untimed.process_known for part in parts]),
            correlation_id=np.concatenate([part.untimed.correlation_id for part in parts]),
        ),
        dropped={part.layer: part.dropped for part in parts if part.dropped},
        foreign=sum(part.foreign for part in parts),
        unknown=sum(part.unknown for part in parts),
        bad_bytes=sum(part.bad_bytes for part in parts),
        bad_launches=sum(part.bad_launches for part in parts),
        **{
            name: np.concatenate([part.columns.pop(name) for part in parts])
            for name in list(parts[0].columns)
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """What was read of one table, without the table, which may be large."""

    layer: str
    rows: int
    columns: dict[str, NDArray[Any]]
    copies: dict[str, NDArray[Any]]
    untimed: Untimed
    launches: pd.DataFrame
    dropped: int
    foreign: int
    unknown: int
    bad_bytes: int
    bad_launches: int


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
    process, process_known = table.values("globalPid", 0), table.known("globalPid")
    process_known = process_known & (process != 0)
    launches, bad_launches = _launches(table, good)
    columns = {
        "start": table.values("start", 0)[keep],
        "end": table.values("end", 0)[keep],
        "layer": np.full(rows, BUSY_LAYERS.index(layer), np.int8),
        "ordinal": table.values("deviceId", NONE)[keep],
        "process": process_key(process[keep]),
        "process_known": process_known[keep],
        "context": table.values("contextId", 0)[keep],
        "stream": table.values("streamId", 0)[keep],
        "correlation_id": table.values("correlationId", 0)[keep],
        "name": name,
        "launch": launch,
        "graph_node": table.values("graphNodeId", 0)[keep],
        "stream_known": table.known("streamId")[keep],
    }
    return _Layer(
        layer=layer,
        rows=rows,
        columns=columns,
        copies=_copies(table, keep, layer) if layer in ("memcpy", "memset") else {},
        untimed=Untimed(
            process=process_key(process[~good]),
            process_known=process_known[~good],
            correlation_id=table.values("correlationId", 0)[~good],
        ),
        launches=launches,
        dropped=table.rows - rows,
        foreign=table.foreign,
        unknown=_count_unknown(table),
        bad_bytes=_count_bad_bytes(table, good, layer),
        bad_launches=bad_launches,
    )


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
    unknown = sum(int((~c.valid).sum()) - c.foreign for c in columns if c.valid is not None)
    return unknown + max(0, _count_partly_null(table.folded) - table.folded.foreign)


def _count_partly_null(folded: Folded) -> int:
    """Values that rows lack in columns that others have: a column that is empty is one that is not there."""
    rows = np.bincount(folded.codes, minlength=len(folded))
    known = [folded.known(name) for name in folded.columns]
    return sum(int(rows[~there].sum()) for there in known if there.any())


def _count_bad_bytes(table: Table, good: Bools, layer: str) -> int:
    """Copies or fills whose bytes are there but cannot be."""
    if layer not in ("memcpy", "memset"):
        return 0
    known = table.known("bytes") & good
    return int((known & ~possible_bytes(table.values("bytes", 0), known)).sum())


def _launches(table: Table, good: Bools) -> tuple[pd.DataFrame, int]:
    """The launch geometries of a table's kernels: there are few of them; and how many good rows' cannot be."""
    found = {ours: table.folded.values(theirs, NONE) for theirs, ours in GEOMETRY.items()}
    can_be = possible_launches(found, {ours: table.folded.known(theirs) for theirs, ours in GEOMETRY.items()})
    bad = ~np.logical_and.reduce(list(can_be.values()))
    found = {name: np.where(can_be[name], column, NONE) for name, column in found.items()}
    return make_frame("launches", found), int(bad[table.folded.codes[good]].sum()) if bad.any() else 0


def _copies(table: Table, keep: Bools | slice, layer: str) -> dict[str, NDArray[Any]]:
    fill = layer == "memset"
    memory = table.values("memKind", UNKNOWN_MEMORY) if fill else table.values("dstKind", UNKNOWN_MEMORY)
    source = np.full(table.rows, NONE) if fill else table.values("srcKind", UNKNOWN_MEMORY)
    kind = np.full(table.rows, NONE) if fill else table.values("copyKind", 0)
    moved = table.values("bytes", 0)
    return {
        "bytes": np.where(possible_bytes(moved, table.known("bytes")), moved, NONE)[keep],
        "copy_kind": _small(kind[keep], 0),
        "src_kind": _small(source[keep], UNKNOWN_MEMORY),
        "dst_kind": _small(memory[keep], UNKNOWN_MEMORY),
    }


def _join_copies(parts: list[_Layer]) -> pd.DataFrame:
    first = np.cumsum([0] + [part.rows for part in parts])
    frames = [
        make_frame("copies", {"activity": np.arange(at, at + part.rows, dtype=np.int32), **part.copies})
        for at, part in zip(first.tolist(), parts, strict=False)
        if part.copies
    ]
    return pd.concat(frames, ignore_index=True)


def leave_out(raw: RawActivities, kept: Bools) -> RawActivities:
    """The records without some of them."""
    place = np.cumsum(kept) - 1
    activity = ints(raw.copies, "activity")
    copies = raw.copies[kept[activity]].reset_index(drop=True)
    copies["activity"] = place[ints(copies, "activity")].astype(np.int32)
    return replace(raw, copies=copies, **{name: getattr(raw, name)[kept] for name in BY_RECORD})


def order_activities(activities: pd.DataFrame) -> Ints:
    """Rows by start; ties by end, process, context, stream, correlation id, name, so that row order is nothing."""
    start = ints(activities, "start_ns")
    rows = np.argsort(start, kind="stable")
    ordered = start[rows]
    tied = np.zeros(len(rows), np.bool_)
    same = ordered[1:] == ordered[:-1]
    tied[1:] |= same
    tied[:-1] |= same
    some = rows[tied]
    keys = ("name", "correlation_id", "stream", "context", "process", "end_ns", "start_ns")
    rows[tied] = some[np.lexsort([ints(activities, key)[some] for key in keys])]
    return rows


def _small(values: Ints, unknown: int) -> Codes:
    """Enumerations as int32; what does not fit is no known kind."""
    return np.where((values > -(1 << 31)) & (values < 1 << 31), values, unknown).astype(np.int32)
