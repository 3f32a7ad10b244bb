"""What `flopprof profile` does at the terminal: profile, analyse, and tell on standard error.

Standard output is the program's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...analysis.breakdown.analyze import analyze_file
from ...reports.document.format import Format
from ...reports.render.formats import render_document
from ...reports.render.json_text import stream_json
from ...reports.trace.compose import compose_analysis
from ...scenarios.errors import FlopprofError
from ..errors import ProfileError
from ..program.capture_range import MOST_CAPTURES, parse_capture_range
from ..program.recording import OWN_FAILURE, ProfileRequest, profile_program
from .output import emit, tell

REPORTS: dict[str, Format] = {
    "report.md": "markdown",
    "report.html": "html",
    "report.txt": "text",
}


def profile_and_report(
    command: Sequence[str],
    *,
    out: Path | None,
    capture_range: str | None,
    passed_on: Sequence[str],
    keep_report: bool,
) -> int:
    """Profile a command and show its analysis; the exit code. Raises ProfileError."""
    try:
        request = ProfileRequest(
            command=command,
            out=out,
            capture_range=parse_capture_range(capture_range),
            passed_on=passed_on,
            keep_report=keep_report,
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
        document = compose_analysis(analysis)
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


def _say(line: str) -> None:
    tell(f"flopprof: {line}")
