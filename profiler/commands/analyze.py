"""`flopprof analyze`: any trace, read and shown."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...analysis.trace.digest import Digest
from ...analysis.trace.open import find_trace
from ...analysis.words import GraphRanges, WindowClock
from ...reports.document.format import Format

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
    full_names: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeOutcome:
    """What came of it."""

    report: str
    has_lost_data: bool


def analyze(request: AnalyzeRequest) -> AnalyzeOutcome:
    """Analyse one trace and render it. Raises TraceError, RunError."""
    trace = find_trace(request.trace)
    digest = Digest(trace)  # half the file is digested when pandas is imported
    from ...analysis.breakdown.analyze import analyze_file
    from ...analysis.trace.quality import loses_data

    analysis = analyze_file(
        trace,
        range_glob=request.range_glob,
        domains=request.domains or None,
        window=request.window,
        graph_ranges=request.graph_ranges,
        announce=lambda line: print(line, file=sys.stderr),
        digest=digest,
    )
    if request.csv is not None:
        from ...reports.data.trace_csv import write_analysis_csv

        write_analysis_csv(analysis, request.csv)
    return AnalyzeOutcome(report=_render(analysis, request), has_lost_data=loses_data(analysis.quality))


def _render(analysis: Analysis, request: AnalyzeRequest) -> str:
    if request.format == "json":
        from ...reports.render.json_text import render_json

        return render_json(analysis.to_json())
    from ...reports.render.formats import render_document
    from ...reports.trace.compose import compose_analysis

    return render_document(compose_analysis(analysis, full_names=request.full_names), request.format)
