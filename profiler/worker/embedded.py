"""The embedded recorder's ranges, written as the tables of an Nsight Systems export that they fill.

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

from ...analysis.kineto.range_tables import (
    DOMAIN_CREATE,
    INSERT_DOMAIN,
    INSERT_FACT,
    PUSH_POP,
    RANGE_TABLES,
    TID_BITS,
    describe_export,
    number_process,
)
from ...analysis.words import CLOCK_ORIGIN, EMBEDDED, OWN_DOMAIN
from ..machine.version import installed_version
from .range_writer import RangeRow

DOMAIN_ID = 1

INSERT_RANGE = """INSERT INTO NVTX_EVENTS (start, end, eventType, globalTid, textId, domainId, int64Value)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""


class EmbeddedTrace:
    """An export that grows step by step: what was appended is in the file even if the process dies after."""

    def __init__(self, path: Path) -> None:
        self._path, self._thread, self._origin = path, global_thread(), time.perf_counter_ns()
        self._names: dict[str, int] = {}
        self._end = 0

    def __enter__(self) -> EmbeddedTrace:
        self._connection = sqlite3.connect(self._path)
        with self._connection as connection:
            connection.executescript(RANGE_TABLES)
            connection.execute(INSERT_DOMAIN, (0, DOMAIN_CREATE, OWN_DOMAIN, self._thread, DOMAIN_ID))
            connection.execute("INSERT INTO ANALYSIS_DETAILS VALUES (0, 0, 0, 0)")
            facts = describe_export(EMBEDDED, f"{EMBEDDED} {installed_version()}")
            connection.executemany(INSERT_FACT, [*facts.items(), (CLOCK_ORIGIN, str(self._origin))])
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
    """This thread as Nsight Systems numbers it: its process, then its own number (nsys 2026.4 documentation)."""
    return number_process(os.getpid()) | threading.get_native_id() & ((1 << TID_BITS) - 1)
