"""What the commands about kept runs do: each a library call or two, and its result as text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ...analysis.programs.folder_kind import is_job_folder, is_program_folder
from ...analysis.store.address import check_tag, find_line, find_run
from ...analysis.store.database import read_store, tag_run, untag_run
from ...analysis.store.listing import numbers_of_runs
from ...analysis.store.place import find_store, in_store
from ...analysis.store.queries import RunLine, read_run
from ...analysis.words import FORMAT
from ...reports.document.format import Format
from ...reports.kept.runs import show_run
from ...reports.program.folder_report import compose_folder
from ...reports.render.json_text import render_json
from ...reports.render.screen import Screen
from ..terminal.outcome import tell_written
from ..terminal.output import emit, tell


def find_kept_run(address: str, store: Path) -> RunLine:
    """A run of the store by any of its names, its folder's path among them. Raises UnknownRun, StoreError."""
    path = Path(address)
    is_kept = path.is_dir() and in_store(path, store)
    return find_line(path.name if is_kept else address, store, gone=True)


def show_kept_run(address: str, store: Path | None, screen: Screen, *, as_json: bool) -> str:
    """A run of the store, from its database alone where that can be kept. Raises UnknownRun, StoreError."""
    folder = find_store(store)
    line = find_kept_run(address, folder)
    with numbers_of_runs(folder) as readable, read_store(readable) as connection:
        found = read_run(connection, line.id) if connection else None
    if found is None:
        if as_json:
            return render_json({"flopprof": FORMAT, "run": None, "steps": []})
        why = "is being written" if line.status == "running" else "cannot be read; 'flopprof runs' says why"
        return f"{line.id} {why}"
    if as_json:
        run = found["run"] | {"status": line.status, "folder": str(folder / line.folder)}
        return render_json({"flopprof": FORMAT, "run": run, "steps": found["steps"]})
    return show_run(found, line, folder, screen)


def tag_kept_run(address: str, name: str, store: Path | None, *, remove: bool) -> str:
    """Tag a run, or take a tag from it. Raises UnknownRun, StoreError."""
    folder = find_store(store)
    line = find_kept_run(address, folder)
    if remove:
        if name not in line.tags:
            return f"{line.id} has no tag {name}"
        untag_run(folder, name)
        return f"{line.id} is no longer {name}"
    check_tag(name, folder)
    tag_run(folder, line.id, name)
    return f"{line.id} is {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """A report that is asked for again."""

    address: str
    format: Format
    out: Path | None
    figures: Path | None
    force: bool
    store: Path | None


def report_kept_run(request: ReportRequest, screen: Screen, *, open_it: bool) -> Path | None:
    """Print or write a report; the page to open, if one is wanted. Raises UnknownRun, RunError, TraceError."""
    from ...analysis.runs.writing import refuse_existing
    from ...reports.render.formats import render_document, write_images

    refuse_existing([request.out], force=request.force)
    folder = find_run(request.address, find_store(request.store))
    document = compose_folder(folder)
    if request.figures is not None:
        written = write_images(document, request.figures, force=request.force)
        tell_written(written)
        if not written:
            tell(f"the report of {folder.name} has no figures; its HTML form has pictures")
    if request.out is not None:
        emit(render_document(document, request.format), request.out)
        tell_written([request.out])
    elif not open_it:
        emit(render_document(document, request.format, screen), None, coloured=screen.colour)
    if not open_it:
        return None
    if request.out is not None and request.format == "html":
        return request.out
    page = folder / "report.html"
    if not page.is_file():
        emit(render_document(document, "html"), page)
        tell_written([page])
    return page


def export_kept_run(address: str, out: Path | None, store: Path | None, *, force: bool) -> str:
    """Write a run's archive. Raises UnknownRun, StoreError, RunError, TraceError, ScrubError."""
    from ...analysis.archives.archive import export_run
    from ...analysis.runs.writing import refuse_existing

    run = find_run(address.removesuffix(".zip"), find_store(store))
    target = out or (Path(address) if address.endswith(".zip") else Path(f"{run.name}.zip"))
    refuse_existing([target], force=force)
    export_run(run, target)
    return str(target)


def import_kept_run(archive: Path, store: Path | None) -> str:
    """Take in an archive and record its run. Raises ArchiveRefused, StoreError."""
    from ...analysis.archives.import_run import import_run
    from ...analysis.runs.account import account_run
    from ...analysis.store.listing import record_folder
    from ...reports.run.publish import write_reports

    def finish(made: Path, target: Path) -> None:
        if is_program_folder(made):
            from ...analysis.programs.folder import analyse_program, read_program_folder
            from ...reports.program.compose import write_program_reports

            program = read_program_folder(made)
            analysis = analyse_program(program)
            write_program_reports(replace(program, path=target), analysis, made)
            return
        if is_job_folder(made):
            _report_job(made, target)
            return
        write_reports(replace(account_run(made), folder=str(target)), made)

    folder = find_store(store)
    run = import_run(archive, folder, finish)
    record_folder(folder, run.name)
    return str(run)


def _report_job(made: Path, target: Path) -> None:
    """The reports of a job that is about to lie elsewhere."""
    from ...analysis.ranks.whole_job import RanksRequest
    from ..terminal.workers import Workers
    from .ranks import read_job, write_job_reports

    write_job_reports(read_job((made,), RanksRequest(), Workers()).moved(made, target), made)


def show_history_of(
    scenario: str,
    step: str | None,
    png: Path | None,
    store: Path | None,
    screen: Screen,
    *,
    as_json: bool,
    force: bool,
) -> str:
    """The history of a scenario's steps, and its picture if asked for. Raises UnknownRun, StoreError."""
    from ...analysis.runs.writing import refuse_existing
    from ...analysis.store.history import read_history
    from ...reports.kept.history import history_to_json, show_history
    from ...reports.kept.history_plot import draw_history
    from ..terminal.output import write_output

    refuse_existing([png], force=force)
    series = read_history(scenario, find_store(store), step)
    if png is not None:
        write_output(draw_history(scenario, series), png)
        tell_written([png])
    if as_json:
        return render_json(history_to_json(scenario, series))
    return show_history(scenario, series, screen)
