"""Which steps stand together: panels, points of the sweep, and the step a time is held against.

A *panel* is one (backend, device, dtype): times inside it are comparable. A *point* is one value of every
sweep variable. The *size* is the sweep variable on the x axis; a *line* is what else tells steps of a panel
apart: the variant and the other varying parameters (``outer_sum axis=1``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...analysis.runs.results import RunResult, StepResult
from ..document.names import clean


@dataclass(frozen=True, slots=True, order=True)
class PanelKey:
    """Where steps ran, and with which numbers."""

    backend: str
    device: str
    dtype: str

    @property
    def title(self) -> str:
        """``cupy cuda float32``."""
        return clean(f"{self.backend} {self.device} {self.dtype}")


def panel_of(step: StepResult) -> PanelKey:
    """The panel a step belongs to."""
    return PanelKey(step.backend, step.device, step.dtype)


def split_panels(steps: Iterable[StepResult]) -> dict[PanelKey, list[StepResult]]:
    """Steps by panel, both in the plan's order."""
    panels: dict[PanelKey, list[StepResult]] = {}
    for step in steps:
        panels.setdefault(panel_of(step), []).append(step)
    return panels


def best_time(step: StepResult) -> float | None:
    """The untraced time of a rep, else the traced one, in ns."""
    return step.untraced_ns if step.untraced_ns is not None else step.traced_ns


def same_pass_times(a: StepResult, b: StepResult) -> tuple[float, float] | None:
    """Both steps' times in ns from passes of one kind, untraced if both have it."""
    for mine, its in ((a.untraced_ns, b.untraced_ns), (a.traced_ns, b.traced_ns)):
        if mine is not None and its is not None:
            return mine, its
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """How the steps of a run relate to one another."""

    size: str | None
    others: tuple[str, ...]
    """Other parameters that vary."""
    reference_variant: str | None
    """What others are held against: the scenario's baseline, else the first of several variants."""
    reference_params: dict[str, int]
    """With a single variant: the first value of the one other parameter that varies (``axis=0``)."""
    variants: tuple[str, ...]
    index: dict[tuple[PanelKey, str, frozenset[tuple[str, int]]], StepResult]

    @property
    def reference(self) -> str | None:
        """The reference as readers see it: ``matvec``, ``axis=0``."""
        if self.reference_variant is not None:
            return clean(self.reference_variant)
        return clean(" ".join(f"{name}={value}" for name, value in self.reference_params.items())) or None

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that make a point, the size first."""
        return (*((self.size,) if self.size is not None else ()), *self.others)

    def point_text(self, step: StepResult) -> str:
        """``n=1000 axis=0``; empty when a run has no parameters."""
        return clean(" ".join(f"{name}={step.params[name]}" for name in self.names if name in step.params))

    def read_in_order(self, steps: Iterable[StepResult]) -> list[StepResult]:
        """Panels together as the plan first names them; inside by size, other parameters, variant."""
        panels: dict[PanelKey, int] = {}
        for step in (steps := list(steps)):
            panels.setdefault(panel_of(step), len(panels))
        return sorted(
            steps,
            key=lambda step: (
                panels[panel_of(step)],
                [step.params.get(name, -1) for name in self.names],
                self.variants.index(step.variant),
            ),
        )

    def line_text(self, step: StepResult) -> str:
        """``outer_sum axis=1``: what tells this step's line from others in its panel."""
        marks = [f"{name}={step.params[name]}" for name in self.others if name in step.params]
        return clean(" ".join([step.variant, *marks]))

    def short_text(self, step: StepResult) -> str:
        """The line's text without the variant where a run has only one: ``axis=1``."""
        line, variant = self.line_text(step), clean(step.variant)
        return line.removeprefix(variant).strip() or line if len(self.variants) == 1 else line

    def size_of(self, step: StepResult) -> int | None:
        """The step's place on the x axis."""
        return step.params.get(self.size) if self.size is not None else None

    def reference_of(self, step: StepResult) -> StepResult | None:
        """What the step's time is held against, in its panel at its size; the reference gives itself."""
        if self.reference is None:
            return None
        params = {**step.params, **self.reference_params}
        variant = self.reference_variant or step.variant
        found = self.index.get((panel_of(step), variant, frozenset(params.items())))
        return found or self._fewer_params(step, variant)

    def _fewer_params(self, step: StepResult, variant: str) -> StepResult | None:
        """A reference that does not depend on all of the sweep has fewer parameters."""
        params = frozenset(step.params.items())
        for (panel, name, known), candidate in self.index.items():
            if panel == panel_of(step) and name == variant and known < params:
                return candidate
        return None


def ratio_to_reference(step: StepResult, sweep: Sweep) -> float | None:
    """The step's time over that of the reference variant at the same point; None where either is missing."""
    reference = sweep.reference_of(step)
    if reference is None or reference.status != "done":
        return None
    times = same_pass_times(step, reference)
    return times[0] / times[1] if times and times[1] else None


def read_sweep(result: RunResult) -> Sweep:
    """The sweep of a run, from its steps."""
    values: dict[str, set[int]] = {}
    for step in result.steps:
        for name, value in step.params.items():
            values.setdefault(name, set()).add(value)
    variants = tuple(dict.fromkeys(step.variant for step in result.steps))
    size = _choose_size(values)
    others = tuple(name for name, found in values.items() if len(found) > 1 and name != size)
    return Sweep(
        size=size,
        others=others,
        reference_variant=_choose_reference(result.run.baseline, variants),
        reference_params={others[0]: min(values[others[0]])} if len(variants) == len(others) == 1 else {},
        variants=variants,
        index={(panel_of(s), s.variant, frozenset(s.params.items())): s for s in result.steps},
    )


def _choose_size(values: dict[str, set[int]]) -> str | None:
    """``n`` if there is one that varies, else what varies most, else ``n`` or the first."""
    if "n" in values and (len(values["n"]) > 1 or all(len(v) == 1 for v in values.values())):
        return "n"
    return max(values, key=lambda name: len(values[name]), default=None)


def _choose_reference(baseline: str | None, variants: Sequence[str]) -> str | None:
    if len(variants) < 2:
        return None
    return baseline if baseline in variants else variants[0]


def spread(values: Iterable[int | None], count: int) -> frozenset[int | None]:
    """At most ``count`` of the values, the largest and (of several) the smallest among them.

    >>> sorted(spread([1000, 2000, 4000, 8000, 12000], 3) - {None})
    [1000, 4000, 12000]
    """
    ordered = sorted({value for value in values if value is not None})
    if len(ordered) <= count:
        return frozenset([*ordered, None])
    if count == 1:
        return frozenset([ordered[-1], None])
    step = (len(ordered) - 1) / (count - 1)
    return frozenset([*(ordered[round(i * step)] for i in range(count)), None])
