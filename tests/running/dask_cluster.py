"""A Dask cluster as a user starts one: `dask scheduler` and `dask worker`, processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from distributed import Client

from running.patience import PATIENCE_SECONDS, wait_until


@dataclass
class DaskCluster:
    """A running scheduler, its file, and its workers."""

    folder: Path
    scheduler_file: Path
    address: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *arguments: str, path: Sequence[Path] = ()) -> subprocess.Popen[bytes]:
        before = os.environ.get("PYTHONPATH", "")
        searched = os.pathsep.join([*map(str, path), *([before] if before else [])])
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"{arguments[0]}-{len(self.processes)}.log").open("wb"),
            env={**os.environ, "PYTHONPATH": searched},
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def start_worker(self, *, path: Sequence[Path] = ()) -> subprocess.Popen[bytes]:
        """One worker of one thread, without a nanny: a worker that is killed stays dead."""
        options = ("--nthreads=1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        file = f"--scheduler-file={self.scheduler_file}"
        return self.start("worker", file, *options, path=path)

    def wait_for_workers(self, count: int) -> None:
        with Client(scheduler_file=str(self.scheduler_file), set_as_default=False) as client:
            if count:
                client.wait_for_workers(count, timeout=PATIENCE_SECONDS)
            self.address = str(client.scheduler_info(n_workers=0)["address"])


@contextmanager
def dask_cluster(folder: Path, workers: int, *, path: Sequence[Path] = ()) -> Iterator[DaskCluster]:
    """A scheduler with so many workers, all ended afterwards; `path` is added to where they find modules."""
    cluster = DaskCluster(folder=folder, scheduler_file=folder / "scheduler.json")
    try:
        cluster.start(
            "scheduler",
            f"--scheduler-file={cluster.scheduler_file}",
            "--port=0",
            "--no-dashboard",
            "--no-show",
            path=path,
        )
        wait_until(cluster.scheduler_file.exists)
        for _ in range(workers):
            cluster.start_worker(path=path)
        cluster.wait_for_workers(workers)
        yield cluster
    finally:
        end_all(cluster.processes)


def end_all(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Kill processes and their children."""
    for process in processes:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.wait()
