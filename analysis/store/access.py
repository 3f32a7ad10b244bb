"""Whether a store's folder can be written, and its database opened where it cannot.

A database in WAL mode needs two files beside it even to be read. Where they cannot be made nobody else writes either,
so SQLite may take the database for immutable; where they are there they are read, whoever wrote them.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


def may_write(database: Path) -> bool:
    """Whether a store's database can be written, or made where there is none yet."""
    folder = database.parent
    if database.exists() and not os.access(database, os.W_OK):
        return False
    return not folder.is_dir() or os.access(folder, os.W_OK)


def connect_read_only(database: Path) -> sqlite3.Connection:
    """The database as it is; nothing is written, not even beside it."""
    wal = database.with_name(f"{database.name}-wal")
    how = "mode=ro" if wal.exists() and wal.stat().st_size else "immutable=1"
    return sqlite3.connect(f"{database.absolute().as_uri()}?{how}", uri=True)
