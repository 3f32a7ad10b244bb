"""A run's line by what its folder alone says, where the store's database cannot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..programs.folder_kind import PROFILE, is_program_folder
from .queries import RunLine, RunStatus

if TYPE_CHECKING:
    from ..runs.records import RunPlan


def line_of_recorded(path: Path) -> RunLine:
    """Of a recorded program in a folder, or of a job. Raises RunError."""
    return _line_of_program(path) if is_program_folder(path) else _line_of_job(path)


def _line_of_job(path: Path) -> RunLine:
    from ..programs.job_folder import read_job_folder

    job = read_job_folder(path)
    return RunLine(
        id=job.record.id,
        kind="job",
        scenario=job.record.name,
        started_at=job.record.started_at,
        status="interrupted" if job.missing else "complete",
        recorder=job.recorder,
        hardware=None,
        steps=len(job.ranks),
        done=len(job.recorded()),
        failed=len(job.ranks) - len(job.recorded()),
        tags=(),
        folder=path.name,
    )


def _line_of_program(path: Path) -> RunLine:
    from ..programs.record import ProfileRecord
    from ..runs.folder import read_record

    record = read_record(path / PROFILE, ProfileRecord)
    return RunLine(
        kind="program",
        id=record.id,
        scenario=record.group,
        started_at=record.started_at,
        status="complete",
        recorder=record.recorder,
        hardware=None,
        steps=0,
        done=0,
        failed=0,
        tags=(),
        folder=path.name,
    )


def line_of_plan(plan: RunPlan, path: Path, status: RunStatus) -> RunLine:
    """Of a run in a folder: its steps as its records have them."""
    from ..runs.folder import read_record
    from ..runs.records import ShardRecord

    run = plan.run
    controls = sorted((path / "shards").glob("*/control.json"))
    published = sorted((read_record(control, ShardRecord) for control in controls), key=lambda s: s.part)
    states = list({step.key: step.status for shard in published for step in shard.steps}.values())
    return RunLine(
        id=run.id,
        scenario=run.scenario,
        started_at=run.started_at,
        status=status,
        recorder=run.recorder,
        hardware=None,
        steps=len(plan.steps),
        done=states.count("done"),
        failed=states.count("failed"),
        tags=(),
        folder=path.name,
    )
