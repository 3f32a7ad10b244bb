"""Folders of recorded programs, as `flopprof profile` leaves them."""

from __future__ import annotations

import lzma
from pathlib import Path

from flopprof.analysis.programs.job_folder import JobRecord
from flopprof.analysis.programs.record import ProfileRecord
from flopprof.analysis.programs.samples import SAMPLES_FILE, Function, PythonSamples, SampledThread, Stack
from flopprof.analysis.runs.writing import write_record

from drawing.report_samples import MACHINE
from drawing.traces import recorded

SECOND = 1_000_000_000


def sampled(*stacks: tuple[str, float, float | None]) -> PythonSamples:
    """A main thread's stacks: ``main load``, seconds there, of CPU; in lower case the program's own functions."""
    names = list(dict.fromkeys(name for stack, _, _ in stacks for name in stack.split()))
    functions = [
        Function(name=name, file="work.py", line=at, own=name.islower()) for at, name in enumerate(names, 1)
    ]
    found = [
        Stack(
            functions=[names.index(name) for name in stack.split()],
            samples=round(seconds * 100),
            ns=round(seconds * SECOND),
            cpu_ns=None if cpu is None else round(cpu * SECOND),
        )
        for stack, seconds, cpu in stacks
    ]
    thread = SampledThread(pid=1, name="MainThread", main=True, stacks=found)
    return PythonSamples(hz=100.0, functions=functions, threads=[thread])


def put_program(
    store: Path, trace: str, number: int = 0, samples: PythonSamples | None = None, name: str = "train"
) -> Path:
    """A recorded program in a store; its trace is one of tests/data."""
    run_id = f"profile-{name}-20260102-03040{number}-000{number}"
    folder = store / run_id
    folder.mkdir(parents=True)
    (folder / "trace.sqlite").write_bytes(lzma.decompress(recorded(trace).read_bytes()))
    record = ProfileRecord(
        id=run_id,
        program="python3",
        name=name,
        command=f"python3 {name}.py …",
        started_at=f"2026-01-02T03:04:0{number}+00:00",
        wall_seconds=2.5,
        exit_code=0,
        nsys="2024.2",
        capture_range="none",
    )
    write_record(folder / "machine.json", MACHINE)
    if samples is not None:
        write_record(folder / SAMPLES_FILE, samples)
    write_record(folder / "profile.json", record)
    return folder


def put_job(folder: Path, *traces: str, ranks: int = 2) -> Path:
    """What `flopprof profile --ranks` leaves: a program's folder for each rank, and the job's record."""
    folder.mkdir(parents=True)
    for rank, trace in enumerate(traces):
        put_program(folder, trace, rank).rename(folder / f"rank{rank}")
    record = JobRecord(
        id=folder.name,
        program="torchrun",
        name="train",
        command="torchrun train.py …",
        started_at="2026-01-02T03:04:05+00:00",
        wall_seconds=4.5,
        exit_code=0,
        ranks=ranks,
    )
    write_record(folder / "job.json", record)
    return folder
