"""How fast a step could be: peaks of a device, the floor of a step's time, and the share of it reached.

t_floor of a step is the sum over its ops of max(flops / peak_flops, bytes / bandwidth); ``roof_share`` is
t_floor / kernel_ns per rep. A floor is only as good as its peaks, so a share carries their source, and a share
that cannot mean anything is None with a note: ``l2_resident`` (the data never has to leave a GPU's L2 cache),
``l3_resident`` (the same of a CPU's last level of cache, where ``flopprof calibrate`` found its size),
``above_ceiling`` (over 1.02: the peak, or the count of bytes, is wrong), ``no_ceiling`` (no peak is known),
``lost_data`` (the trace lost device work, so kernel time is too low; what limits a step is unknown too).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...scenarios.plan.work import OpWork, StepWork
from ..hardware.data_sheets import HIGHEST_SHARE, Peaks
from ..words import Limit
from .results import RoofLine

LAUNCH_BOUND_SHARE = 0.1
"""A step whose launch overhead is over this share of its untraced time is launch-bound."""

Note = Literal["l2_resident", "l3_resident", "above_ceiling", "no_ceiling", "lost_data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The least time work can take, and how much of it is arithmetic and how much memory."""

    total_ns: float
    compute_ns: float
    memory_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """Where a step or an op stands under its device's roof."""

    share: float | None = None
    source: str | None = None
    note: Note | None = None
    limit: Limit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What was measured of a step or an op, per rep; None where it was not."""

    kernel_ns: float | None = field(default=None)
    """Busy kernel time on a GPU, compute time on a CPU."""
    untraced_ns: float | None = field(default=None)
    overhead_ns: float | None = field(default=None)
    lost: bool = field(default=False)
    """The trace lost device work."""

    @property
    def launch_bound(self) -> bool | None:
        """Whether launching takes over a tenth of the untraced time."""
        if self.untraced_ns is None or self.overhead_ns is None:
            return None
        return self.overhead_ns > LAUNCH_BOUND_SHARE * self.untraced_ns


def floor_of(ops: Sequence[OpWork], peaks: Peaks) -> Floor | None:
    """The floor of ops that run one after the other; None when a peak they need is unknown.

    Copies over the link add nothing: they have no roof here.
    """
    total = compute = memory = 0.0
    for op in ops:
        rate = peaks.flops_rate(op.dtype, op.unit)
        if rate is None and op.flops:
            return None
        arithmetic = op.flops / rate * 1e9 if rate else 0.0
        traffic = op.bytes / peaks.bytes_per_s * 1e9
        total += max(arithmetic, traffic)
        compute += arithmetic
        memory += traffic
    return Floor(total_ns=total, compute_ns=compute, memory_ns=memory)


def roof_of_step(work: StepWork, timing: Timing, peaks: Peaks | None) -> Roof:
    """A step's share of its roof, and what limits it."""
    return roof(work.ops, timing, peaks, working_set_bytes=work.working_set_bytes)


def roof(ops: Sequence[OpWork], timing: Timing, peaks: Peaks | None, *, working_set_bytes: int) -> Roof:
    """The rules of this module, in their order: copies, lost work, no ceiling, caches, no time, above the ceiling."""
    if all(op.flops == 0 and op.bytes == 0 for op in ops):
        return Roof(limit="copy" if any(op.link_bytes for op in ops) else None)
    if timing.lost:
        return Roof(source=peaks.source if peaks is not None else None, note="lost_data")
    floor = floor_of(ops, peaks) if peaks is not None else None
    limit = _limit(floor, timing)
    if peaks is None or floor is None:
        return Roof(note="no_ceiling", limit=limit)
    if peaks.l2_bytes is not None and working_set_bytes <= peaks.l2_bytes:
        return Roof(source=peaks.source, note="l2_resident", limit=_without_memory(limit))
    if peaks.l3_bytes is not None and working_set_bytes <= peaks.l3_bytes:
        return Roof(source=peaks.source, note="l3_resident", limit=_without_memory(limit))
    if not timing.kernel_ns:
        return Roof(source=peaks.source, limit=limit)
    share = floor.total_ns / timing.kernel_ns
    if share > HIGHEST_SHARE:
        return Roof(source=peaks.source, note="above_ceiling", limit=limit)
    return Roof(share=share, source=peaks.source, limit=limit)


def _limit(floor: Floor | None, timing: Timing) -> Limit | None:
    if timing.launch_bound:
        return "launch"
    if floor is None:
        return None
    return "compute" if floor.compute_ns > floor.memory_ns else "memory"


def _without_memory(limit: Limit | None) -> Limit | None:
    """Memory that is no roof is no limit either; what else is, is not known."""
    return None if limit == "memory" else limit


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
