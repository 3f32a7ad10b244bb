"""A run from its scenario to its reports: load, plan, capture, account, write, keep."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ...analysis.codes.lossy import loses_data
from ...analysis.runs.account import account_run
from ...analysis.runs.ceilings import ceilings_path, read_ceilings
from ...analysis.runs.folder import RunFolder
from ...analysis.runs.noise import describe_surroundings
from ...analysis.runs.results import RunResult
from ...analysis.store.address import find_run
from ...analysis.store.database import record_run, reopen_run
from ...analysis.store.listing import count_shards
from ...analysis.store.place import DEFAULT_STORE, in_store
from ...analysis.words import EvidenceChoice, RecorderChoice
from ...reports.run.publish import load_libraries, write_reports
from ...scenarios.errors import FlopprofError
from ...scenarios.plan.expansion import Plan, expand_plan
from ...scenarios.plan.load import load_scenario
from ..errors import Interrupted
from ..machine.disk import explain_full_disk
from ..machine.machine import missing_reason
from ..machine.surroundings import look_around
from ..recorders.recorder import Recorder, choose_recorder
from .estimate import describe_plan, estimate_run
from .evidence import choose_counter
from .resume import asked_evidence, asked_scenario, read_resumable, refuse_changes, refuse_options
from .run import CaptureOptions, capture_run, open_run, shards_of
from .watching import Watcher


class NothingToRun(FlopprofError):
    """Every combination of a scenario was skipped, or --strict forbids skipping."""

    def __init__(self, plan: Plan) -> None:
        reasons = "; ".join(f"{label}: {reason}" for label, reason in plan.skipped)
        what = "nothing of it can run here" if not plan.steps else "--strict, and part of it cannot run here"
        super().__init__(
            f"{plan.path}: {what} ({reasons}); see 'flopprof doctor' or choose with --set backends=…"
        )


class NothingInTurn(FlopprofError):
    """--interleave without the pass that it is about."""

    def __init__(self) -> None:
        super().__init__("--interleave orders the untraced pass, which --no-control leaves out; choose one")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the user asked for."""

    scenario: str | None
    """None: that of the run to resume."""
    overrides: tuple[str, ...] = ()
    recorder: RecorderChoice = "auto"
    out: Path | None = None
    store: Path = DEFAULT_STORE
    resume: str | None = None
    """The address of a run to go on with."""
    control: bool = True
    interleave: bool = False
    evidence: EvidenceChoice = "auto"
    keep_report: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What came of it."""

    folder: Path
    result: RunResult

    @property
    def has_failures(self) -> bool:
        """Whether a step failed."""
        return any(step.status == "failed" for step in self.result.steps)

    @property
    def has_lost_data(self) -> bool:
        """Whether any trace says that events are missing."""
        return loses_data(self.result.quality)


def run_scenario(request: RunRequest, watcher: Watcher) -> RunOutcome:
    """Run a scenario whole, or what is left of a run. Raises FlopprofError; Interrupted, saying how to go on."""
    if request.interleave and not request.control:
        raise NothingInTurn
    resumed = _find_resumed(request)
    if resumed:
        refuse_options(
            resumed, recorder=request.recorder, control=request.control, interleave=request.interleave
        )
    scenario, overrides = _asked(request, resumed)
    plan = expand_plan(load_scenario(scenario, overrides), missing_reason)
    if not plan.steps or (request.strict and plan.skipped):
        raise NothingToRun(plan)
    recorder = choose_recorder(_recorder_choice(request, resumed))
    if resumed:
        refuse_changes(resumed, plan, recorder)
    tell_limits(plan, recorder, watcher)
    evidence = asked_evidence(resumed.plan) if resumed and request.evidence == "auto" else request.evidence
    counter = choose_counter(evidence, plan, recorder.name, watcher.tell)
    options = CaptureOptions(
        recorder=recorder,
        out=request.out,
        store=request.store,
        control=resumed.plan.run.control if resumed else request.control,
        interleave=resumed.plan.run.order == "interleaved" if resumed else request.interleave,
        keep_report=request.keep_report,
        counter=counter,
        ceilings=read_ceilings(ceilings_path()),
        command=_command(request, scenario, overrides),
        resumed=resumed,
        meanwhile=load_libraries,
    )
    return _run_plan(plan, options, watcher)


def _find_resumed(request: RunRequest) -> RunFolder | None:
    if request.resume is None:
        return None
    counting = request.evidence in ("counters", "metrics")
    return read_resumable(find_run(request.resume, request.store), counting=counting)


def describe_dry_run(request: RunRequest) -> str:
    """What a run would do, and how long that would take, without running any of it. Raises FlopprofError."""
    plan = expand_plan(load_scenario(request.scenario or "", request.overrides), missing_reason)
    if not plan.steps or (request.strict and plan.skipped):
        raise NothingToRun(plan)
    recorder = choose_recorder(request.recorder)
    estimate = estimate_run(plan, request.store, control=request.control)
    return describe_plan(plan, recorder.name, estimate, control=request.control)


def _run_plan(plan: Plan, options: CaptureOptions, watcher: Watcher) -> RunOutcome:
    began = time.monotonic()
    with open_run(plan, options) as run:
        folder = run.folder
        name = run.record.run.id if in_store(folder, options.store) else str(folder)
        with explain_full_disk(folder, lambda: how_to_go_on(folder, name)):
            options = reopen(options)
            try:
                tell_surroundings(plan, watcher)
                todo = [step for shard in shards_of(plan, options.resumed) for step in shard.steps]
                with watcher.follow(todo, control=options.control, all_steps=plan.steps) as on_message:
                    capture_run(run, plan, options, on_message)
                result = account_run(folder)
                done = run.after(time.monotonic() - began)
                result = replace(result, run=done.record.run)
                write_reports(result, folder)
                done.complete()
            except (Interrupted, KeyboardInterrupt) as error:
                run.after(time.monotonic() - began).interrupt()
                raise Interrupted(f"interrupted; go on with: flopprof run --resume {name}") from error
        with explain_full_disk(
            folder, lambda: "the run is complete, and flopprof runs lists it once there is room"
        ):
            record_complete(result, folder, options.store)
    return RunOutcome(folder=folder, result=result)


def how_to_go_on(folder: Path, name: str) -> str:
    """What to do after a full disk; nothing is there to go on with when not even the plan could be written."""
    if (folder / "plan.json").exists():
        return f"make room, then go on with: flopprof run --resume {name}"
    return "make room and run again"


def _asked(request: RunRequest, resumed: RunFolder | None) -> tuple[str, tuple[str, ...]]:
    """The scenario and the overrides: those of the run to resume, and what is given anew after them."""
    if resumed is None:
        assert request.scenario is not None, "a new run has a scenario"
        return request.scenario, request.overrides
    scenario, overrides = asked_scenario(resumed.plan)
    return request.scenario or scenario, (*overrides, *request.overrides)


def _command(request: RunRequest, scenario: str, overrides: tuple[str, ...]) -> tuple[str, ...]:
    """What to type for another run that is measured like this one."""
    recorder = () if request.recorder == "auto" else (f"--recorder={request.recorder}",)
    control = () if request.control else ("--no-control",)
    interleave = ("--interleave",) if request.interleave else ()
    evidence = () if request.evidence == "auto" else (f"--evidence={request.evidence}",)
    sets = (f"--set={override}" for override in overrides)
    return ("flopprof", "run", scenario, *sets, *recorder, *control, *interleave, *evidence)


def _recorder_choice(request: RunRequest, resumed: RunFolder | None) -> RecorderChoice:
    return resumed.plan.run.recorder if resumed and request.recorder == "auto" else request.recorder


def tell_limits(plan: Plan, recorder: Recorder, watcher: Watcher) -> None:
    """What will not run, and what will not be seen."""
    for label, reason in plan.skipped:
        watcher.tell(f"skipped {label}: {reason}")
    if recorder.note:
        watcher.tell(f"embedded recorder: {recorder.note}")


def tell_surroundings(plan: Plan, watcher: Watcher) -> None:
    """One line where the machine is busy before anything is measured on it."""
    busy = describe_surroundings(look_around(gpu=any(step.device == "cuda" for step in plan.steps)))
    if busy:
        watcher.tell(f"this machine is busy, so times will be noisy: {' and '.join(busy)}")


def reopen(options: CaptureOptions) -> CaptureOptions:
    """The options with the run to resume as it is now that nobody else writes it; its row says it is not complete."""
    if options.resumed is None:
        return options
    resumed = read_resumable(options.resumed.path, counting=options.counter is not None)
    if in_store(resumed.path, options.store):
        reopen_run(options.store, resumed.plan.run.id)
    return replace(options, resumed=resumed)


def record_complete(result: RunResult, folder: Path, store: Path) -> None:
    """Write the run into the database of the store in which its folder lies."""
    if in_store(folder, store):
        record_run(store, result, folder.name, count_shards(folder))
