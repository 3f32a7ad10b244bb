"""What tests let workers do; workers find it by its module."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from flopprof.scenarios.errors import FlopprofError


def double(value: int) -> int:
    return 2 * value


def fail(value: int) -> int:
    """Fail in each of the ways a task can."""
    if value == 0:
        raise FlopprofError("a.sqlite: is cut short")
    if value == 1:
        raise FileNotFoundError(2, "No such file or directory", "b.sqlite")
    if value == 2:
        raise MemoryError
    if value == 3:
        raise KeyError("a bug")
    return value


def wait_for(seconds: float, value: int) -> int:
    time.sleep(seconds)
    return value


def die_once(mark: str, value: int) -> int:
    """The first process that comes here is killed, as by the kernel when memory is out."""
    if value == 1 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def die(value: int) -> int:
    if value == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def read_number(path: str) -> int:
    """What stands in a file now."""
    return int(Path(path).read_text())


def count_waiting(dask_scheduler: Any) -> int:
    """Tasks that a Dask scheduler has and no worker runs yet."""
    return sum(task.state in ("queued", "waiting", "no-worker") for task in dask_scheduler.tasks.values())
