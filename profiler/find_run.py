"""The run a user means: a folder, or an id, tag, ``latest`` or ``SCENARIO@latest`` of the store."""

from __future__ import annotations

from pathlib import Path

from ..analysis import run_address
from ..analysis.store import find_store


def find_run(address: str, store: Path | None = None) -> Path:
    """The folder of a run. Raises UnknownRun, StoreError."""
    return run_address.find_run(address, find_store(store))


def lookup_run(address: str, store: Path | None = None) -> Path | None:
    """The same, None where there is none of this name. Raises StoreError."""
    return run_address.lookup_run(address, find_store(store))
