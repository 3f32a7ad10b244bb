"""A job's ranks as rows of the store's tables. Pure: no trace of it is read, which the ranks' own records need not."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from .program_rows import known_row
from .run_rows import FirstIds, Row, RunRows, machine_row, to_json

if TYPE_CHECKING:
    from ..programs.job_folder import JobFolder, RecordedRank


def rows_of_job(folder: JobFolder, stamp: int, first: FirstIds) -> RunRows:
    """The rows of a job that lies in a folder of the store: a step for each rank, with the time that it ran.

    ``stamp`` tells its files from those of another time. Raises RunError.
    """
    found = folder.machine()
    machine = machine_row(found)
    device = "cuda" if found.gpus else "cpu"
    ids = count(first.steps)
    steps = [
        _rank_row(one, device) | {"id": next(ids), "run": folder.record.id, "number": number}
        for number, one in enumerate(folder.ranks)
    ]
    run = job_row(folder) | {"machine": machine["id"], "shards": stamp}
    return RunRows(machine=machine, run=run, steps=steps, ops=[], kernels=[], reps=[])


def job_row(folder: JobFolder) -> Row:
    """The row of ``runs``."""
    record, missing = folder.record, folder.missing
    return {
        "id": record.id,
        "scenario": record.name,
        "about": f"flopprof profile --ranks {record.ranks} -- {record.command}",
        "started_at": record.started_at,
        "status": "interrupted" if missing else "complete",
        "problem": _tell_problem(folder),
        "recorder": folder.recorder,
        "recorder_note": None,
        "control": False,
        "baseline": None,
        "command": to_json(
            ["flopprof", "profile", "--ranks", str(record.ranks), "--", *record.command.split(" ")]
        ),
        "folder": folder.path.name,
        "machine": None,
        "quality": "[]",
        "skipped": "[]",
    }


def _tell_problem(folder: JobFolder) -> str | None:
    """Which ranks left no trace, and which failed; of the command, that it failed, where no rank did."""
    missing = folder.missing
    ranks = f"rank{'s' * (len(missing) > 1)} {', '.join(map(str, missing))}"
    told = [f"{ranks} left no trace; record the job again, or look at the others alone"] if missing else []
    ended = [(one.label, one.record.exit_code) for one in folder.ranks if one.record and one.record.exit_code]
    ended = ended or ([("the command", folder.record.exit_code)] if folder.record.exit_code else [])
    told += [", ".join(f"{name} ended with exit code {code}" for name, code in ended)] if ended else []
    return "; ".join(told) or None


def _rank_row(one: RecordedRank, device: str) -> Row:
    if one.record is None:
        return known_row(one.label, "rank", device, 0, None) | {"status": "failed", "reason": "left no trace"}
    return known_row(one.label, "rank", device, 1, one.record.wall_seconds * 1e9)
