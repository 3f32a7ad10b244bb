"""What `flopprof profile` does at the terminal: profile, analyse, and tell on standard error.

Standard output is the program's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...analysis.breakdown.analyze import analyze_file
from ...reports.document.format import Format
from ...reports.render.formats import render_document
from ...reports.trace.compose import compose_analysis
from ...scenarios.errors import FlopprofError
from ..errors import ProfileError
from ..program.capture_range import parse_capture_range
from ..program.recording import OWN_FAILURE, ProfileRequest, profile_program
from .output import emit, tell

REPORTS: dict[str, Format] = {
    "report.md": "markdown",
    "report.html": "html",
    "analysis.json": "json",
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
    return outcome.exit_code if _report(outcome.folder) else outcome.exit_code or OWN_FAILURE


def _report(folder: Path) -> bool:
    try:
        document = compose_analysis(analyze_file(folder / "trace.sqlite"))
        text = ""
        for name, format in REPORTS.items():
            text = render_document(document, format)
            emit(text, folder / name)
    except (FlopprofError, OSError) as error:
        _say(f"the trace is in {folder}, but its report could not be written: {error}")
        return False
    tell(f"{text}\nfiles: {folder}")
    return True


def _say(line: str) -> None:
    tell(f"flopprof: {line}")
