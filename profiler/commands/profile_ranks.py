"""What `flopprof profile --ranks` does at the terminal: launch, then set the ranks' traces against each other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ...analysis.ranks.whole_job import RanksRequest
from ...analysis.store.listing import record_folder
from ...analysis.store.place import find_store, in_store
from ...analysis.words import RecorderChoice
from ...scenarios.errors import FlopprofError
from ..errors import ProfileError
from ..program.capture_range import parse_capture_range
from ..program.launching import Launched, LaunchRequest, launch_ranks
from ..program.recording import OWN_FAILURE
from ..terminal.outcome import open_page
from ..terminal.output import tell
from ..terminal.screen import look_at_screen
from ..terminal.workers import Workers
from .profile import Shown
from .ranks import read_job, render_job, write_job_reports


def profile_ranks(
    command: Sequence[str],
    *,
    ranks: int,
    out: Path | None,
    capture_range: str | None,
    passed_on: Sequence[str],
    keep_report: bool,
    gpu_metrics_hz: int | None = None,
    recorder: RecorderChoice = "auto",
    sample_hz: int | None = None,
    shown: Shown,
) -> int:
    """Launch a command whose ranks are recorded, and show the job; the exit code. Raises ProfileError."""
    parse_capture_range(capture_range)
    options = [
        *([f"--capture-range={capture_range}"] if capture_range else []),
        *([f"--recorder={recorder}"] if recorder != "auto" else []),
        *(f"--env={name}" for name in passed_on),
        *(["--keep-rep"] if keep_report else []),
        *([f"--sample-python={sample_hz}"] if sample_hz is not None else []),
        *([f"--gpu-metrics={gpu_metrics_hz}"] if gpu_metrics_hz is not None else []),
    ]
    try:
        launched = launch_ranks(LaunchRequest(command=command, ranks=ranks, out=out, options=options))
    except ProfileError:
        raise
    except (FlopprofError, OSError) as error:
        raise ProfileError(str(error)) from error
    if launched.exit_code:
        tell(f"flopprof: {command[0]}: ended with exit code {launched.exit_code}")
    done = _report(launched, ranks, shown)
    return launched.exit_code or (0 if done else OWN_FAILURE)


def _report(launched: Launched, ranks: int, shown: Shown) -> bool:
    """Whether every rank left a trace that could be analysed."""
    if not launched.traces:
        tell(
            "flopprof: the command ran, but no rank of it was recorded: it started none by torchrun's PYTHON_EXEC "
            "(not with --no-python); let it start `flopprof profile --out DIR -- PROGRAM` as each rank"
        )
        return False
    if len(launched.traces) != ranks:
        tell(f"flopprof: {len(launched.traces)} traces came of {ranks} ranks")
    try:
        job = read_job((launched.folder,), RanksRequest(size=ranks), Workers())
        write_job_reports(job, launched.folder)
        store = find_store(None)
        if in_store(launched.folder, store):
            record_folder(store, launched.folder.name)
    except (FlopprofError, OSError) as error:
        tell(
            f"flopprof: the traces are in {launched.folder}, but could not be set against each other: {error}"
        )
        return False
    screen = look_at_screen(sys.stderr, shown.color)
    if not shown.quiet:
        tell(render_job(job, "text", screen), coloured=screen.colour)
    tell(f"Report: {launched.folder / 'report.html'}")
    if shown.open_it:
        open_page(launched.folder / "report.html")
    return len(launched.traces) >= ranks
