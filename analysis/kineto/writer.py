"""An export with the tables of Nsight Systems 2025.3, as far as a Kineto trace can fill them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..arithmetic.arrays import Ints
from .events import CallEvent, CopyEvent, FillEvent, KernelEvent, NvtxEvent, Place, RangeEvent, TraceRow
from .range_tables import (
    DOMAIN_CREATE,
    INSERT_DOMAIN,
    INSERT_FACT,
    PUSH_POP,
    RANGE_TABLES,
    TID_BITS,
    describe_export,
    number_process,
)

PRODUCT = "torch.profiler (Kineto)"

FIRST_STAND_IN = 0xF00000
"""Threads whose number does not fit (CUPTI alone gives pthread handles) are numbered from here on."""

RANGE_COLUMNS = 'start, "end", eventType, globalTid, endGlobalTid, textId, domainId, int64Value, doubleValue'

DEVICE_COLUMNS = """start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL,
    streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, graphNodeId INTEGER"""

DEVICE_AND_FACTS = f"""
CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER NOT NULL);
CREATE TABLE TARGET_INFO_GPU (id INTEGER NOT NULL, name TEXT, smCount INTEGER, totalMemory INTEGER,
    computeMajor INTEGER, computeMinor INTEGER, maxWarpsPerSm INTEGER, maxRegistersPerSm INTEGER,
    maxShmemPerSm INTEGER, threadsPerWarp INTEGER);
CREATE TABLE TARGET_INFO_CUDA_DEVICE (gpuId INTEGER NOT NULL, cudaId INTEGER NOT NULL, pid INTEGER NOT NULL);
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL ({DEVICE_COLUMNS}, demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL,
    gridX INTEGER, gridY INTEGER, gridZ INTEGER, blockX INTEGER, blockY INTEGER, blockZ INTEGER,
    registersPerThread INTEGER, staticSharedMemory INTEGER, dynamicSharedMemory INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY ({DEVICE_COLUMNS}, bytes INTEGER NOT NULL, copyKind INTEGER NOT NULL,
    srcKind INTEGER, dstKind INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET ({DEVICE_COLUMNS}, bytes INTEGER NOT NULL, memKind INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER NOT NULL, end INTEGER NOT NULL, eventClass INTEGER NOT NULL,
    globalTid INTEGER, correlationId INTEGER, nameId INTEGER NOT NULL, returnValue INTEGER NOT NULL);
CREATE TABLE DIAGNOSTIC_EVENT (timestamp INTEGER NOT NULL, severity INTEGER NOT NULL, text TEXT NOT NULL);
"""

KERNEL, MEMCPY, MEMSET, RUNTIME = (
    f"CUPTI_ACTIVITY_KIND_{name}" for name in ("KERNEL", "MEMCPY", "MEMSET", "RUNTIME")
)

DEVICE_TABLES = (KERNEL, MEMCPY, MEMSET)

CUDA_TABLES = (*DEVICE_TABLES, RUNTIME)

NVTX = "NVTX_EVENTS"

TIMED_TABLES = (*CUDA_TABLES, NVTX)

CALLERS = f"""
CREATE TEMP TABLE caller AS SELECT correlationId AS id, min(globalTid >> {TID_BITS}) AS pid FROM {RUNTIME}
    WHERE correlationId IS NOT NULL GROUP BY correlationId
    HAVING min(globalTid >> {TID_BITS}) = max(globalTid >> {TID_BITS})
"""
"""The process of each correlation id that only one has."""

Cells = tuple[Any, ...]


@dataclass(slots=True)
class ExportWriter:
    """Rows into an export's file; `finish` sets the clock to begin with the first of them.

    Domain and thread numbers are given as they come. A device row has no process of its own in Kineto: it is that of
    the only process with calls, or of the call with its correlation id.
    """

    connection: sqlite3.Connection
    product: str | None = PRODUCT
    """What wrote the file; None where the file says so already."""
    version: str | None = None
    """Of the product, with its name; None for that of the trace."""
    threads: Mapping[int, int] = field(default_factory=dict)
    """Threads that are known by other numbers than the trace's."""
    _texts: dict[str, int] = field(default_factory=dict)
    _domains: dict[tuple[int, str], int] = field(default_factory=dict)
    _stand_ins: dict[int, int] = field(default_factory=dict)
    _pids: set[int] = field(default_factory=set)

    @classmethod
    def create(cls, path: Path, product: str = PRODUCT, version: str | None = None) -> ExportWriter:
        """A new file with empty tables."""
        return cls(_open(path), product, version)

    @classmethod
    def extend(cls, path: Path) -> ExportWriter:
        """An export that is there, with more rows; what it has besides is kept."""
        connection = _open(path)
        texts = {text: i for i, text in connection.execute("SELECT id, value FROM StringIds")}
        return cls(connection, product=None, _texts=texts)

    def append(self, rows: Iterable[TraceRow | NvtxEvent]) -> None:
        """Store rows with the times they have."""
        tables: dict[str, list[Cells]] = {}
        for row in rows:
            table, cells = self._cells(row)
            tables.setdefault(table, []).append(cells)
        for table, found in tables.items():
            marks = ",".join("?" * len(found[0]))
            columns = f"({RANGE_COLUMNS})" if table == NVTX else ""
            self.connection.executemany(f"INSERT INTO {table} {columns} VALUES ({marks})", found)

    def last_rows(self) -> dict[str, int]:
        """The last row of each table that has calls or device work, for `settle`."""
        found = {
            table: self.connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0]
            for table in CUDA_TABLES
        }
        return {table: last or 0 for table, last in found.items()}

    def settle(self, after: Mapping[str, int], *, offset_ns: int | None) -> None:
        """Set rows after these to another clock, with correlation ids of their own; without a clock they go."""
        ids = [
            self.connection.execute(
                f"SELECT max(correlationId) FROM {table} WHERE rowid <= ?", (last,)
            ).fetchone()[0]
            for table, last in after.items()
        ]
        base = max((one for one in ids if one is not None), default=0)
        for table, last in after.items():
            if offset_ns is None:
                self.connection.execute(f"DELETE FROM {table} WHERE rowid > ?", (last,))
            else:
                self.connection.execute(
                    f'UPDATE {table} SET start = start - ?1, "end" = "end" - ?1,'
                    " correlationId = correlationId + ?2 WHERE rowid > ?3",
                    (offset_ns, base, last),
                )

    def tell(self, text: str) -> None:
        """An error of the recording, in the words of whoever recorded."""
        self.connection.execute("INSERT INTO DIAGNOSTIC_EVENT VALUES (0, 3, ?)", (text,))

    def add_facts(self, facts: Mapping[str, str]) -> None:
        """Facts about the export as a whole."""
        self.connection.executemany(INSERT_FACT, list(facts.items()))

    def finish(self, head: Mapping[str, Any]) -> None:
        """Write what stands beside the events, name processes, and drop the tables that have no row, as nsys does."""
        origin = self._shift()
        self._name_processes()
        self._describe(head, origin)
        self.connection.executemany(
            "INSERT OR IGNORE INTO StringIds VALUES (?, ?)", [(i, t) for t, i in self._texts.items()]
        )
        for (table,) in self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            if not self.connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
                self.connection.execute(f"DROP TABLE {table}")
        self.connection.commit()
        self.connection.close()

    def _cells(self, row: TraceRow | NvtxEvent) -> tuple[str, Cells]:
        match row:
            case KernelEvent():
                name, shared = self._text(row.name), row.shared_bytes
                static = None if shared is None else 0
                launch = (*row.grid, *row.block, row.registers, static, shared)
                return KERNEL, (*_device(row.place), name, name, *launch)
            case CopyEvent():
                return MEMCPY, (*_device(row.place), row.bytes, row.kind, row.source, row.target)
            case FillEvent():
                return MEMSET, (*_device(row.place), row.bytes, row.memory)
            case CallEvent():
                self._pids.add(row.pid)
                thread, name = self._thread(row.pid, row.tid), self._text(row.name)
                return RUNTIME, (row.start, row.end, int(row.driver), thread, row.correlation, name, 0)
            case RangeEvent():
                return NVTX, self._range(
                    NvtxEvent(PUSH_POP, row.start, row.end, row.pid, row.tid, row.name, row.domain)
                )
            case NvtxEvent():
                return NVTX, self._range(row)

    def _range(self, row: NvtxEvent) -> Cells:
        thread, domain = self._thread(row.pid, row.tid), self._domain(row)
        ender = None if row.end_tid is None else self._thread(row.pid, row.end_tid)
        number = (row.payload, None) if isinstance(row.payload, int) else (None, row.payload)
        return (row.start, row.end, row.kind, thread, ender, self._text(row.name), domain, *number)

    def _text(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts) + 1)

    def _thread(self, pid: int, tid: int) -> int:
        tid = self.threads.get(tid, tid)
        if tid >> TID_BITS:
            tid = self._stand_ins.setdefault(tid, FIRST_STAND_IN + len(self._stand_ins))
        return number_process(pid) | tid

    def _domain(self, row: NvtxEvent) -> int:
        if not row.domain:
            return 0
        key = (row.pid, row.domain)
        if key not in self._domains:
            self._domains[key] = len(self._domains) + 1
            made = (row.start, DOMAIN_CREATE, row.domain, self._thread(row.pid, row.tid), self._domains[key])
            self.connection.execute(INSERT_DOMAIN, made)
        return self._domains[key]

    def _shift(self) -> int:
        """Set the clock to 1 at the first row, as device rows from 0 to 0 read as not timed; gives what 0 was."""
        ends = [self._limits(table) for table in TIMED_TABLES]
        origin = min((low for low, _ in ends if low is not None), default=1) - 1
        end = max((high for _, high in ends if high is not None), default=origin)
        for table in TIMED_TABLES:
            self.connection.execute(f'UPDATE {table} SET start = start - ?1, "end" = "end" - ?1', (origin,))
        # One past the last end: a range that reaches the session's end reads as never closed.
        self.connection.execute("DELETE FROM ANALYSIS_DETAILS")
        self.connection.execute("INSERT INTO ANALYSIS_DETAILS VALUES (0, ?1, 0, ?1)", (end - origin + 1,))
        return origin

    def _limits(self, table: str) -> tuple[int | None, int | None]:
        return self.connection.execute(f'SELECT min(start), max("end") FROM {table}').fetchone()

    def _name_processes(self) -> None:
        if len(self._pids) == 1:
            (pid,) = self._pids
            for table in DEVICE_TABLES:
                self.connection.execute(f"UPDATE {table} SET globalPid = ?", (number_process(pid),))
            return
        self.connection.execute(CALLERS)
        self.connection.execute("CREATE UNIQUE INDEX temp.caller_id ON caller (id)")
        for table in DEVICE_TABLES:
            self.connection.execute(
                f"UPDATE {table} SET globalPid = (SELECT pid << {TID_BITS} FROM caller WHERE id = correlationId)"
            )
        self.connection.execute("DROP TABLE caller")

    def _describe(self, head: Mapping[str, Any], origin: int) -> None:
        if self.product is not None:
            version = self.version or f"{self.product}, schema {head.get('schemaVersion', 'unknown')}"
            self.add_facts(describe_export(self.product, version))
        base = head.get("baseTimeNanoseconds")
        if base is not None or origin > 1 << 60:  # without a base, times are of the Unix clock
            epoch = int(base or 0) + origin
            self.connection.execute("INSERT INTO TARGET_INFO_SESSION_START_TIME VALUES (?)", (epoch,))
        gpus = [gpu for gpu in head.get("deviceProperties") or () if isinstance(gpu, dict) and "id" in gpu]
        self.connection.executemany(
            f"INSERT INTO TARGET_INFO_GPU VALUES ({','.join('?' * 10)})", [_gpu(gpu) for gpu in gpus]
        )
        owners = [(gpu["id"], gpu["id"], pid) for gpu in gpus for pid in sorted(self._pids)]
        self.connection.executemany("INSERT INTO TARGET_INFO_CUDA_DEVICE VALUES (?, ?, ?)", owners)


def _open(path: Path) -> sqlite3.Connection:
    """A file that has every table; those that it had are as they were."""
    connection = sqlite3.connect(path)
    tables = f"{RANGE_TABLES} {DEVICE_AND_FACTS}".replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")
    connection.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {tables}")
    return connection


def count_stand_ins(global_tids: Ints) -> int:
    """How many of these threads have a number of ours, because theirs does not fit."""
    return int((global_tids & ((1 << TID_BITS) - 1) >= FIRST_STAND_IN).sum())


def _device(place: Place) -> Cells:
    return (
        *(place.start, place.end, place.device, place.context, place.stream),
        *(place.correlation, None, place.graph_node),
    )


def _gpu(gpu: Mapping[str, Any]) -> Sequence[Any]:
    threads, warp = gpu.get("maxThreadsPerMultiprocessor"), gpu.get("warpSize")
    return (
        *(gpu["id"], gpu.get("name"), gpu.get("numSms"), gpu.get("totalGlobalMem")),
        *(gpu.get("computeMajor"), gpu.get("computeMinor"), threads // warp if threads and warp else None),
        *(gpu.get("regsPerMultiprocessor"), gpu.get("sharedMemPerMultiprocessor"), warp),
    )
