"""Where the store of runs lies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


DEFAULT_STORE = Path("flopprof-runs")

STORE_VARIABLE = "FLOPPROF_STORE"


def find_store(chosen: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """The store's folder: the one chosen, else that of FLOPPROF_STORE, else ``flopprof-runs``."""
    return chosen or Path(environment.get(STORE_VARIABLE) or DEFAULT_STORE)
