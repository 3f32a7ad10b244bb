"""A private folder under TMPDIR for what is made of a trace on the way: unpacked and exported ones hold secrets.

It is held (``flock``) as long as it is used, so that whoever finds one that nobody holds may remove it: its process
was killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

PREFIX = "flopprof-trace-"


@contextmanager
def private_folder() -> Iterator[Path]:
    """An empty folder (0700) that is gone afterwards."""
    folder, descriptor = _make_held()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def remove_abandoned() -> None:
    """Remove the private folders of this user that no living process holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid != os.geteuid():
                continue
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                flock(descriptor, LOCK_EX | LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _make_held() -> tuple[Path, int]:
    """Between making a folder and holding it another process may take it for abandoned: then it is made again."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        with contextlib.suppress(OSError):  # a file system without locks; no lock, no sweeping
            flock(descriptor, LOCK_EX)
        if folder.exists():
            return folder, descriptor
        os.close(descriptor)
