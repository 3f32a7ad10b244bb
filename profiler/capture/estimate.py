"""What a run would do, and about how long it would take: said before any of it is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...analysis.errors import RunError, StoreError, UnknownRun
from ...analysis.runs.evidence import add_seconds
from ...analysis.runs.folder import read_run_folder
from ...analysis.store.address import LATEST, lookup_kept_run
from ...reports.document.numbers import count_noun
from ...scenarios.plan.expansion import Plan
from .run import shards_of

START_SECONDS = 4.0
"""Of a worker with its libraries and the recorder around it; a rough figure, of an idle machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How long a run takes."""

    seconds: float
    measured: str | None = None
    """The run of the same steps that took so long; None where nothing is known but limits."""


def estimate_run(plan: Plan, store: Path, *, control: bool) -> Estimate:
    """By the latest run of the same steps in the store, else by the limits that the scenario sets."""
    known = _find_measured(plan, store)
    if known is not None:
        return known
    passes = 2 if control else 1
    measuring = sum(step.reps.max_seconds * 1.1 for step in plan.steps)  # with its warm-up
    starts = len(shards_of(plan)) * START_SECONDS
    return Estimate(seconds=passes * (measuring + starts))


def _find_measured(plan: Plan, store: Path) -> Estimate | None:
    try:
        run = lookup_kept_run(f"{plan.name}@{LATEST}", store)
        if run is None:
            return None
        folder = read_run_folder(run)
    except (UnknownRun, StoreError, RunError):
        return None
    same = {step.key for step in folder.steps} == {step.key for step in plan.steps}
    seconds = sum(add_seconds((shard.record for shard in folder.shards), folder.counters).values())
    if not same or folder.plan.run.status != "complete" or not seconds:
        return None
    return Estimate(seconds=seconds, measured=folder.plan.run.id)


def describe_plan(plan: Plan, recorder: str, estimate: Estimate, *, control: bool) -> str:
    """The lines of ``run --dry-run``."""
    lines = [f"{plan.name}: {count_noun(len(plan.steps), 'step')}, recorded by {recorder}; nothing was run"]
    lines += [
        f"  {shard.backend} {shard.device}: {count_noun(len(shard.steps), 'step')}"
        for shard in shards_of(plan)
    ]
    lines += [f"  skipped {label}: {reason}" for label, reason in plan.skipped]
    return "\n".join([*lines, _tell_estimate(plan, estimate, control=control)])


def _tell_estimate(plan: Plan, estimate: Estimate, *, control: bool) -> str:
    about = format_duration(estimate.seconds)
    if estimate.measured is not None:
        return f"about {about}: {estimate.measured} took that for the same steps"
    passes = "untraced and traced" if control else "traced"
    limit = max((step.reps.max_seconds for step in plan.steps), default=0.0)
    return (
        f"about {about} at most: each step {passes} for up to {limit:g} s, and the starts of the workers; more where "
        "a single rep takes over a tenth of that"
    )


def format_duration(seconds: float) -> str:
    """As one says it.

    >>> format_duration(4.2), format_duration(95), format_duration(7300)
    ('4 s', '1 min 35 s', '2 h 1 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
