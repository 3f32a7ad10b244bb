"""The ceilings that a run's operations stand under, as numbers a roofline is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..scenarios.work import OpWork
from .results import RoofLine
from .roof import Peaks


def list_roof_lines(placed: Iterable[tuple[str, Peaks, Sequence[OpWork]]]) -> tuple[RoofLine, ...]:
    """One line per device, dtype and unit that computing ops use; ``placed`` gives device, peaks, ops."""
    lines: dict[tuple[str, str, str], RoofLine] = {}
    for device, peaks, ops in placed:
        for op in ops:
            if op.flops:
                lines.setdefault((device, op.dtype, op.unit), _line(device, peaks, op))
    return tuple(lines.values())


def _line(device: str, peaks: Peaks, op: OpWork) -> RoofLine:
    return RoofLine(
        device=device,
        dtype=op.dtype,
        unit=op.unit,
        flops_per_s=peaks.flops_rate(op.dtype, op.unit),
        bytes_per_s=peaks.bytes_per_s,
        source=peaks.source,
    )
