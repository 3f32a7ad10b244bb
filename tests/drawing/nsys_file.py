"""Nsight Systems exports made by hand: tables as lists of rows that a test may change before they are written."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from drawing.drawn import Drawn

VM = 1 << 48
TABLES = {
    "kernel": "CUPTI_ACTIVITY_KIND_KERNEL",
    "memcpy": "CUPTI_ACTIVITY_KIND_MEMCPY",
    "memset": "CUPTI_ACTIVITY_KIND_MEMSET",
    "graph": "CUPTI_ACTIVITY_KIND_GRAPH_TRACE",
}
RUNTIME = "CUPTI_ACTIVITY_KIND_RUNTIME"
NVTX = "NVTX_EVENTS"
SYNCHRONIZATION = "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION"
EVENT_TYPES = {0: 59, 1: 60, 2: 60}

Row = dict[str, object]


def global_pid(process: int) -> int:
    return VM | (100 + process) << 24


def global_tid(process: int, thread: int) -> int:
    return global_pid(process) | thread


@dataclass
class Export:
    """Tables by name; a row's missing keys are NULL, a table's columns are its rows' keys."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    strings: dict[str, int] = field(default_factory=dict)

    def string(self, text: str) -> int:
        """The StringIds id of a text."""
        return self.strings.setdefault(text, len(self.strings) + 1)

    def add(self, table: str, **row: object) -> Row:
        """Append a row and give it back."""
        self.tables.setdefault(table, []).append(row)
        return row

    def drop_column(self, table: str, column: str) -> None:
        for row in self.tables[table]:
            row.pop(column, None)

    def shuffle(self, seed: int) -> None:
        for rows in self.tables.values():
            random.Random(seed).shuffle(rows)

    def only_process(self, process: int) -> Export:
        """The rows of one process."""
        kept = {
            table: [row for row in rows if _process_of(row) in (None, process)]
            for table, rows in self.tables.items()
        }
        return Export({table: rows for table, rows in kept.items() if rows}, dict(self.strings))

    def write(self, path: Path) -> Path:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT)")
        connection.executemany(
            "INSERT INTO StringIds VALUES (?, ?)", [(i, t) for t, i in self.strings.items()]
        )
        for table, rows in self.tables.items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            names = ", ".join(f'"{c}"' for c in columns)
            connection.execute(f"CREATE TABLE {table} ({names})")
            connection.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})",
                [[row.get(c) for c in columns] for row in rows],
            )
        connection.commit()
        connection.close()
        return path


def _process_of(row: Row) -> int | None:
    for column in ("globalPid", "globalTid"):
        if isinstance(row.get(column), int):
            return ((int(str(row[column])) >> 24) & 0xFFFFFF) - 100
    return None


def described(schema: str = "3.20.3") -> Export:
    """An export with nothing but its own description."""
    export = Export()
    for name, value in {
        "EXPORT_PRODUCT_NAME": "NVIDIA Nsight Systems",
        "EXPORT_PRODUCT_VERSION": "2025.3.2.0",
        "EXPORT_SCHEMA_VERSION": schema,
    }.items():
        export.add("META_DATA_EXPORT", name=name, value=value)
    return export


def export_drawn(drawn: Drawn) -> Export:
    """A drawn trace as nsys 2025.3 would write it."""
    export = described()
    for number, call in enumerate(drawn.calls):
        export.add(
            RUNTIME,
            start=call.start,
            end=call.end,
            eventClass=0,
            globalTid=global_tid(drawn.threads[call.thread], call.thread),
            correlationId=number + 1,
            nameId=export.string(call.name),
            returnValue=0,
        )
    _add_work(export, drawn)
    _add_ranges(export, drawn)
    return export


def _add_work(export: Export, drawn: Drawn) -> None:
    for work in drawn.work:
        own: Row = {}
        if work.layer == "kernel":
            own = {"demangledName": export.string(work.name), "shortName": export.string(work.name)}
        if work.layer == "memcpy":
            own = {"bytes": 100, "copyKind": 1, "srcKind": 1, "dstKind": 2}
        if work.layer == "memset":
            own = {"bytes": 100, "memKind": 2}
        export.add(
            TABLES[work.layer],
            start=work.start,
            end=work.end,
            deviceId=work.device,
            contextId=work.context,
            streamId=work.stream,
            correlationId=None if work.call is None else work.call + 1,
            globalPid=global_pid(work.process),
            **own,
        )


def _add_ranges(export: Export, drawn: Drawn) -> None:
    domains = sorted({r.domain for r in drawn.ranges} - {""})
    for process in sorted(set(drawn.threads)):
        # Every process numbers its domains in its own order.
        for number, domain in enumerate(domains[:: -1 if process else 1], start=1):
            export.add(
                NVTX,
                start=-5,
                end=None,
                eventType=75,
                text=domain,
                globalTid=global_tid(process, drawn.threads.index(process)),
                domainId=number,
            )
    for r in drawn.ranges:
        process = drawn.threads[r.thread]
        ids = ["", *domains[:: -1 if process else 1]]
        export.add(
            NVTX,
            start=r.start,
            end=r.end,
            eventType=EVENT_TYPES[r.style],
            textId=export.string(r.name),
            globalTid=global_tid(process, r.thread),
            endGlobalTid=global_tid(process, 77) if r.style == 2 else None,
            domainId=ids.index(r.domain),
        )
