"""Tasks on a Dask cluster, whose workers read the traces where they are: on a file system that all share.

Needs the extra ``flopprof[cluster]``; nothing of Dask is imported before a cluster is asked for.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import RanksError

CONNECT_SECONDS = 20

ALONE_SECONDS = 60
"""So long without any worker, and nothing more is expected."""


@dataclass(slots=True, kw_only=True)
class Cluster:
    """A connected Dask cluster; use `connect`."""

    client: Any
    address: str
    at_once: int | None = None
    remote: bool = True
    _alone_since: float | None = field(default=None, init=False)

    @contextmanager
    def open(self, tasks: int) -> Iterator[Executor]:  # noqa: ARG002
        """The cluster as an executor; when it is left by an exception all tasks are cancelled.

        Results are never taken from memory for a call that looks the same (pure=False): a trace recorded again under
        its name is another one.
        """
        executor = self.client.get_executor(pure=False)
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False)  # which for Dask means to cancel what has not ended
            raise
        executor.shutdown()

    def is_loss(self, error: BaseException) -> bool:
        """Dask says so after a task's workers died several times."""
        return type(error).__name__ in ("KilledWorker", "CommClosedError")

    def explain(self, error: BaseException) -> str | None:
        """The scheduler reads tasks, too, before it gives them to workers."""
        if "deserialization of the task graph" not in str(error):
            return None
        return (
            f"the Dask scheduler at {self.address} lacks what the tasks need; "
            "install the same flopprof there as here and on the workers"
        )

    def why_stuck(self) -> str | None:
        """A cluster without workers keeps tasks for ever."""
        if self.client.scheduler_info(n_workers=-1)["workers"]:
            self._alone_since = None
            return None
        self._alone_since = self._alone_since or time.monotonic()
        alone = time.monotonic() - self._alone_since
        return f"the cluster at {self.address} has no workers any more" if alone > ALONE_SECONDS else None


@contextmanager
def connect(address: str | None, scheduler_file: Path | None) -> Iterator[Cluster]:
    """A cluster by its scheduler's address, or the file it wrote it into. Raises RanksError."""
    try:
        from distributed import Client
    except ImportError:
        raise RanksError(
            "a cluster needs Dask, which is not installed: pip install 'flopprof[cluster]'"
        ) from None
    where = address or str(scheduler_file)
    if scheduler_file is not None and not scheduler_file.is_file():
        raise RanksError(f"{scheduler_file}: no such file; `dask scheduler --scheduler-file FILE` writes it")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said by us, in one line
    options: dict[str, Any] = {"address": address} if address else {"scheduler_file": str(scheduler_file)}
    try:
        client = Client(**options, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise RanksError(f"no Dask scheduler answers at {where} ({_first_line(error)})") from None
    try:
        _require_workers(client, where)
        yield Cluster(client=client, address=where)
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=5)


def _require_workers(client: Any, where: str) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError:
        raise RanksError(
            f"the Dask scheduler at {where} has no workers; start some: dask worker {where}"
        ) from None


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
