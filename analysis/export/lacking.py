"""Columns that every known exporter fills and that a file lacks: somebody took them out, or something did.

A missing table is normal, tables exist only if they have rows. Columns come and go with the version as well,
but not these: they are in all exports from 2022.4 to 2025.3 whenever their table is.
"""

from __future__ import annotations

from ..sqlite.file import SqliteFile
from ..sqlite.quoting import quote_name
from ..words import TraceRecorder
from .activities import GEOMETRY
from .devices import GPU_COLUMNS
from .nvtx import INTEGER_PAYLOADS, NVTX, REAL_PAYLOADS

CAPTURE = "META_DATA_CAPTURE"

FILLED: dict[str, tuple[str, ...]] = {
    "CUPTI_ACTIVITY_KIND_KERNEL": ("demangledName", "shortName", "contextId", *GEOMETRY),
    "CUPTI_ACTIVITY_KIND_MEMCPY": ("contextId", "srcKind", "dstKind"),
    "CUPTI_ACTIVITY_KIND_MEMSET": ("contextId", "memKind"),
    "NVTX_EVENTS": ("domainId",),
    CAPTURE: ("name", "value"),
    "TARGET_INFO_GPU": tuple(GPU_COLUMNS),
}
"""Columns that hold at least one value."""

THERE: dict[str, tuple[str, ...]] = {
    "NVTX_EVENTS": ("text", "textId"),
    "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION": ("correlationId", "globalPid", "contextId", "streamId"),
}
"""Columns that are there, though they may be empty."""

BY_NSYS = ("endGlobalTid", *INTEGER_PAYLOADS, *REAL_PAYLOADS)
"""Columns of NVTX_EVENTS that its own exporter writes, and the embedded recorder does not need."""


def find_lacking(file: SqliteFile, recorder: TraceRecorder, *, of_kineto: bool = False) -> tuple[str, ...]:
    """Names (table.column) of columns that should be there and are not, or hold nothing although rows are.

    One table is never without rows since 2023.4, whose exports call their own description META_DATA_EXPORT.
    """
    if of_kineto:  # the file was made of what a trace of torch.profiler holds
        return ()
    described = recorder != "nsys" or "META_DATA_EXPORT" not in file.tables or CAPTURE in file.tables
    absent = [
        f"{table}.{column}"
        for wanted in (FILLED, THERE)
        for table, columns in wanted.items()
        for column in columns
        if table in file.tables and column not in file.tables[table]
    ]
    if recorder == "nsys" and NVTX in file.tables:
        absent += [f"{NVTX}.{column}" for column in BY_NSYS if column not in file.tables[NVTX]]
    return (*([] if described else [CAPTURE]), *absent, *_empty(file))


def _empty(file: SqliteFile) -> list[str]:
    found = []
    for table, columns in FILLED.items():
        present = [c for c in columns if c in file.tables.get(table, ())]
        if present and file.rows(f"SELECT 1 FROM {table} LIMIT 1"):
            found += [f"{table}.{c}" for c in present if not _has_value(file, table, c)]
    return found


def _has_value(file: SqliteFile, table: str, column: str) -> bool:
    """Quick where there is a value, as mostly in the first row."""
    return bool(file.rows(f"SELECT 1 FROM {table} WHERE {quote_name(column)} IS NOT NULL LIMIT 1"))
