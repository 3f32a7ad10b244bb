"""Ways to damage a recorded trace: each changes the file at a path and says what it did."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

DEVICE_TABLES = tuple(f"CUPTI_ACTIVITY_KIND_{name}" for name in ("KERNEL", "MEMCPY", "MEMSET", "GRAPH_TRACE"))


def truncate(path: Path, rng: random.Random) -> str:
    at = rng.randrange(path.stat().st_size)
    os.truncate(path, at)
    return f"at byte {at}"


def replace_by_text(path: Path, rng: random.Random) -> str:
    lines = rng.choice([0, 1, 100])
    path.write_text("start,end,name\n" * lines)
    return f"{lines} lines of text"


def drop_table(path: Path, rng: random.Random) -> str:
    with opened(path) as db:
        table = rng.choice(tables_of(db))
        db.execute(f'DROP TABLE "{table}"')
    return table


def drop_column(path: Path, rng: random.Random) -> str:
    with opened(path) as db:
        table, column = choose_column(db, rng)
        rebuild(
            db, table, ", ".join(f'"{c}"' for c in columns_of(db, table) if c != column) or "1 AS nothing"
        )
    return f"{table}.{column}"


def null_column(path: Path, rng: random.Random) -> str:
    with opened(path) as db:
        table, column = choose_column(db, rng)
        kept = [f'NULL AS "{c}"' if c == column else f'"{c}"' for c in columns_of(db, table)]
        rebuild(db, table, ", ".join(kept))
    return f"{table}.{column}"


OTHER_VALUES = {"real": "1.5", "text": "'text'", "blob": "x'00ff'", "null": "NULL"}


def spoil_column(path: Path, rng: random.Random) -> str:
    """Some values of a type that none in the column has: of another text nobody could tell that it is wrong."""
    with opened(path) as db:
        table, column = choose_column(db, rng)
        own = {kind.decode() for (kind,) in db.execute(f'SELECT DISTINCT typeof("{column}") FROM "{table}"')}
        value = rng.choice([value for kind, value in OTHER_VALUES.items() if kind not in own])
        spoiled = f'CASE WHEN rowid % 3 = 0 THEN {value} ELSE "{column}" END AS "{column}"'
        rebuild(db, table, ", ".join(spoiled if c == column else f'"{c}"' for c in columns_of(db, table)))
    return f"{table}.{column} partly {value}"


def shuffle_rows(path: Path, rng: random.Random) -> str:
    with opened(path) as db:
        table = rng.choice([t for t in tables_of(db) if t.startswith(("CUPTI", "NVTX", "ENUM", "TARGET"))])
        rebuild(db, table, "*", f"ORDER BY (rowid * {rng.randrange(1, 1 << 20) * 2 + 1}) % 1048573")
    return table


def no_ranges(path: Path, _: random.Random) -> str:
    with opened(path) as db:
        if "NVTX_EVENTS" in tables_of(db):
            db.execute("DELETE FROM NVTX_EVENTS WHERE eventType IN (59, 60, 70, 71)")
    return "0 ranges"


def no_kernels(path: Path, _: random.Random) -> str:
    with opened(path) as db:
        if DEVICE_TABLES[0] in tables_of(db):
            db.execute(f"DELETE FROM {DEVICE_TABLES[0]}")
    return "0 kernels"


def huge_string(path: Path, rng: random.Random) -> str:
    megabytes = rng.choice([2, 20, 100])
    with opened(path) as db:
        ids = [i for (i,) in db.execute("SELECT id FROM StringIds")]
        if ids:
            text = "x" * (megabytes << 20)
            db.execute("UPDATE StringIds SET value = ? WHERE id = ?", (text, rng.choice(ids)))
    return f"{megabytes} MiB in StringIds"


def impossible_times(path: Path, rng: random.Random) -> str:
    """Times that cannot be true in some device records."""
    start, end = rng.choice([("0", "0"), ('"end"', "start"), ("NULL", '"end"'), ("start", str(2**63 - 1))])
    with opened(path) as db:
        table = rng.choice([t for t in DEVICE_TABLES if t in tables_of(db)] or [""])
        if table:
            kept = [f'"{c}"' for c in columns_of(db, table) if c not in ("start", "end")]
            when = "CASE WHEN rowid % 4 = 1 THEN {} ELSE {} END AS {}"
            times = [when.format(start, "start", "start"), when.format(end, '"end"', '"end"')]
            rebuild(db, table, ", ".join([*times, *kept]))
    return f"{table or 'no device table'} {start}..{end}"


def flip_bytes(path: Path, rng: random.Random) -> str:
    raw = bytearray(path.read_bytes())
    places = [rng.randrange(len(raw)) for _ in range(rng.choice([1, 1, 4, 16, 64, 512]))]
    for at in places:
        raw[at] ^= rng.randrange(1, 256)
    path.write_bytes(raw)
    return f"{len(places)} bytes"


def flip_page(path: Path, rng: random.Random) -> str:
    """Noise in one page: a header, its cell pointers, or all of it."""
    raw = bytearray(path.read_bytes())
    page = rng.randrange(len(raw) // 4096) * 4096
    for _ in range(rng.choice([4, 40, 400])):
        raw[page + rng.randrange(rng.choice([8, 100, 4096]))] = rng.randrange(256)
    path.write_bytes(raw)
    return f"page {page // 4096 + 1}"


STRUCTURAL: dict[str, Callable[[Path, random.Random], str]] = {
    "cut short": truncate,
    "no database": replace_by_text,
    "table dropped": drop_table,
    "column dropped": drop_column,
    "column NULL": null_column,
    "values of another type": spoil_column,
    "rows shuffled": shuffle_rows,
    "no ranges": no_ranges,
    "no kernels": no_kernels,
    "huge string": huge_string,
    "impossible times": impossible_times,
}
FLIPS: dict[str, Callable[[Path, random.Random], str]] = {
    "bytes flipped": flip_bytes,
    "page of noise": flip_page,
}
WEIGHTS = {
    "cut short": 3,
    "no database": 1,
    "no ranges": 1,
    "no kernels": 1,
    "huge string": 1,
    "column dropped": 6,
}
MUTATIONS = {**STRUCTURAL, **FLIPS}
UNCHANGED = ("rows shuffled",)
"""Mutations after which the analysis must say exactly what it said before."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path)
    db.text_factory = bytes
    try:
        yield db
        db.commit()
    finally:
        db.close()


def tables_of(db: sqlite3.Connection) -> list[str]:
    return [n.decode() for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def columns_of(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1].decode() for row in db.execute(f'PRAGMA table_info("{table}")')]


def choose_column(db: sqlite3.Connection, rng: random.Random) -> tuple[str, str]:
    """A column of a table that is not an enumeration, which are mostly what a trace has."""
    table = rng.choice([t for t in tables_of(db) if not t.startswith("ENUM")])
    return table, rng.choice(columns_of(db, table))


def rebuild(db: sqlite3.Connection, table: str, select: str, order: str = "") -> None:
    """The table anew, without its constraints."""
    db.execute(f'CREATE TABLE mutated AS SELECT {select} FROM "{table}" {order}')
    db.execute(f'DROP TABLE "{table}"')
    db.execute(f'ALTER TABLE mutated RENAME TO "{table}"')
