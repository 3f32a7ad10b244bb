"""How a run is named: a folder, its id, a tag, ``latest``, ``SCENARIO@latest``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import UnknownRun
from .listing import list_runs, run_folders
from .place import DATABASE
from .queries import RunLine

LATEST = "latest"

TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_ADDRESS = re.compile(r"[A-Za-z0-9@._-]{1,200}")


def find_run(address: str, store: Path) -> Path:
    """The folder of the run that ``address`` means: an existing folder first, then the store's runs.

    ``latest`` is the run that was started last and is not being written now, complete or not. Raises UnknownRun,
    StoreError.
    """
    path = Path(address)
    return path if address and path.exists() else store / find_line(address, store).folder


def lookup_kept_run(address: str, store: Path) -> Path | None:
    """The same among the runs of the store alone, whatever lies in the current folder; None where it knows none."""
    if not _ADDRESS.fullmatch(address) or not ((store / DATABASE).exists() or run_folders(store)):
        return None
    try:
        return store / find_line(address, store).folder
    except UnknownRun:
        return None


def run_finder(store: Path) -> Callable[[str], Path | None]:
    """``lookup_kept_run`` of one store, as the sides of a comparison ask for it."""
    return lambda address: lookup_kept_run(address, store)


def find_line(address: str, store: Path, *, gone: bool = False) -> RunLine:
    """The run of a store that ``address`` means; with ``gone`` also one whose folder is not there any more.

    Raises UnknownRun, StoreError.
    """
    scenario, at, word = address.rpartition("@")
    wanted = word if at else address
    listing = list_runs(store, scenario if at and word == LATEST else None)
    lines = listing.runs
    if wanted == LATEST:
        found = next((line for line in lines if line.status not in ("running", "missing")), None)
    else:
        found = next((line for line in lines if address in (line.id, line.folder, *line.tags)), None)
    if found is None and listing.unread is not None:
        # It may well be a tag.
        raise listing.unread
    if found is None:
        hint = _suggest(address, [line.scenario for line in lines])
        raise UnknownRun(address, f"no such run folder, and no such run in the store {store}; {hint}")
    if found.status == "missing" and not gone:
        raise UnknownRun(address, f"its folder {store / found.folder} is gone; flopprof gc forgets it")
    return found


def _suggest(address: str, scenarios: Sequence[str]) -> str:
    """What to type: the name of a scenario alone means none of its runs."""
    name = next((name for name in (address, Path(address).stem) if name in scenarios), None)
    return f"did you mean {name}@{LATEST}?" if name is not None else "see flopprof runs"


def check_tag(name: str, store: Path) -> None:
    """Raise UnknownRun for a tag that could not be told from another address."""
    if not TAG.fullmatch(name):
        raise UnknownRun(
            name, "a tag is up to 64 letters, digits, '.', '_' and '-', and begins with one of the first two"
        )
    if name == LATEST or any(line.id == name for line in list_runs(store).runs):
        raise UnknownRun(name, "already means a run; choose another tag")
