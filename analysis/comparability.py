"""What makes two sides hard to compare; said before any number, and refused under ``--strict``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .measured import Measured
from .records import Machine
from .results import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """One way in which the sides differ besides what is compared.

    Codes: machine, gpu, driver, versions, settings, recorder, order, lossy, reps, dtype, untraced, clock.
    A ``warning`` may explain a difference in the numbers, an ``info`` is only worth knowing.
    """

    code: str
    severity: Literal["warning", "info"]
    message: str


def find_differences(a: RunResult, b: RunResult) -> tuple[Caveat, ...]:
    """How the machines, the software and the quality of two runs differ."""
    return (
        *_compare_gpus(a.machine, b.machine),
        *_compare_fact("machine", "the CPU", a.machine.cpu, b.machine.cpu),
        *_compare_maps("versions", a.machine.versions, b.machine.versions),
        *_compare_maps("settings", a.machine.settings, b.machine.settings),
        *_compare_fact("recorder", "the recorder", a.run.recorder, b.run.recorder),
        *_compare_fact("order", "the order of steps", a.run.order, b.run.order),
        *_find_loss("A", a),
        *_find_loss("B", b),
    )


def find_pair_differences(pairs: Sequence[tuple[Measured, Measured, str]]) -> tuple[Caveat, ...]:
    """Where the two things of a pair were not measured alike."""
    reps = [f"{label} ({a.reps} and {b.reps})" for a, b, label in pairs if a.reps != b.reps]
    traced = [
        label
        for a, b, label in pairs
        if not (a.untraced_samples_ns and b.untraced_samples_ns)
        and (a.traced_samples_ns and b.traced_samples_ns)
    ]
    caveats: list[Caveat] = []
    if reps:
        message = f"other number of reps in {_count(reps, len(pairs))}"
        caveats.append(Caveat(code="reps", severity="info", message=message))
    if traced:
        message = f"traced times are compared in {_count(traced, len(pairs))}: a side has no untraced samples"
        caveats.append(Caveat(code="untraced", severity="info", message=message))
    return tuple(caveats)


def _count(labels: Sequence[str], total: int) -> str:
    if len(labels) == total > 1:
        return f"all {total} pairs, such as {labels[0]}"
    more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
    return f"{labels[0]}{more}"


def _compare_gpus(a: Machine, b: Machine) -> Iterable[Caveat]:
    left = ", ".join(gpu.name for gpu in a.gpus) or "none"
    right = ", ".join(gpu.name for gpu in b.gpus) or "none"
    return _compare_fact("gpu", "the GPU", left, right)


def _compare_fact(code: str, what: str, a: str, b: str) -> Iterable[Caveat]:
    if a != b:
        yield Caveat(code=code, severity="warning", message=f"{what} differs: {a} and {b}")


def _compare_maps(code: str, a: Mapping[str, str], b: Mapping[str, str]) -> Iterable[Caveat]:
    for name in sorted({*a, *b}):
        kind = "driver" if "driver" in name else code
        yield from _compare_fact(kind, name, a.get(name, "absent"), b.get(name, "absent"))


def _find_loss(side: str, result: RunResult) -> Iterable[Caveat]:
    for note in result.quality:
        if note.severity == "error":
            message = f"{side} lost data: {note.message}"
            yield Caveat(code="lossy", severity="warning", message=message)
