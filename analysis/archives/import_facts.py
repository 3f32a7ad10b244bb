"""Whether what a run that came from elsewhere says of itself and of its machine can be true."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import get_args

from ..errors import RunError
from ..programs.folder import ProgramFolder
from ..programs.folder_kind import JOB
from ..programs.job_folder import MOST_RANKS, JobRecord
from ..runs.folder import RunFolder
from ..runs.records import Machine, Record
from ..words import EvidenceChoice, RecorderChoice

_OPTION = re.compile(
    rf"--set=[^=]+=.*|--recorder=(?:{'|'.join(get_args(RecorderChoice))})|--no-control|--interleave"
    rf"|--evidence=(?:{'|'.join(get_args(EvidenceChoice))})"
)
"""What a run notes of how it was asked for; none of it names a place to write to."""

_LONGEST_TEXT = 2_000

_MOST_CORES = 1 << 20

_MOST_BYTES = 1 << 60

_CAPABILITY = re.compile(r"\d{1,3}\.\d{1,2}", re.ASCII)


def check_run_facts(folder: RunFolder) -> None:
    """Raise RunError for a command that is not flopprof's, a day that is none, a machine that nobody has."""
    if problem := _command_problem(folder.plan.run.command):
        raise RunError("plan.json", f"its command {problem}")
    if problem := _time_problem(folder.plan.run.started_at):
        raise RunError("plan.json", problem)
    records: list[tuple[str, Record]] = [
        ("plan.json", folder.plan.run),
        ("ceilings.json", folder.ceilings),
        *((f"shards/{shard.name}", shard.record) for shard in folder.shards),
        *((f"counters/{one.backend}-{one.device}-{one.part}.json", one) for one in folder.counters),
    ]
    _check_records(records, folder.machine)


def check_program_facts(program: ProgramFolder) -> None:
    """The same of a recorded program, which notes no command that could be run again."""
    if problem := _time_problem(program.record.started_at):
        raise RunError("profile.json", problem)
    _check_records([("profile.json", program.record)], program.machine)


def check_job_facts(record: JobRecord) -> None:
    """The same of a job; its ranks are programs."""
    if problem := _time_problem(record.started_at):
        raise RunError(JOB, problem)
    if not 1 <= record.ranks <= MOST_RANKS:
        raise RunError(JOB, f"no job has {record.ranks} ranks")
    _check_values(JOB, record)


def _check_values(name: str, record: Record) -> None:
    for place, problem in _find_impossible(record.model_dump(), ()):
        raise RunError(name, f"{'.'.join(place)} {problem}")


def _check_records(records: Sequence[tuple[str, Record]], machine: Machine) -> None:
    for name, record in (*records, ("machine.json", machine)):
        _check_values(name, record)
    if problem := _machine_problem(machine):
        raise RunError("machine.json", problem)


def _command_problem(command: list[str]) -> str | None:
    if not command:
        return None
    if command[:2] != ["flopprof", "run"] or len(command) < 3:
        return "is not that of a run of flopprof"
    scenario, *options = command[2:]
    if not scenario or scenario.startswith("-"):
        return f"runs {scenario!r}, which is no scenario"
    wrong = next((word for word in command if not word.isprintable()), None)
    wrong = wrong or next((word for word in options if not _OPTION.fullmatch(word)), None)
    return f"has {wrong[:80]!r}, which flopprof does not note" if wrong else None


def _time_problem(started_at: str) -> str | None:
    try:
        datetime.fromisoformat(started_at)
    except ValueError:
        return f"{started_at!r} is no time"
    return None


def _find_impossible(value: object, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Numbers that no clock, counter or size gives, and texts that nobody wrote to be read."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _find_impossible(inner, (*place, str(key)[:40]))
    elif isinstance(value, (list, tuple)):
        for at, inner in enumerate(value):
            yield from _find_impossible(inner, (*place, str(at)))
    elif isinstance(value, str) and len(value) > _LONGEST_TEXT:
        yield place, f"is a text of {len(value)} characters"
    elif isinstance(value, (int, float)) and not (math.isfinite(value) and 0 <= value < 2**63):
        yield place, f"cannot be {value:.6g}"


def _machine_problem(machine: Machine) -> str | None:
    if not 1 <= machine.cores <= _MOST_CORES:
        return f"no machine has {machine.cores} cores"
    if not 1 <= machine.memory_bytes <= _MOST_BYTES:
        return f"no machine has {machine.memory_bytes} bytes of memory"
    ordinals = [gpu.ordinal for gpu in machine.gpus]
    if len(set(ordinals)) < len(ordinals) or any(ordinal > _MOST_CORES for ordinal in ordinals):
        return "its GPUs are not numbered as GPUs are"
    for gpu in machine.gpus:
        if gpu.compute_capability is not None and not _CAPABILITY.fullmatch(gpu.compute_capability):
            return f"no GPU has the compute capability {gpu.compute_capability[:40]!r}"
        for size in (gpu.memory_bytes, gpu.l2_bytes):
            if size is not None and not 1 <= size <= _MOST_BYTES:
                return f"no GPU has a memory of {size} bytes"
    return None
