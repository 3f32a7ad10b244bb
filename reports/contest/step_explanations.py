"""Every step of a run against its reference: the factors and causes of the ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...analysis.explain.explain import Explanation, explain
from ...analysis.explain.subject import Subject, subject_of_step
from ...analysis.runs.results import OpResult, RunResult, StepResult
from .sweep import Sweep, same_pass_times
from .verdicts import Contest


def explain_steps(result: RunResult, sweep: Sweep, contests: Mapping[str, Contest]) -> dict[str, Explanation]:
    """By the step's key; B is the step, A its reference. Steps without a reference or a time have none."""
    ops: dict[str, list[OpResult]] = {}
    for op in result.ops:
        ops.setdefault(op.key, []).append(op)
    explained: dict[str, Explanation] = {}
    for step in result.steps:
        reference = sweep.reference_of(step)
        if reference is None or reference is step or {step.status, reference.status} != {"done"}:
            continue
        times = same_pass_times(step, reference)
        if times is None:
            continue
        b, a = (
            _subject(side, result, ops, time, sweep)
            for side, time in zip((step, reference), times, strict=True)
        )
        found = explain(a, b, bound_ratio(step, reference, contests.get(step.key)))
        if found is not None:
            explained[step.key] = found
    return explained


def _subject(
    step: StepResult, result: RunResult, ops: Mapping[str, Sequence[OpResult]], time_ns: float, sweep: Sweep
) -> Subject:
    return subject_of_step(step, ops.get(step.key, ()), result.roofs, time_ns, sweep.line_text(step))


def bound_ratio(
    step: StepResult, reference: StepResult, contest: Contest | None
) -> tuple[float, float] | None:
    """The ratio's own, where it was judged; else the widest that the two medians' intervals allow."""
    if contest is not None and contest.estimate is not None:
        return contest.estimate.interval()
    mine, its = step.untraced_interval, reference.untraced_interval
    if mine is None or its is None or min(*mine, *its) <= 0:
        return None
    return mine[0] / its[1], mine[1] / its[0]
