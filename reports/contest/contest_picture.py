"""The picture beside the first sentences: every backend's times at the largest size, and the ratio over the sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...analysis.explain.subject import IN_CACHE
from ...analysis.runs.results import RunResult, StepResult
from ...analysis.words import PARTS
from ..document.document import Bar, BarGroup, Picture, Series
from ..document.names import clean
from .caveats import find_losses
from .step_explanations import bound_ratio
from .sweep import PanelKey, Sweep, best_time, ratio_to_reference, split_panels
from .verdicts import Contest, largest_steps

_MOST_LINES = 6

MOST_GROUPS, MOST_BARS = 3, 3
"""What fits the first screen of a phone."""


def draw_up_picture(result: RunResult, sweep: Sweep, contests: Mapping[str, Contest]) -> Picture | None:
    """None where nothing was measured."""
    panels = {
        panel: [step for step in steps if step.status == "done"]
        for panel, steps in split_panels(result.steps).items()
    }
    panels = {panel: steps for panel, steps in panels.items() if steps}
    shown = dict(list(panels.items())[:MOST_GROUPS])
    lost = find_losses(result)
    groups = [_group(panel, steps, result, sweep, lost=panel in lost) for panel, steps in shown.items()]
    groups = [group for group in groups if group.bars]
    if not groups:
        return None
    names = ", ".join(group.title for group in groups)
    return Picture(
        alt=f"Time of a rep, divided into its layers, of each variant at the largest size: {names}.",
        groups=tuple(groups),
        of=" of a rep",
        lines=tuple(ratio_lines(shown, sweep, contests))[:_MOST_LINES],
        size=clean(sweep.size or ""),
        reference=sweep.reference or "",
        left_out=len(panels) - len(shown),
    )


def _group(
    panel: PanelKey, steps: Sequence[StepResult], result: RunResult, sweep: Sweep, *, lost: bool
) -> BarGroup:
    top = [step for step in sweep.read_in_order(largest_steps(steps, sweep)) if step.status == "done"]
    size = sweep.size_of(top[0])
    place = f" at {clean(sweep.size or '')}={size}" if size is not None else ""
    return BarGroup(
        title=f"{panel.title}{place}",
        bars=tuple(_bar(step, result, sweep, lost=lost) for step in _choose(top, sweep) if best_time(step)),
    )


def _choose(top: Sequence[StepResult], sweep: Sweep) -> list[StepResult]:
    """The references first, then the slowest of the others."""
    references = [step for step in top if sweep.reference_of(step) is step]
    others = sorted(
        (step for step in top if sweep.reference_of(step) is not step), key=lambda s: -(best_time(s) or 0)
    )
    return [*references[:1], *others, *references[1:]][:MOST_BARS]


def _bar(step: StepResult, result: RunResult, sweep: Sweep, *, lost: bool) -> Bar:
    times = None if lost else step.per_rep
    parts = [] if times is None else [(name, getattr(times, f"{name}_ns")) for name in PARTS]
    return Bar(
        label=sweep.short_text(step),
        time_ns=best_time(step) or 0.0,
        parts=tuple((name, float(ns)) for name, ns in parts if ns),
        floor_ns=_find_floor(step, result),
    )


def _find_floor(step: StepResult, result: RunResult) -> float | None:
    """How long the least bytes take at the rate of the memory's roof."""
    if not step.costs.bytes or step.costs.roof_note in IN_CACHE or step.costs.limit == "copy":
        return None
    rates = [
        roof.bytes_per_s for roof in result.roofs if (roof.device, roof.dtype) == (step.device, step.dtype)
    ]
    return step.costs.bytes / rates[0] * 1e9 if rates and rates[0] > 0 else None


def ratio_lines(
    panels: Mapping[PanelKey, Sequence[StepResult]], sweep: Sweep, contests: Mapping[str, Contest]
) -> Iterable[Series]:
    """The ratio to the reference against the size, of every line with more than one size."""
    colour = 0
    for panel, steps in panels.items():
        lines: dict[str, list[StepResult]] = {}
        for step in sweep.read_in_order(steps):
            if (
                sweep.size_of(step)
                and sweep.reference_of(step) is not step
                and ratio_to_reference(step, sweep)
            ):
                lines.setdefault(sweep.short_text(step), []).append(step)
        for line, found in lines.items():
            if len({sweep.size_of(step) for step in found}) > 1:
                yield _ratio_line(f"{panel.backend} {panel.device} {line}", found, sweep, contests, colour)
                colour += 1


def _ratio_line(
    label: str, steps: Sequence[StepResult], sweep: Sweep, contests: Mapping[str, Contest], colour: int
) -> Series:
    ratios = [ratio_to_reference(step, sweep) or 1.0 for step in steps]
    bounds = [
        (reference and bound_ratio(step, reference, contests.get(step.key))) or (ratio, ratio)
        for step, ratio in zip(steps, ratios, strict=True)
        for reference in [sweep.reference_of(step)]
    ]
    return Series(
        label=clean(label),
        x=tuple(float(sweep.size_of(step) or 0) for step in steps),
        y=tuple(ratios),
        low=tuple(low for low, _ in bounds),
        high=tuple(high for _, high in bounds),
        colour=colour,
    )
