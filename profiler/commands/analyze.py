"""`flopprof analyze`: any trace, read and shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...analysis.store.address import lookup_kept_run
from ...analysis.store.place import find_store
from ...analysis.trace.digest import Digest
from ...analysis.trace.open import find_trace
from ...analysis.words import GraphRanges, WindowClock
from ...reports.document.format import Format
from .output import tell

if TYPE_CHECKING:
    from ...analysis.breakdown.analyze import Analysis


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeOutcome:
    """What came of it."""

    report: Iterable[str]
    """Its text, in pieces: that of a million windows would not fit as a whole."""
    has_lost_data: bool


def analyze(request: AnalyzeRequest) -> AnalyzeOutcome:
    """Analyse one trace and render it. Raises TraceError, RunError."""
    trace = find_trace(_find_file(request.trace))
    digest = Digest(trace)  # half the file is digested when pandas is imported
    from ...analysis.attribution.steady_instances import Instances
    from ...analysis.breakdown.analyze import analyze_file
    from ...analysis.trace.quality import loses_data

    analysis = analyze_file(
        trace,
        range_glob=request.range_glob,
        domains=request.domains or None,
        window=request.window,
        graph_ranges=request.graph_ranges,
        wanted=Instances(exact_names=request.exact_names, skip=request.skip, every=request.every),
        announce=tell,
        digest=digest,
    )
    if request.csv is not None:
        from ...reports.data.trace_csv import write_analysis_csv

        write_analysis_csv(analysis, request.csv, raw=request.csv_raw)
    return AnalyzeOutcome(report=_render(analysis, request), has_lost_data=loses_data(analysis.quality))


def _find_file(trace: Path) -> Path:
    """The file or folder itself; what is none may be the name of a run of the store, such as ``latest``."""
    if trace.exists():
        return trace
    return lookup_kept_run(str(trace), find_store(None)) or trace


def _render(analysis: Analysis, request: AnalyzeRequest) -> Iterable[str]:
    if request.format == "json":
        from ...reports.render.json_text import stream_json

        return stream_json(analysis.parts())
    from ...reports.render.formats import render_document
    from ...reports.trace.compose import compose_analysis

    document = compose_analysis(analysis, full_names=request.full_names, timeline=request.format == "html")
    return [render_document(document, request.format)]
