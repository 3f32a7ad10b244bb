"""Why a run's times differ: per panel, the layers, kernels, roof and launches behind the headline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...analysis.explain.explain import Explanation as Reasons
from ...analysis.runs.results import OpResult, RunResult, StepResult
from ..contest.caveats import find_losses, tell_losses
from ..contest.sweep import Sweep, best_time, ratio_to_reference, split_panels
from ..contest.verdicts import Contest, largest_steps
from ..document.cause_words import describe_causes, describe_missing
from ..document.document import Explanation
from ..document.names import clean
from ..document.numbers import format_value
from .kernel_sentences import tell_kernels, tell_substitutions
from .launch_region import tell_launch_region
from .step_tables import ROOF_NOTES

_NOT_TIMED = "how long their kernels took was not recorded"

_LEAST_SHARE = 0.01

_MEAN_APART, _SLOW = 1.1, 3.0
"""Times the median: from where on a mean is told to be one, and a rep to be slow."""
"""A layer with less of the difference is not named."""


def compose_explanations(
    result: RunResult,
    sweep: Sweep,
    contests: Mapping[str, Contest],
    reasons: Mapping[str, Reasons],
) -> tuple[Explanation, ...]:
    """One explanation per panel that has a measured step."""
    ops: dict[str, list[OpResult]] = {}
    for op in sorted(result.ops, key=lambda op: op.index):
        ops.setdefault(op.key, []).append(op)
    losses = find_losses(result)
    panels = []
    for panel, steps in split_panels(result.steps).items():
        done = sweep.read_in_order(step for step in steps if step.status == "done")
        held = [contests[step.key] for step in done if step.key in contests]
        lost = losses.get(panel, ())
        sentences = [tell_losses(lost, done)] if lost and done else []
        explained = [reasons[contest.step.key] for contest in held if contest.step.key in reasons]
        sentences += describe_causes(explained)
        sentences += _explain(done, held, ops, sweep) if done else []
        sentences += describe_missing(explained)
        if sentences:
            panels.append(Explanation(title=panel.title, sentences=tuple(sentences)))
    return tuple(panels)


def _explain(
    done: Sequence[StepResult],
    held: Sequence[Contest],
    ops: dict[str, list[OpResult]],
    sweep: Sweep,
) -> list[str]:
    top = [step for step in largest_steps(done, sweep) if step.status == "done"]
    sentences = [said for contest in held if (said := tell_layers(contest, sweep))]
    sentences += [said for step in top if (said := tell_kernels(step, ops.get(step.key, []), sweep))]
    sentences += tell_substitutions(top, ops, sweep)
    sentences += _tell_ranges(done, sweep)
    sentences += _tell_roof(top, sweep)
    return [*sentences, *tell_launch_region(done, sweep)]


def tell_layers(contest: Contest, sweep: Sweep) -> str | None:
    """Which layers hold the traced difference of a rep; the layers' differences sum to it."""
    mine, its = contest.step.per_rep, contest.reference.per_rep
    name, other = sweep.line_text(contest.step), sweep.line_text(contest.reference)
    total = contest.traced_delta_ns
    if total is None:
        bare = " and ".join(said for said, times in ((name, mine), (other, its)) if times is None)
        verb = "have" if mine is its else "has"
        return (
            f"Which layer holds the difference between {name} and {other} is unknown: "
            f"{bare} {verb} no traced window."
        )
    deltas = {layer: delta for layer, delta in contest.delta_ns.items() if delta is not None}
    if not deltas:
        return "Which layer holds the difference is unknown: the trace holds no activity of this device."
    named = [
        f"{layer} {_signed(delta)} ({format_value(delta / total, 'percent')})"
        for layer, delta in sorted(deltas.items(), key=lambda item: -abs(item[1]))
        if total and abs(delta) >= _LEAST_SHARE * abs(total)
    ]
    longer = "longer" if total > 0 else "shorter"
    window = f"{name}'s traced window is {format_value(abs(total), 'time')} {longer} a rep than {other}'s"
    slow = "".join(_tell_slow_reps(step, sweep) for step in (contest.reference, contest.step))
    return f"{window}: {', '.join(named)}{slow}." if named else None


def _tell_slow_reps(step: StepResult, sweep: Sweep) -> str:
    """That a few reps make a window so long a rep, as its median is far less; empty where they do not."""
    wall = step.per_rep.wall_ns if step.per_rep is not None else None
    slowest = max(step.traced_samples_ns, default=0.0)
    if wall is None or not step.traced_ns or wall < _MEAN_APART * step.traced_ns:
        return ""
    if slowest < _SLOW * step.traced_ns:
        return ""
    times = [format_value(ns, "time") for ns in (wall, slowest, step.traced_ns)]
    return (
        f"; {sweep.line_text(step)}'s {times[0]} a rep are a mean with a few slow ones, the slowest {times[1]}: half "
        f"its traced reps take at most {times[2]}"
    )


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{format_value(value, 'time')}"


def _tell_ranges(done: Sequence[StepResult], sweep: Sweep) -> list[str]:
    """How the ratio to the reference moves over the sizes, for each line."""
    lines: dict[str, list[tuple[float, StepResult]]] = {}
    for step in done:
        ratio = ratio_to_reference(step, sweep)
        if ratio is not None and sweep.reference_of(step) is not step:
            lines.setdefault(sweep.line_text(step), []).append((ratio, step))
    return [
        _tell_range(line, sorted(found, key=lambda pair: pair[0]), sweep)
        for line, found in lines.items()
        if len(found) > 1
    ]


def _tell_range(line: str, found: Sequence[tuple[float, StepResult]], sweep: Sweep) -> str:
    (least, at_least), (most, at_most) = found[0], found[-1]
    return (
        f"Over {len(found)} points {line} takes {format_value(least, 'ratio')} ({sweep.point_text(at_least)}, "
        f"{format_value(best_time(at_least), 'time')}) to {format_value(most, 'ratio')} "
        f"({sweep.point_text(at_most)}, {format_value(best_time(at_most), 'time')}) the time of {sweep.reference}."
    )


def _tell_roof(top: Sequence[StepResult], sweep: Sweep) -> list[str]:
    """Shares of the roof at the largest size with what bounds them, or why there is none."""
    with_costs = [s for s in top if (s.costs.flops or s.costs.bytes) and s.costs.limit != "copy"]
    known = [step for step in with_costs if step.costs.roof_share is not None]
    notes = {step.costs.roof_note or _NOT_TIMED for step in with_costs if step.costs.roof_share is None}
    sentences = []
    if known:
        shares = [
            f"{sweep.line_text(step)} {format_value(step.costs.roof_share, 'percent')}"
            + (f" ({step.costs.limit}-bound)" if step.costs.limit else "")
            for step in known
        ]
        source, size = known[0].costs.roof_source, sweep.size_of(known[0])
        place = f" at {clean(sweep.size or '')}={size}" if size is not None else ""
        sentences.append(
            f"Share of the roof{place}: {', '.join(shares)}"
            + (f"; roof: {clean(source)}." if source else ".")
        )
    for note in sorted(notes):
        names = [
            sweep.line_text(step)
            for step in with_costs
            if step.costs.roof_share is None and (step.costs.roof_note or _NOT_TIMED) == note
        ]
        why = ROOF_NOTES.get(note, clean(note))
        sentences.append(f"No share of the roof for {', '.join(names)}: {why}.")
    return sentences
