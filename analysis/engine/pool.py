"""Tasks in processes of this machine."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1  # linux/prctl.h

BYTES_PER_BYTE = 8
"""Memory that analysing takes for each byte of a plain trace, at most: measured, 5."""

BASE_BYTES = 250 << 20

PACKED = 8
"""How much larger a packed trace or a recording is when it is plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """As many processes as `jobs`, each begun afresh, so that nothing of this one's state is in them."""

    jobs: int
    begin: Callable[[], None] | None = None
    """Called in every process before its first task."""
    remote: bool = False

    @property
    def at_once(self) -> int | None:
        """No more tasks than processes are given out: a process that dies takes all that were given out along."""
        return self.jobs

    @contextmanager
    def open(self, tasks: int) -> Iterator[Executor]:
        """A pool of processes; when it is left by an exception they are killed, and gone."""
        others = set(multiprocessing.active_children())
        executor = ProcessPoolExecutor(
            max_workers=max(min(self.jobs, tasks), 1),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=begin_process,
            initargs=(self.begin,),
        )
        try:
            yield executor
        except BaseException:
            mine = [child for child in multiprocessing.active_children() if child not in others]
            for child in mine:
                child.kill()
            executor.shutdown(wait=False, cancel_futures=True)
            for child in mine:
                child.join()
            raise
        executor.shutdown()

    def is_loss(self, error: BaseException) -> bool:
        """A process that is gone breaks the whole pool."""
        return isinstance(error, BrokenExecutor)

    def explain(self, error: BaseException) -> str | None:  # noqa: ARG002
        """Processes of this machine have the same flopprof."""
        return None

    def why_stuck(self) -> str | None:
        """A pool that has lost a process says so by itself."""
        return None


def begin_process(begin: Callable[[], None] | None) -> None:
    """Leave Ctrl-C to the process that gives out tasks, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):  # elsewhere than on Linux
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if begin is not None:
        begin()


def plan_jobs(paths: Sequence[Path]) -> int:
    """How many processes to use: one less than there are cores, and no more than have room for the largest traces."""
    cores = max((multiprocessing.cpu_count() or 1) - 1, 1)
    needs = sorted((_needed_bytes(path) for path in paths), reverse=True)
    room, jobs = psutil.virtual_memory().available, 0
    for need in needs[:cores]:
        room -= need
        jobs += room >= 0
    return max(min(cores, jobs, len(paths)), 1)


def _needed_bytes(path: Path) -> int:
    try:
        size = path.stat().st_size
    except OSError:
        return BASE_BYTES
    return BASE_BYTES + BYTES_PER_BYTE * size * (1 if path.suffix == ".sqlite" else PACKED)
