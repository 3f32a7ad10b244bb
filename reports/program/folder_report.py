"""The report of a folder of the store, whatever was recorded in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...analysis.programs.folder_kind import is_job_folder, is_program_folder
from ..document.document import Document


def compose_folder(folder: Path, shown_as: str | None = None) -> Document:
    """What a run's report, or a recorded program's or job's, says; its folder by another name, if one is given.

    Raises RunError, TraceError, RanksError.
    """
    if is_job_folder(folder):
        return _compose_job(folder, shown_as)
    if is_program_folder(folder):
        return _compose_program(folder, shown_as)
    from ...analysis.runs.account import account_run
    from ..run.compose import compose

    run = account_run(folder)
    return compose(run if shown_as is None else replace(run, folder=shown_as))


def _compose_program(folder: Path, shown_as: str | None) -> Document:
    from ...analysis.programs.folder import analyse_program, read_program_folder
    from .compose import compose_program

    program = read_program_folder(folder)
    analysis = analyse_program(program)
    if shown_as is not None:
        program = replace(program, path=Path(shown_as))
        analysis = replace(analysis, trace=replace(analysis.trace, path=program.trace))
    return compose_program(program, analysis)


def _compose_job(folder: Path, shown_as: str | None) -> Document:
    from ...analysis.engine.pool import Pool, plan_jobs
    from ...analysis.errors import RunError
    from ...analysis.programs.job_folder import read_job_folder
    from ...analysis.ranks.naming import list_folder
    from ...analysis.ranks.whole_job import RanksRequest, analyse_job
    from ..ranks.compose import compose_job

    traces = list_folder(folder)
    size = read_job_folder(folder).record.ranks
    job = analyse_job(traces, Pool(jobs=plan_jobs(traces)), RanksRequest(size=size))
    if not job.done:
        raise RunError(folder, f"no rank of it can be read: {job.rows[0].reason}")
    return replace(compose_job(job), folder=shown_as or str(folder))
