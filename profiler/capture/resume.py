"""A run taken up again: only where what is left would be measured as what is done was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from ...analysis.runs.folder import RunFolder, read_run_folder
from ...analysis.runs.records import Machine, RunPlan
from ...analysis.words import EvidenceChoice, RecorderChoice
from ...scenarios.plan.expansion import Plan
from ...scenarios.plan.step import Step
from ..errors import CaptureError
from ..machine.machine import describe_machine
from ..recorders.recorder import Recorder
from .budget import find_uncounted

MOST_CHANGES = 5


class CannotResume(CaptureError):
    """The rest of a run would not belong to what there is of it."""

    def __init__(self, run: Path, problem: str) -> None:
        super().__init__(f"{run}: cannot be resumed: {problem}")


class OtherwiseRecorded(CannotResume):
    """An option asks for another way of measuring than what there is was measured in."""

    def __init__(self, run: Path, option: str, recorded_with: str) -> None:
        super().__init__(run, f"{option}, but it was recorded with {recorded_with}; leave {option} out")


def read_resumable(run: Path, *, counting: bool) -> RunFolder:
    """The run to go on with; ``counting``: also for its evidence alone. Raises CannotResume, RunError."""
    folder = read_run_folder(run)
    if not folder.has_all:
        return folder
    left = sum(len(one.shard.steps) for one in find_uncounted(folder, bounded=False))
    if not left:
        raise CannotResume(run, "all its steps are done")
    if not counting:
        counts = f"{left} have no counters" if left > 1 else "one has no counters"
        raise CannotResume(
            run, f"all its steps are done; {counts}, and --evidence counters goes on with that"
        )
    return folder


def asked_scenario(plan: RunPlan) -> tuple[str, tuple[str, ...]]:
    """The scenario and the ``--set`` texts that a run was started with."""
    words = plan.run.command[2:]
    overrides = [word.removeprefix("--set=") for word in words if word.startswith("--set=")]
    names = [word for word in words if not word.startswith("--")]
    return (names[0] if names else plan.run.scenario), tuple(overrides)


def asked_evidence(plan: RunPlan) -> EvidenceChoice:
    """The ``--evidence`` that a run was started with."""
    asked = [word.removeprefix("--evidence=") for word in plan.run.command if word.startswith("--evidence=")]
    return next((choice for choice in get_args(EvidenceChoice) if choice in asked), "auto")


def refuse_options(before: RunFolder, *, recorder: RecorderChoice, control: bool, interleave: bool) -> None:
    """Raise CannotResume for options that ask for another way of measuring than the run was begun with."""
    run = before.plan.run
    if recorder not in ("auto", run.recorder):
        raise OtherwiseRecorded(before.path, f"--recorder {recorder}", f"--recorder {run.recorder}")
    if run.control and not control:
        raise OtherwiseRecorded(before.path, "--no-control", "the untraced pass")
    if interleave and run.order != "interleaved":
        order = "the steps in the order of the plan" if run.control else "--no-control"
        raise OtherwiseRecorded(before.path, "--interleave", order)


def refuse_changes(before: RunFolder, plan: Plan, recorder: Recorder) -> None:
    """Raise CannotResume, saying what is not as it was when the run began."""
    changes = [
        *title_changes(before.plan, plan),
        *scenario_changes(before.steps, plan.steps),
        *skip_changes(before.plan, plan),
        *machine_changes(before.machine, describe_machine(_version_of(recorder), {})),
    ]
    if changes:
        more = len(changes) - MOST_CHANGES
        told = "; ".join(changes[:MOST_CHANGES]) + (f"; and {more} more" if more > 0 else "")
        raise CannotResume(before.path, f"since it began this has changed: {told}; start a new run")


def scenario_changes(before: tuple[Step, ...], now: tuple[Step, ...]) -> Iterator[str]:
    """What the scenario says now and did not say then, change by change."""
    old, new = ({step.key: step for step in steps} for steps in (before, now))
    yield from (f"step {old[key].label} is gone" for key in old if key not in new)
    yield from (f"step {new[key].label} is new" for key in new if key not in old)
    told: dict[str, None] = {}
    for key in old.keys() & new.keys():
        told |= dict.fromkeys(_differences("", old[key].to_json(), new[key].to_json()))
    yield from sorted(told)


def title_changes(before: RunPlan, now: Plan) -> Iterator[str]:
    """What the scenario says of itself and not of a step, but for what it is about, which changes no number."""
    run = before.run
    pairs = (("name", run.scenario, now.name), ("baseline", run.baseline, now.baseline))
    yield from (f"{name} {old or 'none'} → {new or 'none'}" for name, old, new in pairs if old != new)


def skip_changes(before: RunPlan, now: Plan) -> Iterator[str]:
    """Combinations that could run then and cannot now; their steps are named as gone, this is why."""
    known = {skipped.label for skipped in before.skipped}
    yield from (f"{label} cannot run ({reason})" for label, reason in now.skipped if label not in known)


def machine_changes(before: Machine, now: Machine) -> Iterator[str]:
    """Hardware and versions that are known of both and differ."""
    old, new = _circumstances(before), _circumstances(now)
    yield from (
        f"{name} {old[name]} → {new[name]}"
        for name in old
        if name in new and not _is_same(old[name], new[name])
    )


def _is_same(old: str, new: str) -> bool:
    """Whether two are equal but for a local version ("+cu130"), which a library may know and its package not."""
    return old == new or old.startswith(f"{new}+")


def _circumstances(machine: Machine) -> dict[str, str]:
    gpus = ", ".join(f"{gpu.name} {gpu.uuid}" for gpu in machine.gpus) or "none"
    hardware = {"cpu": machine.cpu, "cores": str(machine.cores), "GPUs": gpus, "Python": machine.python}
    return hardware | machine.versions


def _version_of(recorder: Recorder) -> dict[str, str]:
    return {} if recorder.version is None else {"nsys": recorder.version}


def _differences(name: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _differences(f"{name}.{key}".lstrip("."), old.get(key), new.get(key))
    elif old != new:
        yield f"{name} {old} → {new}"
