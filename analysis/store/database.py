"""The run store: one SQLite database beside the run folders, which it makes searchable.

The folders are the truth, the database is made from them (but for tags) and can be made again. A run is
written in one transaction; WAL and a busy timeout let many processes read and write at once.
"""

from __future__ import annotations

import json
import math
import numbers
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StoreError, StoreUnwritable
from ..runs.lock import hold_folder
from .access import connect_read_only, may_write
from .place import DATABASE

if TYPE_CHECKING:
    from sqlite_utils import Database

    from ..breakdown.analyze import Analysis
    from ..programs.folder import ProgramFolder
    from ..programs.job_folder import JobFolder
    from ..runs.records import RunPlan
    from ..runs.results import RunResult
    from .run_rows import FirstIds, Row, RunRows

BUSY_SECONDS = 60.0

LATEST_MIGRATION = "m003_history"
"""Known without importing sqlite-utils (0.3 s), so that reading is instant."""

MIGRATIONS_TABLE = "_sqlite_migrations"

APPLIED = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'flopprof'"

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"

_UNWRITABLE = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")

FREE_IDS = """SELECT (SELECT coalesce(max(id), 0) + 1 FROM steps), (SELECT coalesce(max(id), 0) + 1 FROM ops),
    (SELECT coalesce(max(id), 0) + 1 FROM kernels)"""

REOPEN_RUN = "UPDATE runs SET status = 'interrupted', shards = -1 WHERE id = ?"
"""-1: whatever the folder has by then, it is not what the row was made of."""

PUT_TAG = """INSERT INTO tags (name, run, tagged_at) VALUES (:name, :run, :tagged_at)
    ON CONFLICT (name) DO UPDATE SET run = excluded.run, tagged_at = excluded.tagged_at"""

_INTEGERS = range(-(2**63), 2**63)

DROP_UNUSED_MACHINES = (
    "DELETE FROM machines WHERE id NOT IN (SELECT machine FROM runs WHERE machine IS NOT NULL)"
)


@contextmanager
def open_store(store: Path) -> Iterator[Database]:
    """The store's database for writing, made or brought up to date if need be. Raises StoreError."""
    from sqlite_utils import Database

    with _as_store_errors(store):
        store.mkdir(parents=True, exist_ok=True)
        connection = _connect(store)
        try:
            database = Database(connection, execute_plugins=False)
            if LATEST_MIGRATION not in applied_migrations(connection, store):
                _migrate(database, store)
            yield database
        finally:
            connection.close()


@contextmanager
def read_store(store: Path) -> Iterator[sqlite3.Connection | None]:
    """The store's database for reading, rows by name; None where there is none yet. Raises StoreError.

    Nothing is written where nothing can be, but a database of an earlier version cannot be read there.
    """
    if not (store / DATABASE).exists():
        yield None
        return
    with _as_store_errors(store):
        connection = _connect(store) if may_write(store / DATABASE) else connect_read_only(store / DATABASE)
        try:
            if LATEST_MIGRATION not in applied_migrations(connection, store):
                with open_store(store):
                    pass
            connection.row_factory = sqlite3.Row
            yield connection
        finally:
            connection.close()


def check_writable(store: Path) -> None:
    """Raise StoreUnwritable where nothing can be written."""
    if not may_write(store / DATABASE):
        raise StoreUnwritable(
            store, "cannot be written; what it does not know yet is read from the run folders"
        )


def copy_database(store: Path, target: Path) -> None:
    """Copy a store's database, if there is one, into another folder; whatever its version. Raises StoreError."""
    if not (store / DATABASE).exists():
        return
    with (
        _as_store_errors(store),
        closing(connect_read_only(store / DATABASE)) as source,
        closing(sqlite3.connect(target / DATABASE)) as copy,
    ):
        source.backup(copy)


def applied_migrations(connection: sqlite3.Connection, store: Path) -> set[str]:
    """The names of the migrations a database has. Raises StoreError for one that is no store, or a later one."""
    tables = {row[0] for row in connection.execute(TABLES)}
    names = {row[0] for row in connection.execute(APPLIED)} if MIGRATIONS_TABLE in tables else set[str]()
    if not tables - {MIGRATIONS_TABLE}:
        # New, or its making was cut off before the first migration was whole.
        return names
    if not names:
        raise StoreError(store / DATABASE, "is not a run store; choose another folder with --store DIR")
    if max(names, default="") > LATEST_MIGRATION:
        raise StoreError(
            store / DATABASE, "was written by a later flopprof; update flopprof, or use another --store"
        )
    return names


def _migrate(database: Database, store: Path) -> None:
    from .migrations import STORE_MIGRATIONS

    # Two processes that find an old store at once: the second one finds nothing left to do.
    with hold_folder(store, wait=True):
        database.enable_wal()
        STORE_MIGRATIONS.apply(database)


def record_run(store: Path, result: RunResult, folder: str, shards: int) -> None:
    """Write everything of a run in one transaction, in place of what was known of it; tags stay.

    ``folder`` is the run's folder in the store, ``shards`` how many shards it had when ``result`` was read.
    Raises StoreError.
    """
    from .run_rows import rows_of_run  # with pydantic, which reading does without

    with open_store(store) as database, transaction(database):
        _write_rows(database, rows_of_run(result, folder, shards, _first_ids(database)))


def record_program(store: Path, folder: ProgramFolder, analysis: Analysis) -> None:
    """Write everything of a recorded program that lies in the store, as ``record_run`` does. Raises StoreError."""
    from .program_rows import rows_of_program

    with open_store(store) as database, transaction(database):
        _write_rows(database, rows_of_program(folder, analysis, _first_ids(database)))


def record_job(store: Path, folder: JobFolder, stamp: int) -> None:
    """Write down a job's ranks, as ``record_run`` does; ``stamp`` is of its files. Raises StoreError, RunError."""
    from .job_rows import rows_of_job

    with open_store(store) as database, transaction(database):
        _write_rows(database, rows_of_job(folder, stamp, _first_ids(database)))


def record_unreadable_run(store: Path, plan: RunPlan, folder: str, files: int, problem: str) -> None:
    """Write down that a run is there and that its numbers cannot be read. Raises StoreError.

    ``files`` tells its files from those of another time; it stands where others have the number of their shards.
    """
    from .run_rows import run_row

    record_damaged(store, run_row(plan, folder, files), problem)


def record_damaged(store: Path, row: Row, problem: str) -> None:
    """Write down that what this row of ``runs`` is about is there and cannot be read. Raises StoreError."""
    with open_store(store) as database, transaction(database):
        database.execute("DELETE FROM steps WHERE run = ?", [row["id"]])
        database.table("runs").upsert(row | {"status": "damaged", "problem": problem}, pk="id")


def _first_ids(database: Database) -> FirstIds:
    from .run_rows import FirstIds

    found = database.execute(FREE_IDS).fetchone()
    return FirstIds(**dict(zip(("steps", "ops", "kernels"), found, strict=True)))


def reopen_run(store: Path, run: str) -> None:
    """Take a run's completeness back: it is going to be resumed. Raises StoreError."""
    with open_store(store) as database, transaction(database):
        database.execute(REOPEN_RUN, [run])


def tag_run(store: Path, run: str, name: str) -> None:
    """Give a run a name of its own; a name that another run has moves. Raises StoreError."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with open_store(store) as database, transaction(database):
        database.execute(PUT_TAG, {"name": name, "run": run, "tagged_at": now})


def untag_run(store: Path, name: str) -> None:
    """Take a tag away. Raises StoreError."""
    with open_store(store) as database, transaction(database):
        database.execute("DELETE FROM tags WHERE name = ?", [name])


def forget_runs(store: Path, runs: Iterable[str]) -> None:
    """Remove runs from the database, with everything that hangs on them. Raises StoreError."""
    with open_store(store) as database, transaction(database):
        for run in runs:
            database.execute("DELETE FROM runs WHERE id = ?", [run])
        database.execute(DROP_UNUSED_MACHINES)


def compact_store(store: Path) -> None:
    """Give the room of removed rows back to the file system. Raises StoreError."""
    with open_store(store) as database:
        database.vacuum()


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """All or nothing, the only writer from the first statement on."""
    database.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.conn.rollback()
        raise
    database.conn.commit()


def _write_rows(database: Database, rows: RunRows) -> None:
    database.table("machines").upsert(_plain(rows.machine), pk="id")
    database.execute("DELETE FROM steps WHERE run = ?", [rows.run["id"]])
    # An upsert, not a replacement: that would take the run's tags with it.
    database.table("runs").upsert(_plain(rows.run), pk="id")
    for table in ("steps", "ops", "kernels", "reps"):
        found = getattr(rows, table)
        if found:
            database.table(table).insert_all([_plain(row) for row in found])


def _plain(row: Row) -> Row:
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    """Numbers of numpy as Python's, which SQLite knows; what no 64 bits can hold, or is not finite, is unknown."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Integral) and int(value) in _INTEGERS:
        return int(value)
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _connect(store: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(store / DATABASE, timeout=BUSY_SECONDS)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _as_store_errors(store: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        kind = StoreUnwritable if name.startswith(_UNWRITABLE) else StoreError
        raise kind(store / DATABASE, _explain(name, error)) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        # Of a value, or of SQLite's own message, which quotes what is wrong.
        raise StoreError(store / DATABASE, _explain("SQLITE_CORRUPT", error)) from error
    except OSError as error:
        raise StoreUnwritable(
            store, f"cannot be written ({error.strerror or error}); choose another with --store DIR"
        ) from error


def _explain(name: str, error: Exception) -> str:
    if name.startswith("SQLITE_FULL"):
        return "the disk is full; make room and try again"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"another process has been writing for over {BUSY_SECONDS:.0f} s; try again"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")) or "decode to UTF-8" in str(error):
        return f"is damaged ({error}); move it away: 'flopprof runs' makes it anew from the run folders, without tags"
    if name.startswith(_UNWRITABLE):
        return f"cannot be opened for writing ({error}); check its permissions and the disk's room"
    return f"cannot be used ({error})"
