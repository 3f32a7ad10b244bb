"""How a table's rows are stored, as far as a scan of its pages must know."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .quoting import quote_name
from .unusual import Unusual

ROWID_NAMES = ("rowid", "_rowid_", "oid")

Rows = list[tuple[Any, ...]]

Ask = Callable[[str, tuple[Any, ...]], Rows]
"""Asks SQLite; raises what sqlite3 raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a table's rows are stored: its columns in order, and which of them are not plain values."""

    table: str
    root: int
    columns: tuple[str, ...]
    alias: str | None
    """The column that is the rowid and stored nowhere else."""
    defaulted: frozenset[str]
    """Columns that read as something else than NULL in rows older than they are."""
    real: frozenset[str]
    """Columns whose stored integers are read as reals."""
    rowid: str
    """A name for the rowid that is no column."""
    rowids: int
    """From the first to the last rowid: rows there can be at most."""

    def place(self, column: str) -> int | None:
        """Where a column lies in a record; None is the rowid."""
        if column == self.alias or (column not in self.columns and column == "rowid"):
            return None
        return self.columns.index(column)


def read_layout(ask: Ask, table: str) -> Layout:
    """The layout of a table; raises Unusual for one that is stored otherwise, or that SQLite stumbles over."""
    try:
        return _layout(ask, table)
    except (sqlite3.Error, UnicodeError) as error:
        raise Unusual("schema") from error


def _layout(ask: Ask, table: str) -> Layout:
    roots = ask("SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    infos = ask("SELECT * FROM pragma_table_xinfo(?)", (table,))
    free = find_rowid_name([str(info[1]) for info in infos])
    if len(roots) != 1 or not isinstance(roots[0][0], int) or not free or any(info[6] for info in infos):
        raise Unusual("table")
    return Layout(
        table=table,
        root=roots[0][0],
        columns=tuple(info[1] for info in infos),
        alias=_alias(ask, table, infos),
        defaulted=frozenset(info[1] for info in infos if info[4] is not None),
        real=frozenset(info[1] for info in infos if _is_real(info[2])),
        rowid=free,
        rowids=_span(ask, table, free),
    )


def find_rowid_name(columns: Sequence[str]) -> str | None:
    """A name for the row id that no column has; None where columns took all of them."""
    taken = {name.lower() for name in columns}
    return next((name for name in ROWID_NAMES if name not in taken), None)


def _span(ask: Ask, table: str, rowid: str) -> int:
    name = quote_name(table)
    query = f"SELECT (SELECT min({rowid}) FROM {name}), (SELECT max({rowid}) FROM {name})"
    low, high = ask(query, ())[0]
    return 0 if low is None else max(0, high - low + 1)


def _alias(ask: Ask, table: str, infos: Rows) -> str | None:
    keys = [info for info in infos if info[5]]
    indexes = ask("SELECT origin FROM pragma_index_list(?)", (table,))
    if len(keys) != 1 or keys[0][2].upper() != "INTEGER" or ("pk",) in indexes:
        return None
    return str(keys[0][1])


def _is_real(declared: str) -> bool:
    """Whether a declared type has REAL affinity (sqlite.org/datatype3.html, 3.1)."""
    upper = declared.upper()
    others = ("INT", "CHAR", "CLOB", "TEXT", "BLOB")
    return any(word in upper for word in ("REAL", "FLOA", "DOUB")) and not any(w in upper for w in others)
