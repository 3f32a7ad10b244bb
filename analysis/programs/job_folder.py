"""A job of ranks that `flopprof profile` recorded, each rank a program's folder of its own.

::

    job.json             JobRecord, where flopprof started the launcher; else the ranks' own records say what it was
    rank0/, rank1/, …    ProgramFolder of each; restart1-rank0/ of one that torchrun began anew
    report.*, ranks.json made of these
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import RunError
from ..runs.folder import read_record
from ..runs.records import Machine, Record
from ..words import FORMAT, Recorder
from .folder_kind import JOB, PROFILE
from .record import ProfileRecord

MOST_RANKS = 1 << 16

_RANK_FOLDER = re.compile(r"(?:restart(\d+)-)?rank(\d+)", re.ASCII)


class JobRecord(Record):
    """job.json: the launcher's name, how it ended, and how many ranks it was to have."""

    flopprof: int = FORMAT
    id: str
    program: str
    """The launcher's file, without its folder and arguments."""
    name: str
    """What runs of it are called together, as those of a scenario are by the scenario's name."""
    command: str
    """What was run, without arguments but for the script."""
    started_at: str
    """ISO 8601, UTC."""
    wall_seconds: float
    exit_code: int
    ranks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRank:
    """One rank's folder; without a record it left no trace."""

    rank: int
    restart: int
    folder: Path
    record: ProfileRecord | None

    @property
    def label(self) -> str:
        """How it is told from the others."""
        return f"rank {self.rank}" + (f", restart {self.restart}" if self.restart else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFolder:
    """A job as it lies on disk."""

    path: Path
    record: JobRecord
    ranks: tuple[RecordedRank, ...]
    """All there were to be, in their order."""

    @property
    def missing(self) -> tuple[int, ...]:
        """The ranks that left no trace."""
        return tuple(sorted({one.rank for one in self.ranks} - {one.rank for one, _ in self.recorded()}))

    @property
    def recorder(self) -> Recorder:
        """What made the traces."""
        return self.recorded()[0][1].recorder

    def recorded(self) -> list[tuple[RecordedRank, ProfileRecord]]:
        """The ranks that left a trace, with their records; at least one."""
        return [(one, one.record) for one in self.ranks if one.record is not None]

    def machine(self) -> Machine:
        """Where the first of them ran. Raises RunError."""
        return read_record(self.recorded()[0][0].folder / "machine.json", Machine)


def read_job_folder(path: Path) -> JobFolder:
    """Read what the ranks of a job left. Raises RunError where none left a trace."""
    found = sorted(_find_ranks(path), key=lambda one: (one.rank, one.restart))
    if not any(one.record for one in found):
        raise RunError(path, "holds no rank's trace (rank0, rank1, …); record the job again")
    record = read_record(path / JOB, JobRecord) if (path / JOB).is_file() else _derive(path, found)
    there = {one.rank for one in found}
    gone = [
        RecordedRank(rank=rank, restart=0, folder=path / f"rank{rank}", record=None)
        for rank in range(min(record.ranks, MOST_RANKS))
        if rank not in there
    ]
    ranks = sorted([*found, *gone], key=lambda one: (one.rank, one.restart))
    return JobFolder(path=path, record=record, ranks=tuple(ranks))


def _find_ranks(path: Path) -> list[RecordedRank]:
    found: list[RecordedRank] = []
    for folder in path.glob("*rank*"):
        if (name := _RANK_FOLDER.fullmatch(folder.name)) is not None and folder.is_dir():
            profile = folder / PROFILE
            record = read_record(profile, ProfileRecord) if profile.is_file() else None
            restart = int(name[1] or 0)
            found.append(RecordedRank(rank=int(name[2]), restart=restart, folder=folder, record=record))
    return found


def _derive(path: Path, ranks: Sequence[RecordedRank]) -> JobRecord:
    """The record of a job whose launcher flopprof did not start: as many ranks as the last one's number says."""
    records = [one.record for one in ranks if one.record is not None]
    return JobRecord(
        id=path.name,
        program=records[0].program,
        name=records[0].group,
        command=records[0].title,
        started_at=min(record.started_at for record in records),
        wall_seconds=max(record.wall_seconds for record in records),
        exit_code=max(record.exit_code for record in records),
        ranks=ranks[-1].rank + 1,
    )
