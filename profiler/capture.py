"""A whole run: its folder, its shards one after the other, and what is kept when it is interrupted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from ..analysis.ceilings import Ceilings, write_ceilings
from ..analysis.records import RunInfo, RunPlan, SkippedStep
from ..scenarios.plan import Plan
from .errors import Interrupted
from .folder import make_run_folder, new_run_id, staging_folder, temporary_folder, write_record
from .job import Message, Opened, PassName
from .machine import describe_machine
from .recorder import Recorder
from .shard import Shard, ShardContext, capture_shard

Listener = Callable[[PassName, Message], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOptions:
    """How a run is captured."""

    recorder: Recorder
    out: Path | None = None
    control: bool = True
    interleave: bool = False
    ceilings: Ceilings = field(default_factory=Ceilings)
    """What is stored of devices; the run takes that of its machine with it."""
    keep_report: bool = False
    command: Sequence[str] = ()
    seed: int = 0


def capture_run(plan: Plan, options: CaptureOptions, on_message: Listener) -> Path:
    """Run a plan; the run folder, whose plan.json says whether it is complete or was interrupted.

    Raises Interrupted (with the folder readable), OutputFolderError.
    """
    started = datetime.now(UTC)
    run_id = new_run_id(plan.name, started)
    run = make_run_folder(options.out, run_id)
    info = describe_run(plan, options, run_id, started)
    write_plan(run, plan, info.model_copy(update={"status": "interrupted"}))
    openings: list[Opened] = []
    with staging_folder(run) as staging, temporary_folder() as temporary:
        context = ShardContext(
            run=run,
            staging=staging,
            temporary=temporary,
            recorder=options.recorder,
            scenario_folder=str(Path(plan.path).absolute().parent),
            control=options.control,
            interleave=options.interleave,
            seed=options.seed,
            environment=os.environ,
            on_message=on_message,
        )
        try:
            for shard in shards_of(plan):
                openings += capture_shard(shard, context)
        finally:
            write_machine(run, options.recorder, openings, options.ceilings)
            if options.keep_report:
                keep_reports(staging, run)
    write_plan(run, plan, info)
    return run


def shards_of(plan: Plan) -> list[Shard]:
    """The plan's steps by (backend, device), in their order."""
    by_place = groupby(plan.steps, key=lambda step: (step.backend, step.device))
    return [
        Shard(backend=backend, device=device, steps=tuple(steps)) for (backend, device), steps in by_place
    ]


def describe_run(plan: Plan, options: CaptureOptions, run_id: str, started: datetime) -> RunInfo:
    """The run as plan.json keeps it."""
    return RunInfo(
        id=run_id,
        scenario=plan.name,
        about=plan.about,
        # A shipped scenario lies where flopprof is installed, which is nobody else's business.
        scenario_path=Path(plan.path).name if Path(plan.path).is_absolute() else plan.path,
        started_at=started.isoformat(timespec="seconds"),
        recorder=options.recorder.name,
        recorder_note=options.recorder.note,
        control=options.control,
        order="interleaved" if options.interleave else "planned",
        command=list(options.command),
        baseline=plan.baseline,
    )


def write_plan(run: Path, plan: Plan, info: RunInfo) -> None:
    """plan.json."""
    skipped = [SkippedStep(label=label, reason=reason) for label, reason in plan.skipped]
    steps = [step.to_json() for step in plan.steps]
    write_record(run / "plan.json", RunPlan(run=info, steps=steps, skipped=skipped))


def write_machine(run: Path, recorder: Recorder, openings: Sequence[Opened], stored: Ceilings) -> None:
    """machine.json, with what the workers said of their libraries; ceilings.json, if there are any of it."""
    versions = {} if recorder.version is None else {"nsys": recorder.version}
    settings: dict[str, str] = {}
    for opened in openings:
        versions |= opened.versions
        settings |= opened.settings
    machine = describe_machine(versions, settings)
    write_record(run / "machine.json", machine)
    ceilings = stored.of_machine(machine)
    if ceilings.ceilings:
        write_ceilings(run / "ceilings.json", ceilings)


def keep_reports(staging: Path, run: Path) -> None:
    """Copy the raw Nsight Systems reports into the run, readable by their owner only: they hold environments."""
    for report in staging.glob("*/raw.nsys-rep"):
        kept = run / f"{report.parent.name}.nsys-rep"
        shutil.copyfile(report, kept)
        kept.chmod(0o600)


__all__ = ["CaptureOptions", "Interrupted", "capture_run"]
