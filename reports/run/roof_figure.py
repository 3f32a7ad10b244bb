"""The roofline as data: every operation a point, under the lines its device cannot cross."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.runs.results import OpResult, RoofLine, RunResult, StepResult
from ..document.document import Figure, Panel, Series
from ..document.names import clean
from ..document.numbers import count_noun, format_quantity
from .step_tables import ROOF_NOTES


def roof_figure(result: RunResult) -> Figure | None:
    """Every op with FLOPs and bytes as a point, under the lines its device cannot cross; None where memory bounds all
    of them, which their GB/s against the size show better.
    """
    steps = {step.key: step for step in result.steps if step.status == "done"}
    ops = [op for op in result.ops if op.key in steps and _has_point(op)]
    if all(
        (op.costs.limit or op.costs.nearer_roof) != "compute" and _counted_point(op) is None for op in ops
    ):
        return None
    places: dict[tuple[str, str], list[OpResult]] = {}
    for op in ops:
        places.setdefault((steps[op.key].device, steps[op.key].dtype), []).append(op)
    names = list(dict.fromkeys(_point_name(op, steps) for op in ops))
    panels = [
        Panel(
            title=clean(f"{device} {dtype}"),
            series=(
                *_roof_lines([roof for roof in result.roofs if (roof.device, roof.dtype) == (device, dtype)]),
                *_point_series(members, steps, names),
                *_moved_series(members, steps, names),
            ),
        )
        for (device, dtype), members in places.items()
    ]
    return Figure(
        name="roof",
        title="Operations under the roof",
        alt="FLOP/s against FLOPs per byte for every operation, with the device's ceilings.",
        kind="roof",
        x_label="FLOPs per byte",
        y_label="TFLOP/s",
        x_kind="number",
        y_kind="tflops",
        panels=tuple(panels),
        caption=_describe_roofs(result, ops) + _describe_moved(ops) + _describe_lost(result.ops),
    )


def _describe_roofs(result: RunResult, ops: Sequence[OpResult]) -> str:
    hollow = _describe_hollow(ops)
    if not result.roofs:
        return f"No numeric ceilings are known for this machine, so no roof is drawn.{hollow}"
    sources = "; ".join(dict.fromkeys(clean(roof.source) for roof in result.roofs))
    return f"Ceilings: {sources}.{hollow}"


def _describe_hollow(ops: Sequence[OpResult]) -> str:
    """Why points are hollow, if any are."""
    bare = [op for op in ops if op.costs.roof_share is None]
    notes = dict.fromkeys(op.costs.roof_note for op in bare if op.costs.roof_note)
    why = f" ({'; '.join(ROOF_NOTES.get(note, clean(note)) for note in notes)})" if notes else ""
    return f" Hollow: no share of the roof{why}." if bare else ""


def _describe_moved(ops: Sequence[OpResult]) -> str:
    if not any(_counted_point(op) for op in ops):
        return ""
    return (
        " Crosses: the bytes that were moved and, where they were counted too, the FLOPs that were executed."
    )


def _describe_lost(ops: Sequence[OpResult]) -> str:
    lost = sum(op.costs.roof_note == "lost_data" for op in ops)
    return f" Left out: {count_noun(lost, 'operation')} whose trace lost device work." if lost else ""


def _has_point(op: OpResult) -> bool:
    return bool(op.costs.flops and op.costs.bytes and op.costs.tflops)


def _point_name(op: OpResult, steps: dict[str, StepResult]) -> str:
    return clean(f"{steps[op.key].backend} {op.op}")


def _point_series(
    ops: Sequence[OpResult], steps: dict[str, StepResult], names: Sequence[str]
) -> tuple[Series, ...]:
    """One series per backend, op and bound; hollow where the op has no share of the roof."""
    groups: dict[tuple[str, str], list[OpResult]] = {}
    for op in ops:
        bound = op.costs.limit or "unknown bound"
        style = "point" if op.costs.roof_share is not None else "hollow"
        groups.setdefault((f"{_point_name(op, steps)} ({bound})", style), []).append(op)
    return tuple(
        Series(
            label=label,
            x=tuple((op.costs.flops or 0) / (op.costs.bytes or 1) for op in members),
            y=tuple(op.costs.tflops or 0.0 for op in members),
            colour=names.index(_point_name(members[0], steps)),
            style="point" if style == "point" else "hollow",
        )
        for (label, style), members in groups.items()
    )


def _moved_series(
    ops: Sequence[OpResult], steps: dict[str, StepResult], names: Sequence[str]
) -> tuple[Series, ...]:
    """Beside each op's least bytes and FLOPs, those that were counted: one series per backend and op."""
    groups: dict[str, list[tuple[float, float]]] = {}
    for op in ops:
        point = _counted_point(op)
        if point is not None:
            groups.setdefault(_point_name(op, steps), []).append(point)
    return tuple(
        Series(
            label=f"{name}, as counted",
            x=tuple(x for x, _ in points),
            y=tuple(y for _, y in points),
            colour=names.index(name),
            style="moved",
        )
        for name, points in groups.items()
    )


def _counted_point(op: OpResult) -> tuple[float, float] | None:
    """Executed FLOPs over moved bytes, and a second; None where no bytes were counted."""
    moved = op.counters.moved_bytes if op.counters is not None else None
    if not moved or op.counters is None or not op.costs.flops or not op.costs.tflops:
        return None
    executed = op.counters.executed_flops or op.costs.flops
    return executed / moved, op.costs.tflops * executed / op.costs.flops


def _roof_lines(roofs: Sequence[RoofLine]) -> tuple[Series, ...]:
    """Bandwidth times intensity up to the peak; the knee lies where the two meet."""
    lines = []
    for roof in roofs:
        peak = roof.flops_per_s / 1e12 if roof.flops_per_s else None
        slope = roof.bytes_per_s / 1e12
        knee = peak / slope if peak else 1e3
        ends = (0.01, knee, max(knee * 10, 1e3)) if peak else (0.01, knee)
        lines.append(
            Series(
                label=_name_roof(roof, peak),
                x=ends,
                y=tuple(min(x * slope, peak or x * slope) for x in ends),
                style="roof",
            )
        )
    return tuple(lines)


def _name_roof(roof: RoofLine, peak: float | None) -> str:
    rates = [format_quantity(roof.bytes_per_s / 1e9, "gbps")]
    rates += [format_quantity(peak, "tflops")] if peak else []
    return clean(f"{roof.unit}: {', '.join(rates)}")
