"""How fast a step could be: peaks of a device, the floor of a step's time, and the share of it reached.

t_floor of a step is the sum over its ops of max(flops / peak_flops, bytes / bandwidth); ``roof_share`` is
t_floor / kernel_ns per rep. A floor is only as good as its peaks, so a share carries their source, and a share
that cannot mean anything is None with a note: ``l2_resident`` (the data never has to leave a GPU's L2 cache),
``l3_resident`` (the same of a CPU's last level of cache, where ``flopprof calibrate`` found its size),
``above_ceiling`` (over 1.02: the peak, or the count of bytes, is wrong), ``no_ceiling`` (no peak is known),
``lost_data`` (the trace lost device work, so kernel time is too low; what limits a step is unknown too).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...scenarios.plan.work import OpWork, StepWork
from ..hardware.data_sheets import HIGHEST_SHARE, Peaks
from ..words import Limit

LAUNCH_BOUND_SHARE = 0.1
"""A step whose launch overhead is over this share of its untraced time is launch-bound."""

NEAR = 0.5
"""From this share of a roof on that roof is what limits: without it the time could fall by less than half of it."""

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
    """What holds it back: none where it is far from both roofs."""
    nearer: Limit | None = None
    """Which of the floors of arithmetic and memory is the higher, however far off it is."""


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
    if peaks is None or floor is None:
        return Roof(note="no_ceiling", limit="launch" if timing.launch_bound else None)
    note = _find_cache(working_set_bytes, peaks)
    nearer = _find_nearer(floor, in_cache=note is not None)
    limit = _find_limit(floor, timing, nearer)
    if note is not None or not timing.kernel_ns:
        return Roof(source=peaks.source, note=note, limit=limit, nearer=nearer)
    share = floor.total_ns / timing.kernel_ns
    if share > HIGHEST_SHARE:
        return Roof(source=peaks.source, note="above_ceiling", limit=limit, nearer=nearer)
    return Roof(share=share, source=peaks.source, limit=limit, nearer=nearer)


def _find_cache(working_set_bytes: int, peaks: Peaks) -> Note | None:
    """The cache that holds all of it."""
    if peaks.l2_bytes is not None and working_set_bytes <= peaks.l2_bytes:
        return "l2_resident"
    if peaks.l3_bytes is not None and working_set_bytes <= peaks.l3_bytes:
        return "l3_resident"
    return None


def _find_nearer(floor: Floor, *, in_cache: bool) -> Limit | None:
    """Memory that is no roof is no limit either; what else is, is not known."""
    if floor.compute_ns > floor.memory_ns:
        return "compute"
    return None if in_cache else "memory"


def _find_limit(floor: Floor, timing: Timing, nearer: Limit | None) -> Limit | None:
    """Launching, else the nearer roof where it is near: at 1.4 % of the roof of arithmetic nothing is compute-bound."""
    if timing.launch_bound:
        return "launch"
    if nearer is None or not timing.kernel_ns:
        return None
    reached = floor.compute_ns if nearer == "compute" else floor.memory_ns
    return nearer if reached >= NEAR * timing.kernel_ns else None
