"""Taking runs away, and what nobody can use any more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..archives.import_run import IMPORT_PREFIX
from ..errors import StoreError
from ..files import is_draft, move_whole
from ..runs.lock import FolderHeld, hold_folder
from .database import compact_store, forget_runs
from .listing import list_runs, run_folders
from .place import DATABASE
from .queries import RunLine

REMOVED_PREFIX = ".removed-"

_BEGUN = {"shards", "machine.json"}
"""What is in the folder of a run that was killed before it had a plan; nothing of it was measured."""


def remove_run(store: Path, run: RunLine) -> None:
    """Remove a run for good: its folder by one rename, then its rows. Raises StoreError."""
    folder, doomed = store / run.folder, store / f"{REMOVED_PREFIX}{run.folder}"
    try:
        if run.status != "missing":
            shutil.rmtree(doomed, ignore_errors=True)
            with hold_folder(folder):
                move_whole(folder, doomed, durable=False)
    except FolderHeld:
        raise StoreError(folder, "is being written by another flopprof; wait until it has ended") from None
    except OSError as error:
        raise StoreError(folder, f"cannot be removed ({error.strerror})") from error
    forget_runs(store, [run.id])
    shutil.rmtree(doomed, ignore_errors=True)


def collect_garbage(store: Path) -> list[str]:
    """Remove what killed processes left and rows whose folder is gone; a line for each. Raises StoreError."""
    if not store.is_dir():
        return []
    told = [f"removed {path}: {what}" for path, what in _remove_leftovers(store)]
    missing = [run for run in list_runs(store).runs if run.status == "missing"]
    if missing:
        forget_runs(store, [run.id for run in missing])
    told += [f"forgot {run.id}: its folder {store / run.folder} is gone" for run in missing]
    if (store / DATABASE).exists():
        compact_store(store)
    return told


def _remove_leftovers(store: Path) -> Iterator[tuple[Path, str]]:
    for entry in sorted(store.iterdir()):
        if entry.name.startswith(REMOVED_PREFIX):
            yield _remove(entry), "a removal that was not finished"
        elif entry.name.startswith(IMPORT_PREFIX):
            with _hold_abandoned(entry) as is_abandoned:
                if is_abandoned:
                    yield _remove(entry), "an import that was not finished"
    for name in sorted(run_folders(store)):
        with _hold_abandoned(store / name) as is_abandoned:
            if is_abandoned:
                yield from _remove_from_run(store / name)


def _remove_from_run(folder: Path) -> Iterator[tuple[Path, str]]:
    for staging in folder.glob(".staging-*"):
        yield _remove(staging), "raw recordings of a run that was killed"
    if _never_began(folder):
        yield _remove(folder), "a run that was killed before it began"
        return
    for draft in sorted(entry for entry in folder.iterdir() if is_draft(entry.name)):
        draft.unlink(missing_ok=True)
        yield draft, "a file that was not finished"


def _remove(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    return path


@contextmanager
def _hold_abandoned(folder: Path) -> Iterator[bool]:
    """Hold a folder, so that nobody begins to write in it while it is looked at; False where somebody does already."""
    with ExitStack() as held:
        try:
            held.enter_context(hold_folder(folder))
        except (FolderHeld, OSError):
            yield False
            return
        yield True


def _never_began(folder: Path) -> bool:
    found = {entry.name for entry in folder.iterdir() if not is_draft(entry.name)}
    return {"shards"} <= found <= _BEGUN and not any((folder / "shards").iterdir())
