"""A copy of a trace that can be given away: the same analysis, nothing of the machine's private life.

Nsight Systems stores the environment of every process it can read, command lines, paths, process lists and
the program's output (nsys writes them even when told not to). Blanking those in a copy would mean knowing
all of them; so the copy is built from nothing, out of what is known to be needed: numbers, kernel and range
names, and texts of known shape (``public_texts``). It is a new file: no freed page of the old one is in it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...scenarios.errors import FlopprofError
from ..export.nccl_payload import ENTRIES, FIELDS, cut_payload, read_schemas
from ..files import draft_file
from ..sqlite.file import SqliteFile
from ..sqlite.quoting import quote_name
from ..sqlite.snapshot import READ_FAILURES, translate_error
from ..trace.public_texts import public_diagnostic, public_setting

KEPT_TABLES = re.compile(
    r"CUPTI_ACTIVITY_KIND_[A-Z0-9_]+|NVTXT?_EVENTS|CUDA_GRAPH_(?:NODE_)?EVENTS|CUDA_GPU_MEMORY_USAGE_EVENTS"
    r"|CUDA_UM_[CG]PU_PAGE_FAULT_EVENTS|NVTX_PAYLOAD_SCHEMA_ENTRIES|GPU_METRICS|PROFILER_OVERHEAD|ANALYSIS_DETAILS"
    r"|DIAGNOSTIC_EVENT|PROCESSES"
    r"|TARGET_INFO_(?:GPU|GPU_METRICS|CUDA_GPU|CUDA_DEVICE|CUDA_STREAM|CUDA_NULL_STREAM|CUDA_CONTEXT_INFO)"
    r"|TARGET_INFO_(?:SESSION_START_TIME|SYSTEM_ENV)|META_DATA_(?:CAPTURE|EXPORT)|EXPORT_META_DATA"
    r"|ENUM_(?:NSYS_EVENT|CUDA|CUPTI|DIAGNOSTIC)_[A-Z_]+"
)

SETTING_TABLES = {"META_DATA_CAPTURE", "META_DATA_EXPORT", "EXPORT_META_DATA", "TARGET_INFO_SYSTEM_ENV"}

NAME_COLUMNS = {"nameId", "demangledName", "shortName", "mangledName", "textId"}

RANGE_EVENTS = "(33, 34, 59, 60, 70, 71, 75)"
"""NVTX events whose text is the program's own annotation; 39, a thread's name, is not among them."""

TEXT_SHAPES = {
    "busLocation": r"[0-9A-Fa-f:.]{1,20}",
    "uuid": r"(?:GPU-|MIG-)?[0-9A-Fa-f-]{32,40}",
    "metricName": r"[A-Za-z0-9][A-Za-z0-9 ()/.,+%_-]{0,100}(?: \[[A-Za-z0-9 %/.]{1,40}\])?",
    "typeName": r"[A-Za-z0-9][A-Za-z0-9 ()/.,+_-]{0,80}",
    "chipName": r"[A-Z]{1,4}\d{2,4}[A-Z]{0,2}",
    "name": r"[A-Za-z0-9][A-Za-z0-9 ()/.,+-]{0,80}",
}

NUMBER_SHAPE = r"[+-]?[0-9]{1,19}(\.0*)?"
"""Of a number that is stored as a text; the copy's column makes it one again."""

WORDED = {"name", "value", "label", "text", "jsonText", "binaryData", "content"}
"""Columns in which digits are somebody's words."""

ENUM_SHAPE = r"[A-Za-z0-9_ ()/.,:+-]{0,120}"

WRITE_ERRORS = {
    "SQLITE_FULL",
    "SQLITE_READONLY",
    "SQLITE_IOERR_WRITE",
    "SQLITE_IOERR_FSYNC",
    "SQLITE_IOERR_TRUNCATE",
}

COLUMN_NAME = re.compile(r"[A-Za-z_]\w{0,63}", re.ASCII)


class ScrubError(FlopprofError):
    """The scrubbed copy could not be written; nothing was left behind."""

    def __init__(self, target: Path, problem: str) -> None:
        super().__init__(f"{target}: the scrubbed copy cannot be written: {problem}")


def scrub_trace(source: Path, target: Path) -> None:
    """Write `target`, the shareable copy of the SQLite export `source`.

    The copy is readable by its owner only (0600) and appears whole or not at all; an older `target` is
    replaced. Raises TraceError for a source that cannot be read, ScrubError for a target that cannot be
    written.
    """
    with SqliteFile(source) as trace, _unfinished(target) as draft:
        _copy_public(trace, draft, target)


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A private file beside `target` that takes its place when the body succeeds, and vanishes otherwise."""
    try:
        with draft_file(target, durable=True, private=True) as draft:
            yield draft
    except OSError as error:
        raise ScrubError(target, error.strerror or str(error)) from None


def _copy_public(trace: SqliteFile, draft: Path, target: Path) -> None:
    connection = sqlite3.connect(draft.as_uri(), uri=True, isolation_level=None)
    try:
        connection.create_function("public_setting", 2, _setting, deterministic=True)
        schemas = read_schemas(trace)
        connection.create_function(
            "nccl_payload", 1, lambda blob: cut_payload(blob, schemas), deterministic=True
        )
        connection.create_function("public_diagnostic", 1, _diagnostic, deterministic=True)
        connection.create_function("shaped", 2, _shaped, deterministic=True)
        # A draft needs no journal: it is deleted when anything fails.
        for setting in (
            "journal_mode = OFF",
            "synchronous = OFF",
            "temp_store = MEMORY",
            "secure_delete = ON",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {setting}")
        trace.attach_to(connection, "source")
        connection.execute("BEGIN")
        for table in trace.tables:
            if KEPT_TABLES.fullmatch(table):
                _copy_table(connection, table, _plain_columns(trace.tables[table]))
        _forget_other_processes(connection)
        _copy_strings(connection, trace)
        connection.execute("COMMIT")
    except READ_FAILURES as error:
        if getattr(error, "sqlite_errorname", None) in WRITE_ERRORS:
            raise ScrubError(target, str(error)) from None
        raise translate_error(trace.path, error) from None
    finally:
        connection.close()


def _plain_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(c for c in columns if COLUMN_NAME.fullmatch(c))


def _copy_table(connection: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> None:
    """Copy a table, of its schema the columns' names only: comments and defaults are text as well."""
    if not columns:
        return
    key = {"id": " PRIMARY KEY"} if table.startswith("ENUM_") else {}
    types = ", ".join(f"{c} {_type_of(table, c)}{key.get(c, '')}" for c in columns)
    values = ", ".join(_public_value(table, c, columns) for c in columns)
    where = "public_setting(CAST(name AS BLOB), CAST(value AS BLOB)) IS NOT NULL"
    if table not in SETTING_TABLES:
        where = "1"
    elif not {"name", "value"} <= set(columns):
        where = "0"
    connection.execute(f"CREATE TABLE {table} ({types})")
    connection.execute(f"INSERT OR IGNORE INTO {table} SELECT {values} FROM source.{table} WHERE {where}")


def _public_value(table: str, column: str, columns: tuple[str, ...]) -> str:
    """SQL for what may be copied of a column; unless named here, numbers and nothing else."""
    name = quote_name(column)
    number = _public_number(name, written=column not in WORDED)
    if table in SETTING_TABLES and column == "name":
        return name
    if table in SETTING_TABLES and column == "value":
        return "public_setting(CAST(name AS BLOB), CAST(value AS BLOB))"
    if table == "DIAGNOSTIC_EVENT" and column == "text":
        return "public_diagnostic(CAST(text AS BLOB))"
    if table.startswith("ENUM_") and column in ("name", "label"):
        return f"shaped('{ENUM_SHAPE}', CAST({name} AS BLOB))"
    if table.startswith("TARGET_INFO_") and column in TEXT_SHAPES:
        return f"shaped('{TEXT_SHAPES[column]}', CAST({name} AS BLOB))"
    if table in ("NVTX_EVENTS", "NVTXT_EVENTS") and column in ("text", "textId") and "eventType" in columns:
        own = f"CASE WHEN typeof({name}) = 'text' THEN {name} END" if column == "text" else number
        return f"CASE WHEN eventType IN {RANGE_EVENTS} THEN {own} END"
    if table == "NVTX_EVENTS" and column == "binaryData":
        return f"nccl_payload(CAST({name} AS BLOB))"
    if table == ENTRIES and column == "name":
        return f"CASE WHEN {name} IN ({', '.join(map(repr, FIELDS))}) THEN {name} END"
    return number


def _public_number(name: str, *, written: bool) -> str:
    """SQL for a number; one `written` as a text is one as well, except where words belong."""
    other = f"WHEN typeof({name}) = 'text' THEN shaped('{NUMBER_SHAPE}', CAST({name} AS BLOB))"
    return f"CASE WHEN typeof({name}) IN ('integer', 'real') THEN {name} {other if written else ''} END"


def _type_of(table: str, column: str) -> str:
    if column.endswith(("doubleValue", "floatValue")):
        return "REAL"
    if table == "GPU_METRICS":
        return "INTEGER"
    texts = {"name", "value", "label", "text", *(TEXT_SHAPES if table.startswith("TARGET_INFO") else ())}
    return "TEXT" if column in texts and not table.startswith("CUPTI_") else "INTEGER"


def _forget_other_processes(connection: sqlite3.Connection) -> None:
    """Keep PROCESSES rows of those that left events; their names went already, being text."""
    tables = _columns_of(connection)
    if "PROCESSES" not in tables:
        return
    seen = [
        f"SELECT {column} & ~0xFFFFFF FROM {table}"
        for table, columns in tables.items()
        for column in ("globalTid", "globalPid")
        if column in columns and (table.startswith("CUPTI_") or table == "NVTX_EVENTS")
    ]
    traced = " UNION ".join(seen) or "SELECT NULL"
    where = f"globalPid NOT IN ({traced}) OR globalPid IS NULL" if "globalPid" in tables["PROCESSES"] else "1"
    connection.execute(f"DELETE FROM PROCESSES WHERE {where}")


def _copy_strings(connection: sqlite3.Connection, trace: SqliteFile) -> None:
    """Copy the strings that copied rows name; a block with NUL bytes is an environment, whoever names it."""
    if not {"id", "value"} <= set(trace.tables.get("StringIds", ())):
        return
    named = [
        f"SELECT {column} FROM main.{table}"
        for table, columns in _columns_of(connection).items()
        for column in sorted(NAME_COLUMNS & set(columns))
    ]
    connection.execute("CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT)")
    connection.execute(
        "INSERT OR IGNORE INTO main.StringIds SELECT CAST(id AS INTEGER), value FROM source.StringIds"
        f" WHERE CAST(id AS INTEGER) IN ({' UNION '.join(named) or 'SELECT NULL'})"
        f" AND (typeof(id) = 'integer' OR shaped('{NUMBER_SHAPE}', CAST(id AS BLOB)) IS NOT NULL)"
        " AND typeof(value) = 'text' AND instr(CAST(value AS BLOB), x'00') = 0"
    )


def _columns_of(connection: sqlite3.Connection) -> dict[str, set[str]]:
    names = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
    return {n: {row[1] for row in connection.execute(f"PRAGMA main.table_info({n})")} for (n,) in names}


def _setting(name: bytes | None, value: bytes | None) -> str | None:
    if name is None or value is None:
        return None
    return public_setting(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))


def _diagnostic(text: bytes | None) -> str | None:
    return None if text is None else public_diagnostic(text.decode("utf-8", "replace"))


def _shaped(shape: str, text: bytes | None) -> str | None:
    value = "" if text is None else text.decode("utf-8", "replace")
    return value if value and re.fullmatch(shape, value, re.ASCII) else None
