"""The embedded recorder's ranges: the tables of an Nsight Systems export that they fill.

It exists so that a run works on a fresh machine. What torch.profiler tells of a GPU is put beside the ranges by the run
(analysis/kineto/sessions.py), on their clock.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from ...analysis.words import CLOCK_ORIGIN, EMBEDDED, OWN_DOMAIN
from ..machine.version import installed_version
from .range_writer import RangeRow

SCHEMA_VERSION = (3, 20, 3)
"""The export schema the tables follow, that of Nsight Systems 2025.3."""

DOMAIN_CREATE, PUSH_POP = 75, 59

DOMAIN_ID = 1

TABLES = """
CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE ANALYSIS_DETAILS (globalVid INTEGER NOT NULL, duration INTEGER NOT NULL,
    startTime INTEGER NOT NULL, stopTime INTEGER NOT NULL);
CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL,
    rangeId INTEGER, category INTEGER, color INTEGER, text TEXT, globalTid INTEGER,
    endGlobalTid INTEGER, textId INTEGER, domainId INTEGER, uint64Value INTEGER,
    int64Value INTEGER, doubleValue REAL, uint32Value INTEGER, int32Value INTEGER, floatValue REAL,
    jsonTextId INTEGER, jsonText TEXT, binaryData TEXT);
CREATE TABLE META_DATA_EXPORT (name TEXT NOT NULL, value TEXT);
"""

INSERT_RANGE = """INSERT INTO NVTX_EVENTS (start, end, eventType, globalTid, textId, domainId, int64Value)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""

INSERT_DOMAIN = "INSERT INTO NVTX_EVENTS (start, eventType, text, globalTid, domainId) VALUES (?, ?, ?, ?, ?)"


class EmbeddedTrace:
    """An export that grows step by step: what was appended is in the file even if the process dies after."""

    def __init__(self, path: Path) -> None:
        self._path, self._thread, self._origin = path, global_thread(), time.perf_counter_ns()
        self._names: dict[str, int] = {}
        self._end = 0

    def __enter__(self) -> EmbeddedTrace:
        self._connection = sqlite3.connect(self._path)
        with self._connection as connection:
            connection.executescript(TABLES)
            connection.execute(INSERT_DOMAIN, (0, DOMAIN_CREATE, OWN_DOMAIN, self._thread, DOMAIN_ID))
            connection.execute("INSERT INTO ANALYSIS_DETAILS VALUES (0, 0, 0, 0)")
            connection.executemany("INSERT INTO META_DATA_EXPORT VALUES (?, ?)", _metadata(self._origin))
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def append(self, rows: Sequence[RangeRow]) -> None:
        """Store ranges of this thread, whose times are those of ``time.perf_counter_ns``."""
        self._end = max([self._end, *(row[1] - self._origin for row in rows)])
        with self._connection as connection:
            connection.executemany(INSERT_RANGE, [self._event(row) for row in sorted(rows, key=_nesting)])
            connection.executemany(
                "INSERT OR IGNORE INTO StringIds VALUES (?, ?)",
                [(i, name) for name, i in self._names.items()],
            )
            # One past the last end: a range that reaches the session's end reads as never closed.
            connection.execute("UPDATE ANALYSIS_DETAILS SET duration = ?1, stopTime = ?1", (self._end + 1,))

    def _event(self, row: RangeRow) -> tuple[int | None, ...]:
        start, end, name, payload = row
        text = self._names.setdefault(name, len(self._names) + 1)
        return (start - self._origin, end - self._origin, PUSH_POP, self._thread, text, DOMAIN_ID, payload)


def _nesting(row: RangeRow) -> tuple[int, int]:
    """Outer ranges before the ranges in them."""
    return (row[0], -row[1])


def global_thread() -> int:
    """This thread as Nsight Systems numbers it: VM id 1, process id, thread id (nsys 2026.4 documentation)."""
    return (1 << 48) | ((os.getpid() & 0xFFFFFF) << 24) | (threading.get_native_id() & 0xFFFFFF)


def _metadata(origin_ns: int) -> list[tuple[str, str]]:
    major, minor, micro = SCHEMA_VERSION
    return [
        ("EXPORT_SCHEMA_VERSION", f"{major}.{minor}.{micro}"),
        ("EXPORT_SCHEMA_VERSION_MAJOR", str(major)),
        ("EXPORT_SCHEMA_VERSION_MINOR", str(minor)),
        ("EXPORT_SCHEMA_VERSION_MICRO", str(micro)),
        (CLOCK_ORIGIN, str(origin_ns)),
        ("EXPORT_PRODUCT_NAME", EMBEDDED),
        ("EXPORT_PRODUCT_VERSION", f"{EMBEDDED} {installed_version()}"),
    ]
