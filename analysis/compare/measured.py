"""What a comparison needs to know of a thing it compares: a step of a run, or a range of a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..breakdown.rows import CopyRow, KernelRow
from ..evidence.counters import Counters
from ..explain.subject import Once, Subject, subject_of_step
from ..runs.results import OpResult, RoofLine, RunResult, StepResult
from ..words import PARTS, STEP_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredOp:
    """One op of a step, or one range inside another, and what it ran on the device."""

    op: str
    executions: float
    """How often it ran; divides totals into per-rep figures."""
    bytes: int | None = None
    """The least one execution moves."""
    kernels: tuple[KernelRow, ...] = ()
    copies: tuple[CopyRow, ...] = ()
    counters: Counters | None = None
    """What samples say of a range's own work, per execution."""
    bytes_per_s: float | None = None
    """The roof of the memory it ran on, of a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Samples, layers and kernels of one thing; times in ns per rep or instance, samples in their order."""

    key: str
    label: str
    names: Mapping[str, str]
    """What it may be selected and paired by: variant, backend, …, parameters."""
    reps: int | None
    device: int | None = None
    """Which GPU of a trace that has several."""
    computes: tuple[str, ...] = ()
    """What is computed, however: an eager and a fused variant of the same ops have this in common."""
    untraced_ns: float | None = None
    untraced_samples_ns: tuple[float, ...] = ()
    traced_samples_ns: tuple[float, ...] = ()
    wall_ns: float | None = None
    """Of the traced window; its layers sum to it."""
    layers: Mapping[str, float | None]
    ops: tuple[MeasuredOp, ...] = ()
    subject: Subject | None = None
    """What may explain its time; of a range that is only what stands here."""

    @property
    def once(self) -> Once:
        """What its times are of."""
        return "instance" if self.subject is None else "rep"


def measure_run(result: RunResult) -> list[Measured]:
    """The steps of a run that have a measurement, in the run's order."""
    ops: dict[str, list[OpResult]] = {}
    for op in result.ops:
        ops.setdefault(op.key, []).append(op)
    return [
        _measure_step(step, ops.get(step.key, []), result.roofs)
        for step in result.steps
        if step.status == "done"
    ]


def label_names(names: Mapping[str, str], *, whole: bool = False) -> str:
    """Names as a row's label: words for what a step is, ``n=1000`` for its parameters.

    The mode eager goes without saying, except in a ``whole`` label.
    """
    return " ".join(
        _label_name(name, value)
        for name, value in names.items()
        if whole or (name, value) != ("mode", "eager")
    )


def _label_name(name: str, value: str) -> str:
    return value if name in STEP_NAMES else f"{name}={value}"


def _measure_step(step: StepResult, ops: list[OpResult], roofs: Sequence[RoofLine]) -> Measured:
    per_rep = step.per_rep
    names = {
        "variant": step.variant,
        "backend": step.backend,
        "device": step.device,
        "dtype": step.dtype,
        "mode": step.mode,
        **{name: str(value) for name, value in step.params.items()},
    }
    label = label_names(names)
    return Measured(
        key=step.key,
        label=label,
        names=names,
        reps=step.reps,
        computes=step.ops,
        untraced_ns=step.untraced_ns,
        untraced_samples_ns=step.untraced_samples_ns,
        traced_samples_ns=step.traced_samples_ns,
        wall_ns=None if per_rep is None else per_rep.wall_ns,
        layers={part: None if per_rep is None else getattr(per_rep, f"{part}_ns") for part in PARTS},
        ops=tuple(_measure_op(op, step.traced_reps) for op in sorted(ops, key=lambda op: op.index)),
        subject=subject_of_step(step, ops, roofs, step.untraced_ns or step.traced_ns or 0.0, label),
    )


def _measure_op(op: OpResult, reps: int | None) -> MeasuredOp:
    return MeasuredOp(
        op=op.op, executions=reps or 1, bytes=op.costs.bytes, kernels=op.kernels, copies=op.copies
    )
