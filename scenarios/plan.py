"""The steps a scenario expands to, each with a key that comparison joins on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from .capability import why_impossible
from .ops import Op, op_from_json, op_identity, op_to_json
from .resolve import resolve_ops
from .schema import BackendName, Device, Dtype, Mode, Reps, ScenarioFile
from .shapes import complete_sizes

KEY_LENGTH = 12

Availability = Callable[[str, str], str | None]
"""(backend, device) -> None if it can run here, else the reason it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One variant on one backend and device, in one dtype, with one value of every sweep variable."""

    key: str
    """A digest of what is computed and where; not of names, files or the order in which they are written."""
    variant: str
    ops: tuple[Op, ...]
    backend: BackendName
    device: Device
    dtype: Dtype
    mode: Mode
    params: dict[str, int]
    """The sweep's values, in the scenario's order; m and k are in `sizes` also when not swept."""
    reps: Reps

    @property
    def label(self) -> str:
        """The step in one line, unique in its plan: ``outer_sum torch cpu float32 n=4000 axis=0``."""
        values = [f"{name}={value}" for name, value in self.params.items()]
        return " ".join([self.variant, self.backend, self.device, self.dtype, *values])

    @property
    def sizes(self) -> dict[str, int]:
        """The params with m and k, which default to n."""
        return complete_sizes(self.params)

    def to_json(self) -> dict[str, Any]:
        """The step as plain JSON; `from_json` reads it back."""
        return {
            "key": self.key,
            "variant": self.variant,
            "ops": [op_to_json(op) for op in self.ops],
            "backend": self.backend,
            "device": self.device,
            "dtype": self.dtype,
            "mode": self.mode,
            "params": dict(self.params),
            "reps": self.reps.model_dump(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Step:
        """The step that `to_json` wrote, its key as it was."""
        ops = tuple(op_from_json(op) for op in plain["ops"])
        return cls(**{**plain, "ops": ops, "params": dict(plain["params"]), "reps": Reps(**plain["reps"])})


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
    """A checked scenario: its file's content and where it was read."""

    path: str
    file: ScenarioFile

    @property
    def name(self) -> str:
        """The scenario's own name."""
        return self.file.name

    @property
    def about(self) -> str:
        """What the scenario shows, in a sentence."""
        return self.file.about


def step_key(
    *, ops: tuple[Op, ...], backend: str, device: str, dtype: str, mode: str, params: Mapping[str, int]
) -> str:
    """Twelve hex digits of SHA-256 over the canonical JSON of what is computed."""
    identity = {
        "ops": [op_identity(op) for op in ops],
        "backend": backend,
        "device": device,
        "dtype": dtype,
        "mode": mode,
        "params": dict(params),
    }
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:KEY_LENGTH]


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
    for step in list_steps(scenario.file):
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
