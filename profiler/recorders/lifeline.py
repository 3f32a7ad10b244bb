"""A worker does not outlive the run it works for, however that ended.

The run holds a FIFO open; the kernel tells the worker (SIGIO, whose default is to end the process) when the
last holder is gone, also by ``kill -9``. It works through any number of processes in between, where a parent's
death signal would not (Nsight Systems starts its target from a daemon), and costs a measurement nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold_lifeline(folder: Path) -> Iterator[Path]:
    """A FIFO in ``folder`` that says, as long as this process has it open, that the run is alive."""
    path = folder / "lifeline"
    os.mkfifo(path, 0o600)
    # Also for reading: opened for writing alone, it would wait for the first worker.
    descriptor = os.open(path, os.O_RDWR)
    try:
        yield path
    finally:
        os.close(descriptor)


class Lifeline:
    """The worker's end."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._descriptor, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)

    @property
    def is_held(self) -> bool:
        """Whether the run is alive; asked where no signal could come: it ended before this process listened."""
        try:
            return os.read(self._descriptor, 1) != b""
        except BlockingIOError:
            return True
