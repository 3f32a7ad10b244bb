"""What `flopprof profile` and `flopprof counters` do at the terminal: record, analyse, and tell on standard error.

Standard output is the program's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...analysis.breakdown.analyze import analyze_file
from ...analysis.store.place import find_store
from ...reports.document.format import Format
from ...reports.render.formats import render_document
from ...reports.render.json_text import stream_json
from ...reports.trace.compose import compose_analysis
from ...reports.trace.counters_report import compose_counters
from ...scenarios.errors import FlopprofError
from ..errors import ProfileError
from ..program.capture_range import MOST_CAPTURES, parse_capture_range
from ..program.count_program import CountOutcome, CountRequest, count_program
from ..program.recording import OWN_FAILURE, ProfileRequest, profile_program
from ..recorders.folders import make_empty_folder, new_run_id
from .output import emit, tell

REPORTS: dict[str, Format] = {
    "report.md": "markdown",
    "report.html": "html",
    "report.txt": "text",
}

COUNTERS_REPORTS: dict[str, Format] = {
    "report.md": "markdown",
    "report.html": "html",
    "counters.json": "json",
    "report.txt": "text",
}


def profile_and_report(
    command: Sequence[str],
    *,
    out: Path | None,
    capture_range: str | None,
    passed_on: Sequence[str],
    keep_report: bool,
    gpu_metrics_hz: int | None = None,
) -> int:
    """Profile a command and show its analysis; the exit code. Raises ProfileError."""
    try:
        request = ProfileRequest(
            command=command,
            out=out,
            capture_range=parse_capture_range(capture_range),
            passed_on=passed_on,
            keep_report=keep_report,
            gpu_metrics_hz=gpu_metrics_hz,
        )
        outcome = profile_program(request, _say)
    except ProfileError:
        raise
    except (FlopprofError, OSError) as error:
        raise ProfileError(str(error)) from error
    if outcome.warning:
        _say(outcome.warning)
    if outcome.folder is None:
        _say(str(outcome.problem))
        return outcome.exit_code
    folders = [outcome.folder, *sorted(outcome.folder.glob("captures/*"), key=lambda found: int(found.name))]
    if len(folders) > 1:
        _say(_describe_captures(len(folders), outcome.folder))
    written = [_report(folder) for folder in folders]
    return outcome.exit_code if all(written) else outcome.exit_code or OWN_FAILURE


def _describe_captures(count: int, folder: Path) -> str:
    most = f"; no more than {MOST_CAPTURES} are recorded, later ones are left out" * (count == MOST_CAPTURES)
    return (
        f"the capture range came {count} times{most}: the first is in {folder}, the others, each with its report, "
        f"in {folder / 'captures'}"
    )


def _report(folder: Path) -> bool:
    try:
        analysis = analyze_file(folder / "trace.sqlite")
        document = compose_analysis(analysis, timeline=True)
        text = ""
        for name, format in REPORTS.items():
            text = render_document(document, format)
            emit(text, folder / name)
        emit("".join(stream_json(analysis.parts())), folder / "analysis.json")
    except (FlopprofError, OSError) as error:
        _say(f"the trace is in {folder}, but its report could not be written: {error}")
        return False
    tell(f"{text}\nfiles: {folder}")
    return True


def count_and_report(request: CountRequest, out: Path | None) -> int:
    """Count a command's kernels and show them; the exit code. Raises ProfileError, OutputFolderError."""
    name = new_run_id(f"counters-{Path(request.command[0]).name}", datetime.now(UTC))
    if out is not None:
        make_empty_folder(out, name)  # before the program has run for nothing
    outcome = count_program(request)
    if outcome.counters is None:
        tell(f"flopprof: {outcome.problem}")
        if out is not None and out.exists() and not any(out.iterdir()):
            out.rmdir()
        return outcome.exit_code or OWN_FAILURE
    _report_counters(outcome, make_empty_folder(out, name, store=find_store(None)))
    return outcome.exit_code


def _report_counters(outcome: CountOutcome, folder: Path) -> None:
    assert outcome.counters is not None
    document = compose_counters(outcome.counters)
    text = ""
    for name, format in COUNTERS_REPORTS.items():
        text = render_document(document, format)
        emit(text, folder / name)
    tell(f"{text}\nfiles: {folder}")


def _say(line: str) -> None:
    tell(f"flopprof: {line}")
