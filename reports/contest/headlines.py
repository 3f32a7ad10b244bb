"""The first sentence of a run's report: for each backend who is slower at the largest size, by how much and why.

It is the short form of the verdicts, which carry intervals, FLOPs and all factors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...analysis.arithmetic.judgement import Judgement
from ...analysis.explain.explain import Explanation
from ...analysis.runs.results import RunResult, StepResult
from ..document.main_cause import tell_main_cause
from ..document.numbers import count_noun, format_value
from .sweep import PanelKey, Sweep, ratio_to_reference, split_panels
from .verdicts import (
    Contest,
    find_doubt,
    judge_contests,
    largest_steps,
    name_place,
    say_ratio,
    tell_alone,
    tell_ratio,
)

_MOST_OTHERS = 2


def compose_headlines(
    result: RunResult, sweep: Sweep, contests: Mapping[str, Contest], explained: Mapping[str, Explanation]
) -> tuple[str, ...]:
    """One sentence for each backend, device and dtype."""
    judged = judge_contests(list(contests.values()))
    told: list[str] = []
    for panel, steps in split_panels(result.steps).items():
        if not any(step.status == "done" for step in steps):
            told.append(f"{panel.title}: of its {count_noun(len(steps), 'step')} none was measured.")
            continue
        top = largest_steps(steps, sweep)
        held = [contests[step.key] for step in top if step.key in contests]
        if held:
            told.append(_tell_contests(held, judged, sweep, explained))
        else:
            told.append(_tell_alone(panel, steps, sweep))
    return tuple(told) or ("Nothing was measured: the run has no steps.",)


def choose_contest(held: Sequence[Contest]) -> Contest:
    """The one that a backend's sentence is about: where times differ most."""
    return max(held, key=lambda contest: abs(math.log(contest.ratio)))


def _tell_alone(panel: PanelKey, steps: Sequence[StepResult], sweep: Sweep) -> str:
    """Why there is no ratio at the largest size, and the one at the largest that has one."""
    top = largest_steps(steps, sweep)
    alone = [s for s in top if sweep.reference is None or sweep.reference_of(s) is not s]
    said = tell_alone(panel, (alone or top)[0], sweep)
    known = [
        (size, step, ratio)
        for step in steps
        if (size := sweep.size_of(step)) is not None
        and sweep.reference_of(step) is not step
        and (ratio := ratio_to_reference(step, sweep)) is not None
    ]
    if not known:
        return said
    size, step, ratio = max(known, key=lambda one: one[0])
    return (
        f"{said.removesuffix('.')}; at {sweep.point_text(step)} {sweep.line_text(step)} "
        f"{say_ratio(ratio, sweep.reference or '')}."
    )


def _tell_contests(
    held: Sequence[Contest],
    judged: Mapping[str, Judgement],
    sweep: Sweep,
    explained: Mapping[str, Explanation],
) -> str:
    lead = choose_contest(held)
    judgement = judged.get(lead.step.key)
    doubt = find_doubt(lead, judgement) if judgement is not None else None
    mine, its = (format_value(time, "time") for time in lead.times)
    said = tell_ratio(lead, judgement, doubt, sweep).rstrip(",")
    traced = ", both traced" if lead.traced else ""
    decided = judgement is None or (doubt is None and judgement.verdict != "same")
    cause = tell_main_cause(explained.get(lead.step.key) if decided else None)
    text = f"{name_place(lead.panel, lead.step, sweep)}: {said} ({mine} against {its}{traced})"
    text += f", {cause.why}" if cause.why else ""
    text += f"; no verdict as {doubt}" if doubt else ""
    text += _tell_others([contest for contest in held if contest is not lead], sweep) + "."
    return f"{text} {cause.remedy}".rstrip()


def _say_shortly(ratio: float) -> str:
    return f"{format_value(1 / ratio, 'ratio')} faster" if 0 < ratio < 1 else format_value(ratio, "ratio")


def _tell_others(others: Sequence[Contest], sweep: Sweep) -> str:
    if not others:
        return ""
    told = [
        f"{sweep.short_text(contest.step)} {_say_shortly(contest.ratio)}"
        for contest in sorted(others, key=lambda contest: -contest.ratio)[:_MOST_OTHERS]
    ]
    left = len(others) - len(told)
    return f"; {', '.join(told)}" + (f", and {left} more below" if left else "")
