"""Starts of Nsight Systems take turns, and what a dead one left of the memory that all share is cleared away.

All of one version share one block of memory (``/dev/shm/NSys-VERSION``), and guard it by a file in TMPDIR, which is
private to each of flopprof's recordings. Of five started at once, two made the block at the same time; from then on
every nsys of the machine waited ten seconds and said "Agent launcher failed". Of 100 that took turns, none did.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import psutil

from .strays import end_strays

SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps the blocks that programs share by name (shm_overview(7))."""

PATIENCE_SECONDS = 30.0
"""A start takes half a second, and one that fails ten."""

FRESH_SECONDS = 5.0
"""A block so new may be in the making."""


class Turn:
    """The right to start one program; until ``end``, whoever waits for it waits."""

    def __init__(self, program: Path | None) -> None:
        self._descriptor = None if program is None else _hold(program)

    def end(self) -> None:
        """What was to start has started, or never will."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def turn_to_start(nsys: Path | None) -> Iterator[Turn]:
    """Wait for the turn to start an nsys, for half a minute at most; None waits for nothing."""
    turn = Turn(nsys)
    try:
        if nsys is not None:
            remove_remains()
        yield turn
    finally:
        turn.end()


def clear_failed_start(temporary: Path, folder: Path = SHARED_MEMORY) -> None:
    """End what a failed start left, whose TMPDIR was ``temporary``, and remove the block that it could not use.

    To be called in its turn: it would stop the next one, too. Who records meanwhile keeps the block that it has, and
    was seen to end well without its name.
    """
    end_strays(temporary)
    for block, _ in _list_own_blocks(folder):
        block.unlink(missing_ok=True)


def remove_remains(folder: Path = SHARED_MEMORY) -> None:
    """Remove this user's blocks that no process uses: a living nsys uses its own, and the last to end removes it."""
    latest = time.time() - FRESH_SECONDS
    blocks = [block for block, changed in _list_own_blocks(folder) if changed < latest]
    used = _used_files(folder) if blocks else set[str]()
    for block in blocks:
        if str(block) not in used:
            block.unlink(missing_ok=True)


def _list_own_blocks(folder: Path) -> Iterator[tuple[Path, float]]:
    """This user's blocks of any version, and when each was last changed, in seconds of the epoch."""
    for block in folder.glob("NSys-*"):
        with contextlib.suppress(OSError):
            status = block.lstat()
            if status.st_uid == os.geteuid():
                yield block, status.st_mtime


def _used_files(folder: Path) -> set[str]:
    """The files below a folder that processes have in their memory, as far as this user may see."""
    used: set[str] = set()
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, UnicodeError):
            maps = Path(f"/proc/{process.pid}/maps").read_text("utf-8", "replace")
            used.update(line.split(maxsplit=5)[5] for line in maps.splitlines() if f" {folder}/" in line)
    return used


def _hold(program: Path) -> int | None:
    """Hold a program's own file, which all who start it have; None where that cannot be, or takes too long."""
    try:
        descriptor = os.open(program, os.O_RDONLY)
    except OSError:
        return None
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < until:
                time.sleep(0.02)
                continue
        except OSError:  # a file system without locks
            pass
        else:
            return descriptor
        os.close(descriptor)
        return None
