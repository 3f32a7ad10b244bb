"""`flopprof analyze`: any trace, read and shown; or many, each for itself, in one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from ...analysis.breakdown.asked import refuse_clock_alone
from ...analysis.errors import RanksError, TraceError
from ...analysis.programs.folder_kind import is_program_folder
from ...analysis.trace.digest import Digest
from ...analysis.trace.open import RECORDING_SUFFIXES, find_trace, open_trace_file
from ...analysis.trace.split_export import count_cores
from ...analysis.words import GraphRanges, WindowClock
from ...reports.document.format import Format
from ...reports.render.screen import PLAIN, Screen
from ..terminal.outcome import tell_written
from ..terminal.output import tell

if TYPE_CHECKING:
    from ...analysis.breakdown.analyze import Analysis
    from ...analysis.many.many_traces import ManyTraces
    from ...reports.document.document import Document
    from ..terminal.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeRequest:
    """What the user asked for."""

    trace: Path
    range_glob: str | None = None
    domains: tuple[str, ...] = ()
    window: WindowClock = "host"
    graph_ranges: GraphRanges = "launch"
    format: Format = "text"
    csv: Path | None = None
    csv_raw: bool = False
    full_names: bool = False
    exact_names: bool = False
    skip: int | None = None
    every: bool = False
    keep_export: bool = False
    screen: Screen = PLAIN
    force: bool = False
    """Whether CSV files may be overwritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeOutcome:
    """What came of it."""

    report: Iterable[str]
    """Its text, in pieces: that of a million windows would not fit as a whole."""
    has_lost_data: bool
    has_failures: bool = False


def analyze(request: AnalyzeRequest) -> AnalyzeOutcome:
    """Analyse one trace and render it. Raises TraceError, RunError."""
    place = _find_file(request.trace)
    if request.skip is not None and request.every:
        raise TraceError(place, "--all measures every step and --skip leaves some out: give one of them")
    refuse_clock_alone(place, request.range_glob, request.window)  # before an export of minutes
    trace = find_trace(place)
    digest = Digest(trace)  # half the file is digested when pandas is imported
    if trace.suffix in RECORDING_SUFFIXES:
        Thread(target=_load, daemon=True).start()  # which is done when nsys has exported
    with open_trace_file(trace, announce=tell, cores=count_cores(), keep=request.keep_export) as opened:
        from ...analysis.attribution.steady_instances import Instances
        from ...analysis.breakdown.analyze import analyze_file
        from ...analysis.codes.lossy import loses_data

        analysis = analyze_file(
            trace,
            range_glob=request.range_glob,
            domains=request.domains or None,
            window=request.window,
            graph_ranges=request.graph_ranges,
            wanted=Instances(exact_names=request.exact_names, skip=request.skip, every=request.every),
            digest=digest,
            opened=opened,
        )
    if request.csv is not None:
        from ...reports.data.trace_csv import write_analysis_csv

        tell_written(write_analysis_csv(analysis, request.csv, raw=request.csv_raw, force=request.force))
    return AnalyzeOutcome(
        report=_render(analysis, place, request), has_lost_data=loses_data(analysis.quality)
    )


def _load() -> None:
    """Import what analyses; what fails here fails again where it is imported to be used."""
    with suppress(Exception):
        from ...analysis.breakdown.analyze import analyze_file  # noqa: F401


def find_files(names: Sequence[Path]) -> list[Path]:
    """The files and folders themselves; what is none may be the name of a run of the store, such as ``latest``."""
    return [_find_file(name) for name in names]


def lists_many(paths: Sequence[Path]) -> bool:
    """Whether paths mean several traces: more than one of them, or a folder that holds more than one."""
    if len(paths) > 1:
        return True
    if not paths[0].is_dir():
        return False
    from ...analysis.ranks.naming import list_folder

    try:
        return len(list_folder(paths[0])) > 1
    except RanksError:
        return False


def analyze_many(paths: Sequence[Path], request: AnalyzeRequest, workers: Workers) -> AnalyzeOutcome:
    """Analyse many traces, each for itself. Raises RanksError; a trace that fails is a row that says why."""
    from ...analysis.codes.lossy import loses_data
    from ...analysis.many.many_traces import analyze_traces
    from ...analysis.many.trace_summary import SummaryRequest
    from ...analysis.ranks.naming import find_traces
    from ..terminal.workers import open_engine, show_traces

    _refuse_options_of_one(request)
    found = find_traces(paths)
    with open_engine(workers, found) as engine, show_traces(lambda at: found[at].name, len(found)) as listen:
        wanted = SummaryRequest(
            domains=request.domains or None,
            graph_ranges=request.graph_ranges,
            exact_names=request.exact_names,
        )
        many = analyze_traces(found, engine, wanted, listen)
    done = [row.summary for row in many.rows if row.summary is not None]
    if not done:
        raise RanksError(str(many.rows[0].reason))
    if request.csv is not None:
        from ...reports.data.many_csv import write_many_csv

        tell_written(write_many_csv(many, request.csv, raw=request.csv_raw, force=request.force))
    return AnalyzeOutcome(
        report=_render_many(many, request),
        has_lost_data=any(loses_data(one.quality) for one in done),
        has_failures=len(done) < len(many.rows),
    )


def _refuse_options_of_one(request: AnalyzeRequest) -> None:
    if request.range_glob is not None:
        raise RanksError(
            "--range cuts windows of one trace; of several, give --domain, or one trace at a time"
        )
    if request.window == "device":
        raise RanksError("--window device cuts windows of ranges; give one trace at a time with --range GLOB")
    if request.skip is not None or request.every:
        name = "--all" if request.every else "--skip"
        raise RanksError(f"{name} chooses what steps of one trace are measured by; give one trace at a time")
    if request.keep_export:
        raise RanksError("--keep-export keeps the export of one trace; give one trace at a time")


def _render_many(many: ManyTraces, request: AnalyzeRequest) -> Iterable[str]:
    from ...reports.render.formats import render_document
    from ...reports.trace.many_traces import compose_many

    return [render_document(compose_many(many), request.format, request.screen)]


def _find_file(trace: Path) -> Path:
    """The file or folder itself; what is none may be the name of a run of the store, such as ``latest``."""
    if trace.exists():
        return trace
    from ...analysis.store.address import lookup_kept_run
    from ...analysis.store.place import find_store

    return lookup_kept_run(str(trace), find_store(None)) or trace


def _render(analysis: Analysis, place: Path, request: AnalyzeRequest) -> Iterable[str]:
    if request.format == "json":
        from ...reports.render.json_text import stream_json

        return stream_json(analysis.parts())
    from ...reports.render.formats import render_document
    from ...reports.trace.compose import compose_analysis

    document = compose_analysis(analysis, full_names=request.full_names, timeline=request.format == "html")
    if is_program_folder(place):
        document = _add_python(document, place, analysis)
    return [render_document(document, request.format, request.screen)]


def _add_python(document: Document, program: Path, analysis: Analysis) -> Document:
    """The document with where the program's Python was, as its report has it; unchanged if that was not sampled."""
    from ...analysis.programs.folder import read_samples
    from ...analysis.programs.folder_kind import PROFILE
    from ...analysis.programs.record import ProfileRecord
    from ...analysis.runs.folder import read_record
    from ...reports.program.compose import with_python

    samples = read_samples(program)
    if samples is None:
        return document
    return with_python(document, samples, read_record(program / PROFILE, ProfileRecord).title, analysis)
