"""Where many traces are analysed: processes of this machine, or a Dask cluster; and how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...analysis.engine.cluster import connect
from ...analysis.engine.pool import Pool, plan_jobs
from ...analysis.engine.tasks import Engine, Listener
from ...analysis.errors import RanksError
from .allocator import load_numpy


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """What the user asked for: so many processes, or a cluster."""

    jobs: int | None = None
    scheduler: str | None = None
    scheduler_file: Path | None = None

    @property
    def on_cluster(self) -> bool:
        """Whether a cluster is to do the work."""
        return self.scheduler is not None or self.scheduler_file is not None


@contextmanager
def open_engine(workers: Workers, paths: Sequence[Path]) -> Iterator[Engine]:
    """The engine asked for; by default processes, as many as cores and memory allow. Raises RanksError."""
    given = (workers.jobs, workers.scheduler, workers.scheduler_file)
    if sum(value is not None for value in given) > 1:
        raise RanksError(
            "give one of --jobs, --scheduler and --scheduler-file: where the traces are to be analysed"
        )
    if workers.jobs is not None and workers.jobs < 1:
        raise RanksError(f"--jobs must be at least 1, got {workers.jobs}")
    if workers.on_cluster:
        with connect(workers.scheduler, workers.scheduler_file) as cluster:
            yield cluster
        return
    yield Pool(jobs=workers.jobs or plan_jobs(paths), begin=load_numpy)


@contextmanager
def show_traces(
    names: Callable[[int], str], total: int, console: Console | None = None
) -> Iterator[Listener]:
    """A listener that moves a bar over traces on stderr; silent when that is no terminal."""
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("reading traces", total=total)

        def listen(task: int, done: bool) -> None:
            progress.update(bar, advance=1, description=f"{names(task)} {'read' if done else 'failed'}")

        yield listen
