"""A whole run: its folder, its shards one after the other, and what is kept when it is interrupted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from ...analysis.runs.ceilings import Ceilings, write_ceilings
from ...analysis.runs.folder import RunFolder, read_run_folder
from ...analysis.runs.records import Machine, RunInfo, RunPlan, SkippedStep
from ...analysis.runs.writing import write_record
from ...analysis.store.place import DEFAULT_STORE
from ...scenarios.plan.expansion import Plan
from ..machine.commit import describe_commit
from ..machine.machine import describe_machine
from ..recorders.folders import hold_new_run, hold_run, new_run_id, staging_folder, temporary_folder
from ..recorders.lifeline import hold_lifeline
from ..recorders.ncu import NcuRecorder
from ..recorders.recorder import NsysRecorder, Recorder
from ..worker.job import Message, Opened, PassName
from .budget import find_uncounted
from .counting import count_shard
from .sampling import sample_shard
from .shard import capture_shard
from .worker_process import Shard, ShardContext

Listener = Callable[[PassName, Message], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOptions:
    """How a run is captured."""

    recorder: Recorder
    out: Path | None = None
    store: Path = DEFAULT_STORE
    control: bool = True
    interleave: bool = False
    ceilings: Ceilings = field(default_factory=Ceilings)
    """What is stored of devices; the run takes that of its machine with it."""
    keep_report: bool = False
    counter: NcuRecorder | NsysRecorder | None = None
    """What counts or samples the steps of devices once more, in a pass of its own."""
    command: Sequence[str] = ()
    seed: int = 0
    resumed: RunFolder | None = None
    """An earlier process's part of the run."""
    meanwhile: Callable[[], None] | None = None
    """Called while a recorder writes what it has recorded: nothing is measured then."""

    @property
    def only_counts(self) -> bool:
        """Whether the run has all its times and is taken up for evidence alone: nothing bounds that."""
        return self.resumed is not None and self.resumed.has_all


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run that this process, and no other, writes; plan.json says "interrupted" until it is completed."""

    folder: Path
    record: RunPlan
    """As it will be when the run is complete, but for the time that this process takes."""

    def complete(self) -> None:
        """Make the run complete, by one rename: the last thing that is written of it."""
        write_record(self.folder / "plan.json", self.record)

    def begin(self) -> None:
        """Say that the run is not complete (yet, or any more)."""
        write_record(self.folder / "plan.json", self._changed(status="interrupted", seconds=None))

    def interrupt(self) -> None:
        """Say what is known of a run that another process may go on with."""
        write_record(self.folder / "plan.json", self._changed(status="interrupted"))

    def after(self, seconds: float) -> OpenRun:
        """The run when this process has worked on it for so long, too."""
        before = self.record.run.seconds
        return replace(self, record=self._changed(seconds=None if before is None else before + seconds))

    def _changed(self, **changes: str | float | None) -> RunPlan:
        return self.record.model_copy(update={"run": self.record.run.model_copy(update=changes)})


@contextmanager
def open_run(plan: Plan, options: CaptureOptions) -> Iterator[OpenRun]:
    """The folder of a new run, or of a resumed one, held. Raises OutputFolderError, RunHeldError."""
    if options.resumed:
        before = options.resumed.plan
        complete = before.run.model_copy(update={"status": "complete"})
        record = before.model_copy(update={"run": complete})
        with hold_run(options.resumed.path):
            yield OpenRun(folder=options.resumed.path, record=record)
    else:
        started = datetime.now(UTC)
        run_id = new_run_id(plan.name, started)
        record = plan_record(plan, describe_run(plan, options, run_id, started))
        with hold_new_run(options.out, run_id, options.store) as folder:
            yield OpenRun(folder=folder, record=record)


def capture_run(run: OpenRun, plan: Plan, options: CaptureOptions, on_message: Listener) -> None:
    """Run the steps of a plan that are not done yet; the folder is readable at any moment, and not complete yet.

    Raises Interrupted, DiskFullError.
    """
    before = options.resumed.machine if options.resumed else None
    openings: list[Opened] = []
    write_machine(run.folder, options.recorder, openings, options.ceilings, before)
    run.begin()
    with (
        staging_folder(run.folder) as staging,
        temporary_folder() as temporary,
        hold_lifeline(temporary) as lifeline,
    ):
        context = ShardContext(
            run=run.folder,
            staging=staging,
            temporary=temporary,
            lifeline=lifeline,
            recorder=options.recorder,
            scenario_folder=str(Path(plan.path).absolute().parent),
            control=options.control,
            interleave=options.interleave,
            seed=options.seed,
            environment=os.environ,
            on_message=on_message,
            meanwhile=options.meanwhile,
        )
        try:
            for shard in shards_of(plan, options.resumed):
                openings += capture_shard(shard, context)
                write_machine(run.folder, options.recorder, openings, options.ceilings, before)
                look_again(context, options)
            look_again(context, options)  # at what an earlier process measured
        finally:
            if options.keep_report:
                keep_reports(staging, run.folder)


def look_again(context: ShardContext, options: CaptureOptions) -> None:
    """The pass of evidence over what was measured so far and has none. Raises Interrupted, DiskFullError."""
    if options.counter is None:
        return
    for uncounted in find_uncounted(read_run_folder(context.run), bounded=not options.only_counts):
        if isinstance(options.counter, NcuRecorder):
            count_shard(uncounted, context, options.counter)
        else:
            sample_shard(uncounted, context, options.counter)


def shards_of(plan: Plan, resumed: RunFolder | None = None) -> list[Shard]:
    """The plan's steps by (backend, device), in their order; of a resumed run those that are not done."""
    published = [shard.record for shard in resumed.shards] if resumed else []
    done = {step.key for shard in published for step in shard.steps if step.status == "done"}
    todo = [step for step in plan.steps if step.key not in done]
    return [
        Shard(
            backend=backend,
            device=device,
            steps=tuple(steps),
            parts=max((s.part for s in published if (s.backend, s.device) == (backend, device)), default=0),
        )
        for (backend, device), steps in groupby(todo, key=lambda step: (step.backend, step.device))
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
        device_recorder=options.recorder.device_recorder,
        control=options.control,
        order="interleaved" if options.interleave else "planned",
        command=list(options.command),
        baseline=plan.baseline,
        seconds=0.0,
    )


def plan_record(plan: Plan, info: RunInfo) -> RunPlan:
    """A plan as plan.json keeps it."""
    skipped = [SkippedStep(label=label, reason=reason) for label, reason in plan.skipped]
    return RunPlan(run=info, steps=[step.to_json() for step in plan.steps], skipped=skipped)


def write_machine(
    run: Path, recorder: Recorder, openings: Sequence[Opened], stored: Ceilings, before: Machine | None
) -> None:
    """machine.json, with what the workers said of their libraries; ceilings.json, if there are any of it.

    ``before``: what a resumed run already says; its ceilings stay.
    """
    versions = {**(before.versions if before else {})}
    versions |= {} if recorder.version is None else {"nsys": recorder.version}
    if before is None and (commit := describe_commit(Path.cwd())) is not None:
        versions["commit"] = commit
    settings = {**(before.settings if before else {})}
    for opened in openings:
        versions |= opened.versions
        settings |= opened.settings
    machine = describe_machine(versions, settings)
    write_record(run / "machine.json", machine)
    ceilings = stored.of_machine(machine)
    if ceilings.ceilings and before is None:
        write_ceilings(run / "ceilings.json", ceilings)


def keep_reports(staging: Path, run: Path) -> None:
    """Copy the raw Nsight Systems reports into the run, readable by their owner only: they hold environments."""
    for report in staging.glob("*/raw.nsys-rep"):
        kept = run / f"{report.parent.name}.nsys-rep"
        shutil.copyfile(report, kept)
        kept.chmod(0o600)
