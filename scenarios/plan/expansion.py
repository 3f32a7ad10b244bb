"""The steps a scenario expands to, each with a key that comparison joins on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from ..language.resolve import resolve_ops
from ..language.schema import BackendName, Device, Dtype, ScenarioFile
from .capability import why_impossible
from .step import Step, step_key

Availability = Callable[[str, str], str | None]
"""(backend, device) -> None if it can run here, else the reason it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A scenario made concrete for one machine."""

    name: str
    about: str
    path: str
    baseline: str | None
    steps: tuple[Step, ...]
    """Ordered by backend, device, dtype, params, variant: the variants of one size are neighbours."""
    skipped: tuple[tuple[str, str], ...]
    """(label, reason), one for each combination that cannot run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A checked scenario: its file's content, where it was read, and what it expands to."""

    path: str
    file: ScenarioFile
    steps: tuple[Step, ...]
    """Every combination the file does not exclude, whether it can run or not."""

    @property
    def name(self) -> str:
        """The scenario's own name."""
        return self.file.name

    @property
    def about(self) -> str:
        """What the scenario shows, in a sentence."""
        return self.file.about


def list_steps(file: ScenarioFile) -> Iterator[Step]:
    """Every combination the file does not exclude, whether it can run or not."""
    values = [
        dict(zip(file.sweep, combination, strict=True)) for combination in product(*file.sweep.values())
    ]
    for backend, device, dtype in product(file.backends, file.devices, file.dtypes):
        for params in values:
            for name in file.variants:
                step = _step(file, name, backend, device, dtype, params)
                if not any(_matches(step, partial) for partial in file.exclude):
                    yield step


def expand_plan(scenario: Scenario, availability: Availability) -> Plan:
    """The steps that can run here, and one line for each combination that cannot.

    ``availability`` is asked once for every (backend, device) that is possible at all.
    """
    steps: list[Step] = []
    skipped: dict[str, str] = {}
    reasons: dict[tuple[str, str], str | None] = {}
    for step in scenario.steps:
        impossible = why_impossible(step.backend, step.device, step.dtype, step.mode, step.ops, step.variant)
        place = (step.backend, step.device)
        if impossible is None and place not in reasons:
            reasons[place] = availability(*place)
        if impossible is not None:
            skipped.setdefault(*impossible)
        elif (reason := reasons[place]) is not None:
            skipped.setdefault(" ".join(place), reason)
        else:
            steps.append(step)
    return Plan(
        name=scenario.name,
        about=scenario.about,
        path=scenario.path,
        baseline=scenario.file.baseline,
        steps=tuple(steps),
        skipped=tuple(skipped.items()),
    )


def _step(
    file: ScenarioFile, name: str, backend: BackendName, device: Device, dtype: Dtype, params: dict[str, int]
) -> Step:
    variant = file.variants[name]
    ops = resolve_ops(name, variant.ops, params)
    key = step_key(ops=ops, backend=backend, device=device, dtype=dtype, mode=variant.mode, params=params)
    return Step(
        key=key,
        variant=name,
        ops=ops,
        backend=backend,
        device=device,
        dtype=dtype,
        mode=variant.mode,
        params=dict(params),
        reps=file.reps,
    )


def _matches(step: Step, partial: Mapping[str, str | int]) -> bool:
    """Whether a step agrees with every entry of an exclusion."""
    fields = {
        "variant": step.variant,
        "backend": step.backend,
        "device": step.device,
        "dtype": step.dtype,
        "mode": step.mode,
        **step.params,
    }
    return all(fields.get(name) == value for name, value in partial.items())
