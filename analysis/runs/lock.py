"""Who is writing in a folder: a lock that the kernel takes back however its holder ends.

The folder itself is locked (``flock``), so nothing is left behind by a killed process, and a process id that
was given to another process cannot be mistaken for the holder.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HELD = (errno.EWOULDBLOCK, errno.EACCES)


class FolderHeld(Exception):
    """Another process holds the folder."""


@contextmanager
def hold_folder(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Be the only one who holds ``folder``; with ``wait`` as soon as the present holder lets go.

    A file system without locks (some network ones) lets everyone hold it. Raises FolderHeld, and FileNotFoundError
    also for a folder that its last holder took away.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), folder)
        if not os.path.samestat(os.fstat(descriptor), folder.stat()):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        yield
    finally:
        os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a living process holds the folder; a folder that is gone is held by nobody."""
    try:
        # Shared, so that two who ask at once do not take each other for the holder.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        _lock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, folder)
    except FolderHeld:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int, operation: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, operation)
    except OSError as error:
        if error.errno in _HELD:
            raise FolderHeld(str(folder)) from None
