"""The run folder while it is written: private staging, then publication by rename."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
from pydantic import BaseModel

from .errors import OutputFolderError

DEFAULT_PARENT = Path("flopprof-runs")
_STAGING = re.compile(r"^\.staging-(\d+)$")
_TEMPORARY = re.compile(r"^flopprof-(\d+)-")


def new_run_id(scenario: str, now: datetime | None = None) -> str:
    """A name that sorts by time and is not used twice."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    return f"{scenario}-{stamp}-{secrets.token_hex(2)}"


def make_run_folder(out: Path | None, run_id: str) -> Path:
    """An empty folder for the run. Raises OutputFolderError when it cannot be made or holds something."""
    folder = out if out is not None else DEFAULT_PARENT / run_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(entry for entry in folder.iterdir() if not _STAGING.match(entry.name)):
            raise OutputFolderError(folder, "is not empty")
        (folder / "shards").mkdir()
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputFolderError(folder, "is a file, not a folder") from error
    except OSError as error:
        raise OutputFolderError(folder, f"cannot be written ({error.strerror})") from error
    return folder


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
    """A 0700 folder for the recorder's own temporary files, gone afterwards.

    It is not in the run's folder: Nsight Systems makes sockets in it, whose paths may have 107 bytes at most,
    and says no more than "Agent launcher failed" when they are longer.
    """
    shared = Path(tempfile.gettempdir())
    _remove_abandoned([entry for entry in shared.glob("flopprof-*") if _is_mine(entry)], _TEMPORARY)
    temporary = Path(tempfile.mkdtemp(prefix=f"flopprof-{os.getpid()}-", dir=shared))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_abandoned_staging(run: Path) -> None:
    """Raw reports hold secrets: what a killed process left in this run, or in the runs beside it, goes."""
    _remove_abandoned([*run.glob(".staging-*"), *run.parent.glob("*/.staging-*")], _STAGING)


def _remove_abandoned(folders: Iterable[Path], named: re.Pattern[str]) -> None:
    for folder in folders:
        match = named.match(folder.name)
        if match and not psutil.pid_exists(int(match.group(1))):
            shutil.rmtree(folder, ignore_errors=True)


def _is_mine(entry: Path) -> bool:
    try:
        return entry.lstat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def publish_shard(run: Path, prepared: Path, name: str) -> None:
    """Make a prepared shard part of the run, by one rename."""
    prepared.rename(run / "shards" / name)


def write_record(path: Path, record: BaseModel) -> None:
    """Write a record as JSON, whole or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
