"""Where the store of runs lies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

DEFAULT_STORE = Path("flopprof-runs")

STORE_VARIABLE = "FLOPPROF_STORE"

DATABASE = "flopprof.db"
"""In the store's folder."""


def find_store(chosen: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """The store's folder: the one chosen, else that of FLOPPROF_STORE, else ``flopprof-runs``."""
    return chosen or Path(environment.get(STORE_VARIABLE) or DEFAULT_STORE)


def in_store(folder: Path, store: Path) -> bool:
    """Whether a run's folder is one of a store's."""
    return folder.absolute().parent.resolve() == store.resolve()
