"""A full disk, recognised in whatever form it is met."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...analysis.errors import StoreUnwritable
from ..errors import CaptureError

_LEAST_BYTES = 1 << 20

_GROWTH = 16
"""An export is many times the size of its report."""

_WORDS = ("no space left on device", "disk is full", "disk full", "quota exceeded")


class DiskFullError(CaptureError):
    """There is no room for what a run records."""

    def __init__(self, folder: Path, what: str = "make room") -> None:
        super().__init__(f"{folder}: the disk is full; {what}")


def is_disk_full(error: BaseException) -> bool:
    """Whether an error, or what it was raised from, says that there was no room."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "").startswith("SQLITE_FULL"):
        return True
    if any(words in str(error).lower() for words in _WORDS):
        return True
    return error.__cause__ is not None and is_disk_full(error.__cause__)


def has_no_room(staging: Path, temporary: Path) -> bool:
    """Whether what failed may have failed for want of room; Nsight Systems does not say (its exit code is 0).

    That is so where less is left than an export of what it recorded, in a worker's ``staging`` folder or, when it
    could not put it there, in ``temporary``, takes.
    """
    if is_nearly_full(staging, temporary):
        return True
    recordings = [*staging.glob("raw.*"), *temporary.glob("nsys-report-*")]
    needed = _GROWTH * sum(file.stat().st_size for file in recordings)
    return min(shutil.disk_usage(folder).free for folder in (staging, temporary)) < needed


def is_nearly_full(*folders: Path) -> bool:
    """Whether a disk has so little room left that nothing can be recorded on it."""
    return any(shutil.disk_usage(folder).free < _LEAST_BYTES for folder in folders)


@contextmanager
def explain_full_disk(folder: Path, explain: Callable[[], str]) -> Iterator[None]:
    """Raise DiskFullError, with what became of the run, for whatever says that there is no room."""
    try:
        yield
    except Exception as error:
        # SQLite calls it an I/O error when what it lacks is room for its shared memory.
        may_be_room = isinstance(error, StoreUnwritable) and is_nearly_full(folder)
        if is_disk_full(error) or may_be_room:
            raise DiskFullError(folder, explain()) from error
        raise
