"""Whether a trace that came from elsewhere is one that flopprof wrote: plain tables of known names, no code."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import TraceError
from .scrub import KEPT_TABLES
from .sqlite_columns import SqliteFile

SCHEMA = "SELECT type, name, coalesce(sql, '') FROM sqlite_master"
_SCRUBBED_TABLE = re.compile(
    r"CREATE TABLE [A-Za-z_]\w* ?\(\s*\w+ (?:TEXT|INTEGER|REAL)(?: PRIMARY KEY)?"
    r"(?:,\s*\w+ (?:TEXT|INTEGER|REAL)(?: PRIMARY KEY)?)*\s*\)",
    re.ASCII,
)
"""What scrubbing makes of any table: names and types, no default, check, generated or virtual column."""


def check_trace(path: Path) -> None:
    """Raise TraceError for a file with triggers, views, indexes, virtual or unknown tables, or damage."""
    with SqliteFile(path) as file:
        for kind, name, sql in file.rows(SCHEMA):
            if kind == "index" and not sql and name.startswith("sqlite_autoindex_"):
                continue
            if kind != "table":
                raise TraceError(path, f"has a {kind} ({name!r}), which a trace of flopprof never has")
            if not (KEPT_TABLES.fullmatch(name) or name == "StringIds"):
                raise TraceError(path, f"has a table {name!r}, which a trace of flopprof never has")
            if not _SCRUBBED_TABLE.fullmatch(sql):
                raise TraceError(path, f"its table {name!r} is not declared as flopprof does")
        state = file.rows("PRAGMA integrity_check(1)")
    if state != [("ok",)]:
        raise TraceError(path, "is damaged")
