"""`flopprof ranks`: the traces of a job's ranks, read where they are, set against each other, and shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ...analysis.codes.lossy import loses_data
from ...analysis.errors import RanksError
from ...analysis.programs.folder_kind import is_job_folder
from ...analysis.programs.job_folder import read_job_folder
from ...analysis.ranks.naming import find_traces
from ...analysis.ranks.whole_job import JobAnalysis, RanksRequest, analyse_job
from ...reports.document.format import Format
from ...reports.document.numbers import count_noun
from ...reports.program.compose import REPORTS
from ...reports.render.screen import PLAIN, Screen
from ..terminal.outcome import tell_written
from ..terminal.output import emit
from ..terminal.workers import Workers, open_engine, show_traces


@dataclass(frozen=True, slots=True, kw_only=True)
class RanksCommand:
    """What the user asked for."""

    paths: tuple[Path, ...]
    request: RanksRequest
    workers: Workers
    format: Format = "text"
    csv: Path | None = None
    csv_raw: bool = False
    screen: Screen = PLAIN
    force: bool = False
    """Whether CSV files may be overwritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RanksOutcome:
    """What came of it."""

    report: str
    has_failures: bool
    has_lost_data: bool


def analyse_ranks(command: RanksCommand) -> RanksOutcome:
    """Analyse a job and render it. Raises RanksError, also when no trace could be read at all."""
    job = read_job(command.paths, command.request, command.workers)
    if command.csv is not None:
        from ...reports.data.ranks_csv import write_job_csv

        tell_written(write_job_csv(job, command.csv, raw=command.csv_raw, force=command.force))
    failed = any(row.reason is not None for row in job.rows)
    lost = loses_data(job.quality) or any(row.summary and loses_data(row.summary.quality) for row in job.rows)
    return RanksOutcome(
        report=render_job(job, command.format, command.screen), has_failures=failed, has_lost_data=lost
    )


def read_job(given: tuple[Path, ...], request: RanksRequest, workers: Workers) -> JobAnalysis:
    """The analysis of the traces that paths mean; of a job's folder it is known how many there were to be.

    Raises RanksError, RunError.
    """
    if request.skip < 0:
        raise RanksError(f"--skip must be at least 0, got {request.skip}")
    paths = find_traces(given)
    if request.size is None and len(given) == 1 and is_job_folder(given[0]):
        request = replace(request, size=read_job_folder(given[0]).record.ranks)
    with (
        open_engine(workers, paths) as engine,
        show_traces(lambda task: paths[task % len(paths)].name, 2 * len(paths)) as listen,
    ):
        job = analyse_job(paths, engine, request, listen)
    if not job.done:
        first = job.rows[0]
        more = f"; and {count_noun(len(job.rows) - 1, 'more trace')} failed" if len(job.rows) > 1 else ""
        words = first.reason or "could not be read"
        raise RanksError((words if str(first.path) in words else f"{first.path}: {words}") + more)
    return job


def write_job_reports(job: JobAnalysis, folder: Path) -> str:
    """The job in every format, into its folder; its text. Raises OSError, RunError."""
    text = ""
    for name, format in REPORTS.items():
        text = render_job(job, format)
        emit(text, folder / name)
    emit(render_job(job, "json"), folder / "ranks.json")
    return text


def render_job(job: JobAnalysis, format: Format, screen: Screen = PLAIN) -> str:
    """The job in one format."""
    if format == "json":
        from ...reports.data.ranks_json import job_to_json
        from ...reports.render.json_text import render_json

        return render_json(job_to_json(job))
    from ...reports.ranks.compose import compose_job
    from ...reports.render.formats import render_document

    return render_document(compose_job(job), format, screen)
