"""`flopprof calibrate`: measure this machine's ceilings, library by library, and store them.

Every (backend, device) is measured by a process of its own, with the environment that a run's workers have. Of
several GPUs the first that CUDA shows is measured; CUDA_VISIBLE_DEVICES chooses another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ...analysis.runs.ceilings import Ceiling, ceilings_path, read_ceilings, write_ceilings
from ...analysis.runs.records import Machine
from ...analysis.runs.writing import write_record
from ..errors import CaptureError
from ..machine.machine import describe_machine, last_level_cache_bytes, missing_reason
from ..recorders.child import run_child
from ..recorders.environment import allowed_environment
from ..recorders.folders import temporary_folder
from ..recorders.recorder import last_line
from ..worker.ceilings import CeilingJob, CeilingOutcome, measured_dtypes
from .deaths import describe_death

WORKER = (sys.executable, "-P", "-m", "flopprof.profiler.worker.ceilings")

PLACES = (("torch", "cuda"), ("cupy", "cuda"), ("torch", "cpu"), ("numpy", "cpu"))

DEVICES = ("cuda", "cpu")

OnBegun = Callable[[str], None]
"""Hears of every measurement that begins."""


class NothingToCalibrate(CaptureError):
    """No library can measure any of the devices."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(f"no ceiling could be measured ({'; '.join(reasons)}); see 'flopprof doctor'")


class UnknownDevice(CaptureError):
    """--devices names something else."""

    def __init__(self, name: str) -> None:
        super().__init__(f"--devices: there is no device '{name}'; choose from {', '.join(DEVICES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was measured, where it is stored, and what could not be."""

    path: Path
    ceilings: tuple[Ceiling, ...]
    skipped: tuple[str, ...] = ()
    """Libraries and devices that are not here, with the reason."""
    failed: tuple[str, ...] = field(default=())
    """Those that are here and could not be measured."""


def calibrate(devices: Sequence[str], *, seconds: float) -> Calibration:
    """Measure and store the ceilings of these devices, about ``seconds`` for each measurement.

    Every library's are stored as soon as they are known. Raises CeilingsError, NothingToCalibrate.
    """
    path = ceilings_path()
    stored = read_ceilings(path)
    machine = describe_machine({}, {})
    places = [place for place in PLACES if place[1] in devices]
    missing = {place: reason for place in places if (reason := missing_reason(*place)) is not None}
    skipped = [describe_place(place, reason) for place, reason in missing.items()]
    measured: list[Ceiling] = []
    failed: list[str] = []
    with temporary_folder() as folder, show_progress() as begin_place:
        for place in (place for place in places if place not in missing):
            outcome = measure_place(place, machine, folder, seconds=seconds, on_begun=begin_place(place))
            if outcome.ceiling is None:
                failed.append(describe_place(place, outcome.failure or "nothing was measured"))
                continue
            measured.append(outcome.ceiling)
            stored = stored.with_measured([outcome.ceiling])
            write_ceilings(path, stored)
    if not measured:
        raise NothingToCalibrate([*skipped, *failed])
    return Calibration(path=path, ceilings=tuple(measured), skipped=tuple(skipped), failed=tuple(failed))


def describe_place(place: tuple[str, str], reason: str) -> str:
    """``cupy on cuda: why``."""
    return f"{' on '.join(place)}: {reason}"


def measure_place(
    place: tuple[str, str], machine: Machine, folder: Path, *, seconds: float, on_begun: OnBegun
) -> CeilingOutcome:
    """One library on one device, in a process of its own."""
    backend, device = place
    private = folder / f"{backend}-{device}"
    private.mkdir()
    gpu = machine.gpus[0] if device == "cuda" else None
    job = CeilingJob(
        backend=backend,
        device=device,
        name=gpu.name if gpu else machine.cpu,
        uuid=gpu.uuid if gpu else None,
        cores=None if gpu else machine.cores,
        cache_bytes=gpu.l2_bytes if gpu else last_level_cache_bytes(),
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        progress=str(private / "progress.txt"),
        outcome=str(private / "outcome.json"),
    )
    write_record(private / "job.json", job)
    exit_code = run_child(
        [*WORKER, str(private / "job.json")],
        allowed_environment(os.environ, folder),
        output=private / "output.txt",
        while_waiting=new_lines(Path(job.progress), on_begun),
    )
    outcome = Path(job.outcome)
    if outcome.exists():
        return CeilingOutcome.model_validate_json(outcome.read_text(encoding="utf-8"))
    reason = f"{describe_death(exit_code)}; its last words: {last_line(private / 'output.txt')}"
    return CeilingOutcome(failure=reason)


def new_lines(path: Path, on_line: OnBegun) -> Callable[[], None]:
    """A function that passes on what was appended to a file since it was last called."""
    seen = 0

    def listen() -> None:
        nonlocal seen
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for line in lines[seen:]:
            on_line(line)
        seen = len(lines)

    return listen


@contextmanager
def show_progress() -> Iterator[Callable[[tuple[str, str]], OnBegun]]:
    """A bar on stderr for every place; silent when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def begin_place(place: tuple[str, str]) -> OnBegun:
            name = " on ".join(place)
            # Copy, read, write, the products, the launch: the bar shows how many have begun.
            task = progress.add_task(name, total=4 + len(measured_dtypes(*place)))
            return lambda what: progress.update(task, advance=1, description=f"{name}: {what}")

        yield begin_place
