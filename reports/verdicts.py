"""What a run says, in sentences computed from its numbers.

Every sentence carries the numbers it rests on; where the data cannot carry one, it says what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.results import RunResult, StepResult
from .groups import SPEAKING_SLOWDOWN, PanelKey, Sweep, same_pass_times, split_panels
from .names import clean
from .numbers import format_value


def compose_verdicts(result: RunResult, sweep: Sweep) -> tuple[str, ...]:
    """One sentence per panel and variant, at the panel's largest size; then what tracing cost."""
    if not result.steps:
        return ("Nothing was measured: the run has no steps.",)
    sentences = []
    for panel, steps in split_panels(result.steps).items():
        sentences += _judge_panel(panel, steps, sweep)
    return (*sentences, *_judge_tracing(result, sweep))


def _judge_panel(panel: PanelKey, steps: Sequence[StepResult], sweep: Sweep) -> list[str]:
    done = [step for step in steps if step.status == "done"]
    if not done:
        return [f"{panel.title}: nothing to say, none of its {len(steps)} steps was measured."]
    largest = max(sweep.size_of(step) or 0 for step in steps)
    top = [step for step in steps if (sweep.size_of(step) or 0) == largest]
    if sweep.reference is None:
        return [_tell_alone(panel, step, sweep) for step in top]
    return [_tell_ratio(panel, step, sweep) for step in top if sweep.reference_of(step) is not step]


def _tell_alone(panel: PanelKey, step: StepResult, sweep: Sweep) -> str:
    head = _head(panel, step, sweep)
    if step.status != "done":
        return f"{head}: {_name_missing(step)}"
    time = step.untraced_ns if step.untraced_ns is not None else step.traced_ns
    return f"{head}: {clean(step.variant)} takes {format_value(time, 'time')}."


def _tell_ratio(panel: PanelKey, step: StepResult, sweep: Sweep) -> str:
    head, name, other = _head(panel, step, sweep), clean(step.variant), sweep.reference
    reference = sweep.reference_of(step)
    if reference is None:
        return f"{head}: no ratio for {name}, {other} has no step there."
    for side in (step, reference):
        if side.status != "done":
            return f"{head}: no ratio for {name}, {_name_missing(side)}"
    times = same_pass_times(step, reference)
    if times is None or not times[1]:
        return f"{head}: no ratio for {name}, no pass timed both it and {other}."
    mine, its = times
    kind = "" if step.untraced_ns is not None and reference.untraced_ns is not None else ", both traced"
    ratio = f"{format_value(mine / its, 'ratio')} the time of {other}"
    times_text = f"{format_value(mine, 'time')} against {format_value(its, 'time')}{kind}"
    return (
        f"{head}: {name} takes {ratio} {_tell_flops(step, reference)} ({times_text}); "
        f"{_tell_bytes(step, reference)}."
    )


def _head(panel: PanelKey, step: StepResult, sweep: Sweep) -> str:
    return f"{panel.title} {sweep.point_text(step)}".strip()


def _name_missing(step: StepResult) -> str:
    reason = clean(step.reason or "no reason was recorded").rstrip(".")
    return f"{clean(step.variant)} {step.status}: {reason}."


def _tell_flops(step: StepResult, reference: StepResult) -> str:
    mine, its = step.costs.flops, reference.costs.flops
    if mine is None or its is None:
        return "(FLOPs unknown)"
    if mine == its:
        return "at equal FLOPs" if mine else "(neither computes)"
    return f"at {format_value(mine / its, 'ratio')} its FLOPs" if its else "which computes nothing"


def _tell_bytes(step: StepResult, reference: StepResult) -> str:
    mine, its = step.costs.bytes, reference.costs.bytes
    if mine is None or not its:
        return "bytes unknown"
    return f"it must move {format_value(mine / its, 'ratio')} the bytes"


def _judge_tracing(result: RunResult, sweep: Sweep) -> list[str]:
    slow = [step for step in result.steps if (step.slowdown or 0) > SPEAKING_SLOWDOWN]
    if not slow:
        return []
    worst = max(slow, key=lambda step: step.slowdown or 0)
    return [
        f"Tracing slowed {len(slow)} of {len(result.steps)} steps by over 10 %, most "
        f"{clean(worst.backend)} {clean(worst.device)} {sweep.point_text(worst)} {clean(worst.variant)}: "
        f"{format_value(worst.slowdown, 'ratio')} ({format_value(worst.traced_ns, 'time')} traced, "
        f"{format_value(worst.untraced_ns, 'time')} untraced); times here are untraced, layers are traced."
    ]
