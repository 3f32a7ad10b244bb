"""What a run says first: which variant is faster, by how much, and at how many FLOPs and bytes.

One sentence per panel and variant at the panel's largest size, computed from the run's numbers and carrying
them; where the data cannot carry one, it says what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...analysis.arithmetic.judgement import (
    FEWEST_SAMPLES,
    THRESHOLD,
    Judgement,
    count_deciding,
    judge,
    says_something,
)
from ...analysis.arithmetic.statistics import LEVEL, RatioEstimate, ratio_interval
from ...analysis.explain.explain import Explanation
from ...analysis.runs.results import RunResult, StepResult
from ...analysis.words import PARTS
from ..document.factor_words import describe_factors
from ..document.names import clean
from ..document.numbers import count_noun, format_value
from .caveats import tell_disturbances
from .sweep import PanelKey, Sweep, same_pass_times, split_panels


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A step against the reference at the same point, both measured."""

    panel: PanelKey
    step: StepResult
    reference: StepResult
    times: tuple[float, float]
    estimate: RatioEstimate | None
    """None where a side has under two samples."""

    @property
    def traced(self) -> bool:
        """Whether the times are traced ones, for want of untraced ones."""
        return self.step.untraced_ns is None or self.reference.untraced_ns is None

    @property
    def ratio(self) -> float:
        """The step's time over the reference's."""
        return self.times[0] / self.times[1]

    @property
    def traced_delta_ns(self) -> float | None:
        """How much longer the step's traced window is a rep."""
        mine, its = self.step.per_rep, self.reference.per_rep
        return None if mine is None or its is None else mine.wall_ns - its.wall_ns

    @property
    def delta_ns(self) -> dict[str, float | None]:
        """The same by layer; the known ones sum to it."""
        sides = (self.step.per_rep, self.reference.per_rep)
        layers = {
            part: [None if side is None else getattr(side, f"{part}_ns") for side in sides] for part in PARTS
        }
        return {part: None if a is None or b is None else a - b for part, (a, b) in layers.items()}


def compose_verdicts(
    result: RunResult, sweep: Sweep, contests: Mapping[str, Contest], explained: Mapping[str, Explanation]
) -> tuple[str, ...]:
    """The headline of every panel; then what tracing cost."""
    if not result.steps:
        return ("Nothing was measured: the run has no steps.",)
    judged = judge_contests(list(contests.values()))
    sentences: list[str] = []
    for panel, steps in split_panels(result.steps).items():
        if not any(step.status == "done" for step in steps):
            count = count_noun(len(steps), "step")
            sentences.append(f"{panel.title}: nothing to say, of its {count} none was measured.")
            continue
        for step in largest_steps(steps, sweep):
            contest = contests.get(step.key)
            if contest is not None:
                sentences.append(_tell_contest(contest, judged.get(step.key), sweep, explained.get(step.key)))
            elif sweep.reference is None or sweep.reference_of(step) is not step:
                sentences.append(tell_alone(panel, step, sweep))
    return (*sentences, *tell_disturbances(result, sweep))


def hold_contests(result: RunResult, sweep: Sweep) -> dict[str, Contest]:
    """By the step's key: every largest step that can be held against its reference."""
    found: dict[str, Contest] = {}
    for panel, steps in split_panels(result.steps).items():
        for step in largest_steps(steps, sweep):
            reference = sweep.reference_of(step)
            if reference is None or reference is step or {step.status, reference.status} != {"done"}:
                continue
            times = same_pass_times(step, reference)
            if times is not None and min(times) > 0:
                found[step.key] = Contest(
                    panel=panel,
                    step=step,
                    reference=reference,
                    times=times,
                    estimate=_estimate(step, reference),
                )
    return found


def largest_steps(steps: Sequence[StepResult], sweep: Sweep) -> list[StepResult]:
    """The steps at the largest size of those measured."""
    measured = [step for step in steps if step.status == "done"]
    largest = max((sweep.size_of(step) or 0 for step in measured or steps), default=0)
    failed = [step for step in steps if step.status != "done" and (sweep.size_of(step) or 0) > largest]
    return [*failed, *(step for step in steps if (sweep.size_of(step) or 0) == largest)]


def _estimate(step: StepResult, reference: StepResult) -> RatioEstimate | None:
    for mine, its in (
        (step.untraced_samples_ns, reference.untraced_samples_ns),
        (step.traced_samples_ns, reference.traced_samples_ns),
    ):
        if min(len(mine), len(its)) > 1 and min(*mine, *its) > 0:
            return ratio_interval(its, mine)
    return None


def judge_contests(contests: Sequence[Contest]) -> dict[str, Judgement]:
    """All headline ratios of a run are judged together, so that many of them make none easier."""
    keyed = [(contest.step.key, contest.estimate) for contest in contests if contest.estimate is not None]
    judgements = judge([estimate for _, estimate in keyed])
    return {key: judgement for (key, _), judgement in zip(keyed, judgements, strict=True)}


def _tell_contest(
    contest: Contest, judgement: Judgement | None, sweep: Sweep, explanation: Explanation | None
) -> str:
    step, reference = contest.step, contest.reference
    mine, its = (format_value(time, "time") for time in contest.times)
    kind = ", both traced" if contest.traced else ""
    doubt = find_doubt(contest, judgement) if judgement is not None else None
    why = f"; no verdict as {doubt}{_tell_remedy(contest, judgement)}" if doubt else ""
    return (
        f"{name_place(contest.panel, step, sweep)}: {tell_ratio(contest, judgement, doubt, sweep)} "
        f"{_tell_flops(step, reference)} ({mine} against {its}{kind}; {_tell_interval(judgement)}{why})"
        f"{_tell_factors(explanation)}."
    )


def tell_ratio(contest: Contest, judgement: Judgement | None, doubt: str | None, sweep: Sweep) -> str:
    """Who is slower and by how much; ``doubt`` is why that is not sure."""
    name, other = name_contender(contest.step, sweep), sweep.reference
    ratio = format_value(contest.ratio, "ratio")
    if doubt:
        return f"no verdict between {name} and {other}, {ratio} its time,"
    if judgement is not None and judgement.verdict == "same":
        return f"{name} takes as long as {other}, {ratio} its time,"
    return f"{name} {say_ratio(contest.ratio, other or '')}"


def say_ratio(ratio: float, other: str) -> str:
    """How long something takes beside another: in words that need no fraction of one.

    >>> say_ratio(4.85, "matvec"), say_ratio(1 / 20.9, "matvec")
    ('takes 4.85× the time of matvec', 'is 20.9× faster than matvec')
    """
    if 0 < ratio < 1:
        return f"is {format_value(1 / ratio, 'ratio')} faster than {other}"
    return f"takes {format_value(ratio, 'ratio')} the time of {other}"


def find_doubt(contest: Contest, judgement: Judgement) -> str | None:
    """Why neither side is called faster, nor both alike: the times told are means, what is judged are medians."""
    low, high = judgement.interval
    if judgement.verdict == "same":
        alike = 1 / (1 + THRESHOLD) <= contest.ratio <= 1 + THRESHOLD
        return None if alike else "the medians are alike and the means are not"
    if judgement.verdict != "unsure":
        agree = (contest.ratio > 1) == (judgement.ratio > 1)
        return _find_contradiction(contest) if agree else "the medians and the means say opposite things"
    if contest.estimate is not None and contest.estimate.samples < FEWEST_SAMPLES:
        return f"it needs {FEWEST_SAMPLES} samples and has {contest.estimate.samples}"
    if low <= 1 <= high:
        return "the interval includes 1"
    if 1 / (1 + THRESHOLD) <= judgement.ratio <= 1 + THRESHOLD:
        return f"the medians differ by under {THRESHOLD * 100:.0f} %"
    told = f"p = {judgement.p:.2g}" if judgement.p >= 1 - LEVEL else "it ranks them the other way"
    return f"a rank test does not agree ({told})"


def _find_contradiction(contest: Contest) -> str | None:
    """Of noisy steps: that the traced pass, without what tracing cost it, does not say what the untraced one says."""
    steps = (contest.step, contest.reference)
    if contest.traced or not any(step.noisy for step in steps):
        return None
    mine, its = ((step.traced_ns or 0.0) - (step.tracing_ns or 0.0) for step in steps)
    if min(mine, its) <= 0:
        return None
    ratio = mine / its
    if (ratio if contest.ratio > 1 else 1 / ratio) > 1 + THRESHOLD:
        return None
    return f"it is noisy, and the traced pass says {format_value(ratio, 'ratio')}"


def _tell_remedy(contest: Contest, judgement: Judgement | None) -> str:
    """How many more reps would about decide what is unsure for its noise; empty where that cannot be said."""
    if judgement is None or judgement.verdict != "unsure" or contest.estimate is None:
        return ""
    have = contest.estimate.samples
    need = count_deciding(judgement.ratio, judgement.interval, have)
    if need is None or have < FEWEST_SAMPLES:
        return ""
    a_sample = max(1, round((contest.step.reps or have) / have))
    return f", and about {count_noun((need - have) * a_sample, 'more rep')} a side would decide"


def _tell_interval(judgement: Judgement | None) -> str:
    if judgement is None:
        return "no interval, under two samples"
    if not says_something(judgement.interval):
        return (
            f"medians {format_value(judgement.ratio, 'ratio')}, whose samples differ too much for an interval"
        )
    ratio, low, high = (format_value(value, "ratio") for value in (judgement.ratio, *judgement.interval))
    return f"medians {ratio}, 95 % interval {low} to {high}"


def tell_alone(panel: PanelKey, step: StepResult, sweep: Sweep) -> str:
    """A step without an opponent: its own time, or what is missing for a ratio."""
    head, name = name_place(panel, step, sweep), name_contender(step, sweep)
    reference = sweep.reference_of(step)
    if sweep.reference is None:
        time = step.untraced_ns if step.untraced_ns is not None else step.traced_ns
        said = f"{name} takes {format_value(time, 'time')}" if step.status == "done" else _name_missing(step)
        return f"{head}: {said}."
    if step.status != "done":
        return f"{head}: no ratio for {name}, {_name_missing(step)}."
    if reference is None:
        return f"{head}: no ratio for {name}, {sweep.reference} has no step there."
    if reference.status != "done":
        return f"{head}: no ratio for {name}, {_name_missing(reference)}."
    return f"{head}: no ratio for {name}, no pass timed both it and {sweep.reference}."


def name_place(panel: PanelKey, step: StepResult, sweep: Sweep) -> str:
    """``cupy cuda float32 n=20000``; without what a step differs in from its reference (``axis=1``)."""
    shared = [name for name in sweep.names if name in step.params and name not in sweep.reference_params]
    point = clean(" ".join(f"{name}={step.params[name]}" for name in shared))
    return f"{panel.title} {point}".strip()


def name_contender(step: StepResult, sweep: Sweep) -> str:
    """The variant; of a single variant what it differs in from its reference: ``axis=1``."""
    return sweep.short_text(step) if sweep.reference_params else clean(step.variant)


def _name_missing(step: StepResult) -> str:
    reason = clean(step.reason or "no reason was recorded").rstrip(".")
    return f"{clean(step.variant)} {step.status}: {reason}"


def _tell_flops(step: StepResult, reference: StepResult) -> str:
    mine, its = step.costs.flops, reference.costs.flops
    if mine is None or its is None:
        return "with FLOPs unknown"
    if mine == its:
        return "at equal FLOPs" if mine else "without FLOPs on either side"
    return f"at {format_value(mine / its, 'ratio')} its FLOPs" if its else "with FLOPs where it has none"


def _tell_factors(explanation: Explanation | None) -> str:
    """What the ratio is made of."""
    if explanation is None:
        return ""
    known = explanation.a.least_bytes and explanation.b.least_bytes
    return f"; {'' if known else 'bytes unknown, '}{describe_factors(explanation)}"
