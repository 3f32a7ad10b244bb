"""The run folder while it is written: private staging, then publication by rename."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil

from ...analysis.files import move_whole
from ...analysis.processes.asking import PLACE_DELETED
from ...analysis.runs.lock import FolderHeld, hold_folder, is_held
from ...analysis.store.place import DEFAULT_STORE
from ..errors import OutputFolderError, RunHeldError
from .strays import end_strays

_STAGING = re.compile(r"^\.staging-(\d+)$")

_TEMPORARY = re.compile(r"^flopprof-(\d+)-")


def new_run_id(scenario: str, now: datetime | None = None) -> str:
    """A name that sorts by time and is not used twice."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    return f"{scenario}-{stamp}-{os.urandom(2).hex()}"


def make_run_folder(out: Path | None, run_id: str, store: Path = DEFAULT_STORE) -> Path:
    """An empty run folder. Raises OutputFolderError when it cannot be made or holds something."""
    return make_empty_folder(out, run_id, "shards", store=store)


def make_empty_folder(out: Path | None, name: str, *inside: str, store: Path = DEFAULT_STORE) -> Path:
    """``out``, or a new folder in the store, with empty folders in it. Raises OutputFolderError."""
    folder = out if out is not None else store / name
    refuse_unwritable_name(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(entry for entry in folder.iterdir() if not _STAGING.match(entry.name)):
            raise OutputFolderError(folder, "is not empty")
        for folder_inside in inside:
            (folder / folder_inside).mkdir()
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputFolderError(folder, "is a file, not a folder") from error
    except OSError as error:
        raise OutputFolderError(folder, f"cannot be written ({error.strerror})") from error
    return folder


def refuse_unwritable_name(folder: Path) -> None:
    """Records and Nsight Systems hold whole paths as texts. Raises OutputFolderError for what cannot be one."""
    try:
        str(folder.absolute()).encode()
    except UnicodeEncodeError:
        raise OutputFolderError(folder, "its path is not UTF-8, in which results are written") from None
    except FileNotFoundError:
        raise OutputFolderError(folder, PLACE_DELETED) from None


@contextmanager
def hold_new_run(out: Path | None, run_id: str, store: Path = DEFAULT_STORE) -> Iterator[Path]:
    """Make a run's folder and be the only process that writes it. Raises OutputFolderError.

    Between the two another process's gc can take the folder for that of a killed run: then it is made again.
    """
    with ExitStack() as held:
        while True:
            folder = make_run_folder(out, run_id, store)
            try:
                held.enter_context(hold_folder(folder, wait=True))
                break
            except FileNotFoundError:
                continue
        yield folder


@contextmanager
def hold_run(run: Path) -> Iterator[None]:
    """Be the only process that writes a run. Raises RunHeldError."""
    try:
        with hold_folder(run):
            yield
    except FolderHeld as error:
        raise RunHeldError(run) from error


@contextmanager
def staging_folder(run: Path) -> Iterator[Path]:
    """A 0700 folder in the run for raw reports, gone afterwards; so are those of processes that died."""
    remove_abandoned_staging(run)
    staging = run / f".staging-{os.getpid()}"
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A 0700 folder for the recorder's own temporary files; it, and what still runs with it, is gone afterwards.

    So are those of processes that died. It is not in the run's folder: Nsight Systems makes sockets in it, whose
    paths may have 107 bytes at most, and says no more than "Agent launcher failed" when they are longer.
    """
    remove_abandoned_temporary()
    refuse_unwritable_name(Path(tempfile.gettempdir()))
    temporary = Path(tempfile.mkdtemp(prefix=f"flopprof-{os.getpid()}-", dir=tempfile.gettempdir()))
    try:
        yield temporary
    finally:
        end_strays(temporary)
        shutil.rmtree(temporary, ignore_errors=True)


def remove_abandoned_temporary() -> None:
    """End what killed processes of this user left running, and remove what they left lying."""
    for folder in Path(tempfile.gettempdir()).glob("flopprof-*"):
        if _is_mine(folder) and _is_abandoned(folder, _TEMPORARY):
            end_strays(folder)
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned_staging(run: Path) -> None:
    """Raw reports hold secrets: what a killed process left in this run, or in the runs beside it, goes.

    A run that is held is alive, though its process id may be unknown here: it was given out in another container.
    """
    beside = [folder for folder in run.parent.glob("*/.staging-*") if folder.parent.name != run.name]
    for folder in [*run.glob(".staging-*"), *(one for one in beside if not is_held(one.parent))]:
        if _is_abandoned(folder, _STAGING):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path, named: re.Pattern[str]) -> bool:
    """Whether the process in a folder's name is gone: there is none, or one that began after the folder was made."""
    match = named.match(folder.name)
    if match is None:
        return False
    try:
        owner = psutil.Process(int(match.group(1)))
        is_another = owner.create_time() > folder.stat().st_ctime + 1
        return is_another or owner.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, FileNotFoundError):
        return False


def _is_mine(entry: Path) -> bool:
    try:
        return entry.lstat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def publish_shard(run: Path, prepared: Path, name: str) -> None:
    """Make a prepared shard part of the run, by one rename."""
    move_whole(prepared, run / "shards" / name, durable=True)
