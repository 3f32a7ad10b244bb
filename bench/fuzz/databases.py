"""Random SQLite files: any page size, encoding, declared types, keys, indexes, computed columns, logs and history."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

PAGE_SIZES = (512, 512, 1024, 4096, 4096, 16384, 65536)
ENCODINGS = ("UTF-8", "UTF-8", "UTF-8", "UTF-16le", "UTF-16be")
TYPES = (
    *("INTEGER", "INTEGER", "INT", "BIGINT", "TEXT", "VARCHAR(9)", "REAL", "DOUBLE", "NUMERIC", "BLOB", ""),
    *("INTEGER NOT NULL DEFAULT 3", "TEXT COLLATE NOCASE", "DECIMAL(9,2)", "BOOLEAN", "FLOATING POINT"),
)
KEYS = (
    None,
    None,
    None,
    "INTEGER PRIMARY KEY",
    "INTEGER PRIMARY KEY DESC",
    "INT PRIMARY KEY",
    "TEXT PRIMARY KEY",
)
NAMES = ("start", "end", "id", "value", "rowid", "_rowid_", "oid", "a b", 'q"uote', "ü", "select")
WIDTHS = (0, 1, 2**7, 2**15, 2**23, 2**31, 2**47, 2**53, 2**63)

Value = int | float | str | bytes | None


@contextlib.contextmanager
def drawn_database(path: Path, rng: random.Random):
    """A random database at `path`; while the context lasts, a writer may have it open with its log unfinished."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {rng.choice(PAGE_SIZES)}")
        connection.execute(f"PRAGMA encoding = '{rng.choice(ENCODINGS)}'")
        connection.execute(f"PRAGMA auto_vacuum = {rng.choice((0, 0, 1, 2))}")
        connection.execute("PRAGMA synchronous = OFF")
        if rng.random() < 0.15:
            _reserve(connection, path, rng.choice((8, 32)))
        log = rng.random() < 0.25
        if log:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(rng.choice((1, 1, 2))):
            _Table(connection, rng, f"t{number}").fill()
        if rng.random() < 0.4:
            _strings(connection, rng)
        if rng.random() < 0.1 and not log:
            connection.execute("VACUUM")
        if not log or rng.random() < 0.5:
            connection.close()  # which takes a log into the file
        yield
    finally:
        connection.close()


def _reserve(connection: sqlite3.Connection, path: Path, count: int) -> None:
    """Leave bytes at the end of every page, as encrypting extensions do."""
    connection.execute("PRAGMA user_version = 1")
    raw = bytearray(path.read_bytes())
    size = int.from_bytes(raw[16:18], "big")
    size = 65536 if size == 1 else size
    if size == 512 or len(raw) != size:
        return
    raw[20], raw[105:107] = count, ((size - count) & 0xFFFF).to_bytes(2, "big")
    path.write_bytes(raw)


class _Table:
    """One table with its history."""

    def __init__(self, connection: sqlite3.Connection, rng: random.Random, name: str) -> None:
        self.connection, self.rng, self.name = connection, rng, name
        self.columns = rng.sample(NAMES, rng.randrange(1, 4)) + [f"c{i}" for i in range(rng.randrange(6))]
        self.types = [rng.choice(TYPES) for _ in self.columns]

    def fill(self) -> None:
        """Make it, put rows in, take some out, change some, add a column, add more rows."""
        self._create()
        rows = [self._row() for _ in range(self.rng.choice((0, 1, 5, 40)))]
        self._insert(rows * self.rng.choice((1, 1, 3, 30)))
        self._index()
        where = f"{_quote(self.columns[0])} IS NOT NULL AND abs(random()) % {self.rng.choice((2, 3, 9))} = 0"
        if self.rng.random() < 0.3:
            self._try(f"DELETE FROM {self.name} WHERE {where}")
        if self.rng.random() < 0.3:
            column, value = _quote(self.rng.choice(self.columns)), draw_value(self.rng)
            self._try(f"UPDATE OR IGNORE {self.name} SET {column} = ? WHERE {where}", (value,))
        if self.rng.random() < 0.3:
            self._try(f"ALTER TABLE {self.name} ADD COLUMN added {self.rng.choice(ADDED)}")
        self._insert([self._row() for _ in range(self.rng.randrange(4))])

    def _create(self) -> None:
        columns = [f"{_quote(c)} {t}" for c, t in zip(self.columns, self.types, strict=True)]
        key = self.rng.choice(KEYS)
        if key:
            columns.insert(self.rng.randrange(len(columns) + 1), f"k {key}")
        if self.rng.random() < 0.25:
            computed = self.rng.choice(
                (f"{_quote(self.columns[0])} + 1", "7", f"typeof({_quote(self.columns[0])})")
            )
            kind = self.rng.choice(("VIRTUAL", "STORED"))
            columns.insert(
                self.rng.randrange(len(columns) + 1),
                f"g {self.rng.choice(TYPES[:10])} AS ({computed}) {kind}",
            )
        without = " WITHOUT ROWID" if key and self.rng.random() < 0.25 else ""
        self.connection.execute(f"CREATE TABLE {self.name} ({', '.join(columns)}){without}")

    def _index(self) -> None:
        for number in range(self.rng.randrange(3)):
            some = self.rng.sample(self.columns, self.rng.randrange(1, min(4, len(self.columns) + 1)))
            listed = ", ".join(f"{_quote(c)} {self.rng.choice(('', 'DESC'))}" for c in some)
            self._try(f"CREATE INDEX i{self.name}{number} ON {self.name} ({listed})")

    def _insert(self, rows: list[list[Value]]) -> None:
        names = ", ".join(map(_quote, self.columns))
        marks = ", ".join("?" * len(self.columns))
        self.connection.execute("BEGIN")
        for row in rows:
            self._try(f"INSERT INTO {self.name} ({names}) VALUES ({marks})", row)
        self.connection.execute("COMMIT")

    def _row(self) -> list[Value]:
        return [draw_value(self.rng) for _ in self.columns]

    def _try(self, sql: str, params: object = ()) -> None:
        """What a constraint or an old SQLite refuses is left out."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute(sql, params)  # pyright: ignore[reportArgumentType]


ADDED = ("INTEGER", "INTEGER DEFAULT 7", "DEFAULT NULL", "TEXT DEFAULT 'x'", "REAL", "REAL DEFAULT 2")


def _strings(connection: sqlite3.Connection, rng: random.Random) -> None:
    """The names of an export, whose ids may be stored as anything."""
    kind = rng.choice(("INTEGER NOT NULL PRIMARY KEY", "INTEGER", "TEXT PRIMARY KEY", "TEXT", "REAL", ""))
    without = " WITHOUT ROWID" if "PRIMARY" in kind and rng.random() < 0.3 else ""
    connection.execute(f"CREATE TABLE StringIds (id {kind}, value TEXT){without}")
    write: Callable[[int], Value] = rng.choice((int, float, str) if "INTEGER" not in kind else (int,))
    for one in rng.sample(range(1, 400), rng.choice((1, 30, 200))):
        connection.execute("INSERT INTO StringIds VALUES (?, ?)", (write(one), f"name {one} {_text(rng)}"))


def draw_value(rng: random.Random) -> Value:
    """Anything a column may hold, integers at the edges of their widths above all."""
    draw = rng.choice((_integer, _integer, _integer, _real, _text, _number_text, _blob, _nothing))
    return draw(rng)


def _integer(rng: random.Random) -> int:
    near = rng.choice((1, -1)) * rng.choice(WIDTHS) + rng.choice((-1, 0, 1))
    return max(-(2**63), min(2**63 - 1, rng.choice((near, rng.randrange(-300, 300)))))


def _real(rng: random.Random) -> float:
    bits = struct.unpack("<d", rng.randbytes(8))[0]
    return rng.choice((float(_integer(rng)), rng.random() * 100, 1.5, -0.0, float("inf"), bits))


def _text(rng: random.Random) -> str:
    return rng.choice(("", "a", "ü" * 3, "text", "x" * 57, "long " * rng.choice((30, 300)), "nul\0in it"))


def _number_text(rng: random.Random) -> str:
    return rng.choice((str(_integer(rng)), "7", "-7.0", "1e3", "0x10", "7 ", "7.5", "9" * 19, "1_0", "٣"))


def _blob(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((0, 3, 80)))


def _nothing(rng: random.Random) -> None:
    del rng


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
