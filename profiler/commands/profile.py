"""What `flopprof profile` and `flopprof counters` do at the terminal: record, analyse, and tell on standard error.

Standard output is the program's alone.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ...analysis.breakdown.analyze import Analysis
from ...analysis.programs.folder import ProgramFolder, analyse_program, read_program_folder
from ...analysis.store.database import record_program
from ...analysis.store.place import find_store, in_store
from ...analysis.words import RecorderChoice
from ...reports.document.format import Format
from ...reports.program.compose import write_program_reports
from ...reports.render.formats import render_document
from ...reports.trace.counters_report import compose_counters
from ...scenarios.errors import FlopprofError
from ..errors import ProfileError
from ..program.capture_range import MOST_CAPTURES, parse_capture_range
from ..program.count_program import CountOutcome, CountRequest, count_program
from ..program.rank import JobRank, find_rank
from ..program.recording import OWN_FAILURE, ProfileRequest, profile_program
from ..recorders.folders import make_empty_folder, new_run_id
from ..terminal.outcome import open_page
from ..terminal.output import emit, tell
from ..terminal.screen import ColorChoice, look_at_screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a report is shown at the terminal."""

    quiet: bool = False
    color: ColorChoice = "auto"
    open_it: bool = False


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
    recorder: RecorderChoice = "auto",
    sample_hz: float | None = None,
    shown: Shown = Shown(),
) -> int:
    """Profile a command and show its analysis; the exit code. Raises ProfileError.

    What a launcher started as a rank of a job leaves its trace in a folder of that rank, and shows nothing.
    """
    rank = find_rank(os.environ)
    try:
        request = ProfileRequest(
            command=command,
            out=out if rank is None else _place_rank(out, rank),
            capture_range=parse_capture_range(capture_range),
            passed_on=passed_on,
            recorder=recorder,
            keep_report=keep_report,
            gpu_metrics_hz=gpu_metrics_hz,
            sample_hz=sample_hz,
            patient=rank is not None,
        )
        if request.patient:
            signal.signal(signal.SIGTERM, lambda *_: None)  # not ignored: that the program would inherit
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
        _say(_describe_captures(len(folders), outcome.folder, reported=rank is None))
    if rank is not None:
        return outcome.exit_code
    written = [_report(folder, shown, capture=at > 0) for at, folder in enumerate(folders)]
    if shown.open_it and written[0]:
        open_page(outcome.folder / "report.html")
    return outcome.exit_code if all(written) else outcome.exit_code or OWN_FAILURE


def _describe_captures(count: int, folder: Path, *, reported: bool) -> str:
    most = f"; no more than {MOST_CAPTURES} are recorded, later ones are left out" * (count == MOST_CAPTURES)
    return (
        f"the capture range came {count} times{most}: the first is in {folder}, the others"
        f"{', each with its report,' * reported} in {folder / 'captures'}"
    )


def _place_rank(out: Path | None, rank: JobRank) -> Path:
    if out is None:
        raise ProfileError(
            f"this is rank {rank.rank} of {rank.size}: give --out DIR, one for all ranks, and after the job: "
            "flopprof ranks DIR"
        )
    return out / rank.folder


def _report(folder: Path, shown: Shown, *, capture: bool) -> bool:
    """Write the reports of a recorded program, or of one of its later captures, and show them."""
    try:
        whole = read_program_folder(folder.parents[1] if capture else folder)
        program = replace(whole, path=folder, samples=None) if capture else whole
        analysis = analyse_program(program)
        document = write_program_reports(program, analysis, folder)
        if not capture:
            _keep(program, analysis)
    except (FlopprofError, OSError) as error:
        _say(f"the trace is in {folder}, but its report could not be written: {error}")
        return False
    screen = look_at_screen(sys.stderr, shown.color)
    if not shown.quiet:
        tell(render_document(document, "text", screen), coloured=screen.colour)
    tell(f"Report: {folder / 'report.html'}")
    return True


def _keep(program: ProgramFolder, analysis: Analysis) -> None:
    """Make it a run of the store that it lies in, if it lies in one."""
    store = find_store(None)
    if in_store(program.path, store):
        record_program(store, program, analysis)


def count_and_report(request: CountRequest, out: Path | None, shown: Shown = Shown()) -> int:
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
    _report_counters(outcome, make_empty_folder(out, name, store=find_store(None)), shown)
    return outcome.exit_code


def _report_counters(outcome: CountOutcome, folder: Path, shown: Shown) -> None:
    assert outcome.counters is not None
    document = compose_counters(outcome.counters)
    for name, format in COUNTERS_REPORTS.items():
        emit(render_document(document, format), folder / name)
    screen = look_at_screen(sys.stderr, shown.color)
    if not shown.quiet:
        tell(render_document(document, "text", screen), coloured=screen.colour)
    tell(f"Report: {folder / 'report.html'}")
    if shown.open_it:
        open_page(folder / "report.html")


def _say(line: str) -> None:
    tell(f"flopprof: {line}")
