"""`flopprof profile`: any program under Nsight Systems, or one of Python by itself, and what its trace says.

The program keeps its streams, its environment, its signals and its exit code; only its time is looked at.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from ...analysis.archives.scrub import scrub_trace
from ...analysis.files import move_whole
from ...analysis.programs.record import ProfileRecord, name_program, spell_command
from ...analysis.programs.samples import SAMPLES_FILE, PythonSamples
from ...analysis.runs.writing import write_record
from ...analysis.store.place import find_store
from ...analysis.trace.nsys import Nsys
from ...analysis.words import RecorderChoice
from ...scenarios.errors import FlopprofError
from ..errors import CannotExecute, CommandNotFound, InterpreterMissing, ProfileError
from ..machine.disk import DiskFullError, has_no_room
from ..machine.machine import cuda_devices, describe_machine
from ..recorders.environment import allowed_environment
from ..recorders.folders import make_empty_folder, new_run_id, staging_folder, temporary_folder
from ..recorders.gpu_metrics import sampling_options
from ..recorders.recorder import NsysRecorder, find_usable_nsys, is_recorded, last_line
from ..recorders.turns import clear_failed_start, turn_to_start
from .capture_range import NO_RANGE, CaptureRange
from .handover import Handover, Program
from .inside_recorder import InsideRecorder, runs_python
from .python_samples import USUAL_HZ, Sampling
from .signals import Ending, run_profiled

OWN_FAILURE = 125

ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRequest:
    """What to profile, and how."""

    command: Sequence[str]
    out: Path | None = None
    capture_range: CaptureRange = NO_RANGE
    gpu_metrics_hz: int | None = None
    """How often the GPU is sampled; None for never."""
    passed_on: Sequence[str] = ()
    """More variables that Nsight Systems itself may see (and stores in its raw report)."""
    recorder: RecorderChoice = "auto"
    keep_report: bool = False
    sample_hz: float | None = None
    """How often its Python is looked at; 0 for never, None for as often as usual where there is no GPU to look at."""
    patient: bool = False
    """SIGTERM after the program has ended does not cost its trace; the caller leaves it without effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOutcome:
    """How it went; the exit code is the program's own, unless it was 0 and there is no trace: then 125."""

    exit_code: int
    folder: Path | None
    problem: str | None = None
    """One line: why there is no trace."""
    warning: str | None = None
    """One line: why the trace may not hold everything."""


Announce = Callable[[str], None]

ProgramRecorder = NsysRecorder | InsideRecorder


def profile_program(
    request: ProfileRequest, announce: Announce, environment: Mapping[str, str] = os.environ
) -> ProfileOutcome:
    """Run a command and record it; its scrubbed trace lies in the outcome's folder.

    Raises ProfileError and its leaves when the program could not be run, OutputFolderError.
    """
    program = resolve_program(request.command, request.capture_range.extend(environment))
    recorder = choose_program_recorder(request, program, environment, announce)
    hz = choose_rate(request)
    started = datetime.now(UTC)
    name = new_run_id(f"profile-{name_program(request.command)}", started)
    existed = request.out is not None and request.out.exists()
    folder = make_empty_folder(request.out, name, store=find_store(None, environment))
    try:
        with staging_folder(folder) as staging, temporary_folder() as temporary:
            sampling = Sampling(folder=temporary / "python", hz=hz) if hz else None
            if sampling is not None:
                program = replace(program, environment=sampling.extend(program.environment))
            ending = _record(request, program, recorder, staging, temporary, environment, announce)
            record = _describe(request, program, name, started, recorder.version, ending)
            samples = sampling.collect() if sampling is not None else None
            problem = _publish(request, record, samples, recorder, staging, folder)
            if problem and has_no_room(staging, temporary):
                problem = _explain_room(folder, temporary)
    finally:
        _forget_empty(folder, existed=existed)
    lost = OWN_FAILURE if problem and not ending.exit_code else ending.exit_code
    return ProfileOutcome(
        exit_code=lost,
        folder=None if problem else folder,
        problem=problem,
        warning=warn_of_death(ending.exit_code),
    )


def choose_program_recorder(
    request: ProfileRequest, program: Program, environment: Mapping[str, str], announce: Announce
) -> ProgramRecorder:
    """Nsight Systems, or where it is missing a program of Python itself. Raises ProfileError."""
    nsys, problem = find_usable_nsys(environment)
    if request.recorder != "embedded" and nsys is not None and problem is None:
        return NsysRecorder(nsys=nsys)
    if request.recorder == "nsys" or is_recorded(environment):
        raise ProfileError(f"{problem}; see `flopprof doctor`")
    if request.recorder == "auto" and not runs_python(program.file):
        raise ProfileError(f"{problem}, and only programs of Python record themselves; see `flopprof doctor`")
    reason = "asked for" if request.recorder == "embedded" else problem
    if request.capture_range is not NO_RANGE:
        raise ProfileError(f"--capture-range needs Nsight Systems, and it is not used: {reason}")
    announce(f"embedded recorder: {reason}; the program records itself, GPU activity by torch.profiler")
    if request.gpu_metrics_hz is not None:
        announce("no GPU metrics: they need Nsight Systems; the rest is recorded")
    return InsideRecorder()


def choose_rate(request: ProfileRequest) -> float:
    """How often Python is sampled: beside a GPU's work, whose launches a thread could delay, only when asked."""
    if request.sample_hz is not None:
        return request.sample_hz
    return 0.0 if request.patient or cuda_devices() else USUAL_HZ


def _describe(
    request: ProfileRequest, program: Program, name: str, started: datetime, nsys: str | None, ending: Ending
) -> ProfileRecord:
    return ProfileRecord(
        id=name,
        program=Path(program.file).name,
        name=name_program(request.command),
        command=spell_command(request.command),
        started_at=started.isoformat(timespec="seconds"),
        wall_seconds=round(ending.wall_seconds, 3),
        exit_code=ending.exit_code,
        nsys=nsys,
        capture_range=str(request.capture_range),
    )


def warn_of_death(exit_code: int) -> str | None:
    """What a program that did not end by itself has cost its trace.

    >>> warn_of_death(139)
    'the program was ended by SIGSEGV; its last instants, and ranges open then, may not be in the trace'
    """
    number = exit_code - 128
    if number not in {int(sign) for sign in signal.Signals}:
        return None
    name = signal.Signals(number).name
    return (
        f"the program was ended by {name}; its last instants, and ranges open then, may not be in the trace"
    )


def resolve_program(command: Sequence[str], environment: Mapping[str, str]) -> Program:
    """The file a shell would run. Raises CommandNotFound, CannotExecute."""
    name = command[0]
    file = shutil.which(name, path=environment.get("PATH", os.defpath))
    if file is None:
        if os.sep in name and Path(name).exists():
            raise CannotExecute(name, "is a folder" if Path(name).is_dir() else "is not executable")
        raise CommandNotFound(name)
    return Program(file=file, command=tuple(command), environment=environment)


def _sampling(request: ProfileRequest, nsys: Nsys, announce: Announce) -> list[str]:
    """Options that sample the GPU; none, and a line, where that cannot be."""
    if request.gpu_metrics_hz is None:
        return []
    found = sampling_options(nsys.path, request.gpu_metrics_hz)
    if isinstance(found, str):
        announce(f"no GPU metrics: {found}; the rest is recorded")
        return []
    return found


def _record(
    request: ProfileRequest,
    program: Program,
    recorder: ProgramRecorder,
    staging: Path,
    temporary: Path,
    environment: Mapping[str, str],
    announce: Announce,
) -> Ending:
    extra = {name: environment[name] for name in request.passed_on if name in environment}
    given = request.capture_range.extend({**allowed_environment(environment, temporary), **extra})
    if isinstance(recorder, InsideRecorder):
        inside = recorder.extend(program.environment, staging, temporary)
        program = replace(program, environment=inside)
    handover = Handover(program=program, given=given, folder=temporary)
    command = handover.command()
    if isinstance(recorder, NsysRecorder):
        options = (*_sampling(request, recorder.nsys, announce), *request.capture_range.options())
        command = replace(recorder, options=options).command(command, staging)
    try:
        ending = _run(command, handover, recorder, staging, announce, patient=request.patient)
    finally:
        handover.close()
    if handover.refusal == os.strerror(errno.ENOENT):
        raise InterpreterMissing(program.command[0])
    if handover.refusal:
        raise CannotExecute(program.command[0], f"cannot be executed: {handover.refusal}")
    if handover.pid is None:
        words = last_line(staging / "output.txt")
        raise ProfileError(
            f"Nsight Systems did not start the program; its last words: {words}; see docs/troubleshooting.md"
        )
    return ending


def _run(
    command: Sequence[str],
    handover: Handover,
    recorder: ProgramRecorder,
    staging: Path,
    announce: Announce,
    *,
    patient: bool,
) -> Ending:
    """Again, should nsys lose its agent before the program has begun."""
    log = staging / "output.txt"
    nsys = recorder.nsys.path if isinstance(recorder, NsysRecorder) else None
    for attempt in count(1):
        with turn_to_start(nsys) as turn:
            ending = run_profiled(command, handover, turn, log=log, announce=announce, patient=patient)
            if handover.pid is not None or not recorder.failed_to_start(staging):
                return ending
            clear_failed_start(handover.folder)
        if attempt == ATTEMPTS:
            return ending
        log.unlink()
    raise AssertionError("count() does not end")


def _publish(
    request: ProfileRequest,
    record: ProfileRecord,
    samples: PythonSamples | None,
    recorder: ProgramRecorder,
    staging: Path,
    folder: Path,
) -> str | None:
    """Put the scrubbed trace and its records into the folder, all or nothing; why not, or None.

    profile.json comes last: a folder that has it is whole.
    """
    prepared = staging / "publish"
    versions = {} if recorder.version is None else {"nsys": recorder.version}
    try:
        prepared.mkdir()
        captures = recorder.collect_captures(staging)
        for number, raw in enumerate(captures, start=1):
            place = prepared if number == 1 else prepared / capture_folder(number)
            place.mkdir(parents=True, exist_ok=True)
            scrub_trace(raw, place / "trace.sqlite")
            if request.keep_report and isinstance(recorder, NsysRecorder):
                shutil.copyfile(raw.parent / "raw.nsys-rep", place / "raw.nsys-rep")
                (place / "raw.nsys-rep").chmod(0o600)
        record = record.model_copy(update={"captures": len(captures)})
        write_record(prepared / "profile.json", record)
        if samples is not None:
            write_record(prepared / SAMPLES_FILE, samples)
        write_record(prepared / "machine.json", describe_machine(versions, {}))
    except (FlopprofError, OSError) as error:
        return _explain(error, request)
    for file in sorted(prepared.iterdir(), key=lambda file: file.name == "profile.json"):
        move_whole(file, folder / file.name, durable=True)
    return None


def capture_folder(number: int) -> str:
    """Where the trace of the second, third, … capture lies in the outcome's folder; the first lies in it itself."""
    return f"captures/{number}"


def _explain(error: FlopprofError | OSError, request: ProfileRequest) -> str:
    words = str(error) if isinstance(error, FlopprofError) else f"{error.filename}: {error.strerror}"
    if request.capture_range is not NO_RANGE:
        return (
            f"nothing was recorded, so the capture range {request.capture_range} never began (every Nsight Systems "
            f"sees ranges of flopprof.annotate, those up to 2024.2 none of nvtx 0.2.12 and newer), or: {words}"
        )
    return f"the program ran, but its trace was lost: {words}"


def _explain_room(folder: Path, temporary: Path) -> str:
    place = min(folder, temporary.parent, key=lambda place: shutil.disk_usage(place).free)
    full = DiskFullError(place, "make room, or choose another place by --out DIR or TMPDIR")
    return f"the program ran, but its trace was lost: {full}"


def _forget_empty(folder: Path, *, existed: bool) -> None:
    """A folder made for a trace that never came is not left for a result."""
    if not existed and folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
