"""Rows of a breakdown: what a window, a range, a kernel with its launches, and copies of a kind took."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from ..plain import NOT_WRITTEN

FULL = 0.8
"""A launch that fills less of its slots leaves part of the GPU without work."""

MANY_WAVES = 4
"""After so many waves the last one, full or not, hardly counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowTimes:
    """Where a window's nanoseconds went; on a device the ten layers sum to wall_ns.

    Integers for a window, floats for the same divided by reps; None where the trace cannot say. On the CPU
    only wall_ns, compute_ns and host_ns are known.
    """

    wall_ns: float
    busy_ns: float | None = None
    idle_ns: float | None = None
    kernel_ns: float | None = None
    memcpy_ns: float | None = None
    memset_ns: float | None = None
    graph_ns: float | None = None
    launch_ns: float | None = None
    latency_ns: float | None = None
    sync_ns: float | None = None
    api_ns: float | None = None
    host_ns: float | None = None
    unknown_ns: float | None = None
    compute_ns: float | None = None

    def divided(self, reps: int) -> WindowTimes:
        """The same per rep."""
        parts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "wall_ns"}
        each = {name: None if ns is None else ns / reps for name, ns in parts.items()}
        return WindowTimes(wall_ns=self.wall_ns / reps, **each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One launch geometry of a kernel."""

    grid: tuple[int, int, int] | None
    block: tuple[int, int, int] | None
    registers: int | None
    static_shared_bytes: int | None
    dynamic_shared_bytes: int | None
    occupancy: float | None
    blocks_per_sm: int | None = None
    """Blocks that an SM holds at once."""
    slots: int | None = None
    """Blocks that the GPU holds at once."""
    waves: float | None = None
    """Blocks over slots."""
    instances: int
    total_ns: int
    median_ns: float

    @property
    def blocks(self) -> int | None:
        """Blocks of the grid."""
        return None if self.grid is None else math.prod(self.grid)

    @property
    def fill(self) -> float | None:
        """The share of the slots that the first wave fills."""
        return None if self.waves is None else min(1.0, self.waves)

    @property
    def tail(self) -> float | None:
        """The share of all its waves' slots that a launch of over one wave fills: the last wave may be nearly empty."""
        return self.waves / math.ceil(self.waves) if self.waves is not None and self.waves > 1 else None

    @property
    def underfilled(self) -> bool:
        """Whether much of the GPU has no block for much of the launch: too few for one wave, or just over a few."""
        if self.waves is None:
            return False
        full = self.waves if self.tail is None else self.tail
        return full < FULL and self.waves < MANY_WAVES


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRow:
    """A kernel by its full demangled name, over what it is listed under (a trace, an op)."""

    kernel: str
    device: int | None
    instances: int
    total_ns: int
    median_ns: float
    min_ns: int
    max_ns: int
    p5_ns: float | None = None
    p95_ns: float | None = None
    share: float | None = None
    launch_call_median_ns: float | None = None
    queue_median_ns: float | None = None
    stream_wait_median_ns: float | None = None
    latency_median_ns: float | None = None
    launches: tuple[Launch, ...] = ()
    first_ns: int | None = None
    """When its first instance began: kernels of an op in this order are in the order of launch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRow:
    """Copies and fills of one kind."""

    kind: str
    device: int | None
    src_kind: str | None
    dst_kind: str | None
    instances: int
    total_ns: int
    bytes: int | None
    """None where a record does not say it, or says what cannot be."""
    gbps: float | None
    attribution: str | None = None
    """How they came to their ranges, see RangeKernelRow; None where nobody asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRow:
    """All instances of one path."""

    range: str
    path: tuple[str, ...]
    domain: str
    style: str
    pid: int | None
    tid: int | None
    instances: int
    wall_ns: int
    activities: int
    kernel_sum_ns: int
    busy_ns: int
    projected_ns: int
    launch_call_ns: int
    flops: int | None = None
    """What the program declared for all instances, see declared.py; None when it did not for every one."""
    bytes: int | None = None
    attribution: str = "none"
    """How its device work is known to be its own: thread, process, both or none; see range_kernels."""
    own_busy_ns: int | None = None
    """Busy without what other threads did beside it: what a rate may count. None when that cannot be told."""
    flops_by_rate: Mapping[str, int] = field(default_factory=dict[str, int])
    """Those of the FLOPs whose kind of arithmetic is known, such as bfloat16."""
    elements: int | None = None
    """What it computed element by element beside: over LEFT_OUT of its FLOPs, and it has none."""
    no_flops: tuple[str, ...] = ()
    """Why the program declared none."""
    roof_share: float | None = None
    """The least time that its FLOPs can take by the GPU's data sheet, as a share of its own busy time."""
    domains: tuple[str, ...] = field(default=(), metadata=NOT_WRITTEN)
    """Of every message of the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeKernelRow:
    """One kernel in one path; `attribution` none: in no range at all, listed by the thread of its call."""

    range: str
    path: tuple[str, ...]
    domain: str
    pid: int | None
    tid: int | None
    kernel: str
    attribution: str
    instances: int
    total_ns: int
    median_ns: float
    min_ns: int
    max_ns: int
    domains: tuple[str, ...] = field(default=(), metadata=NOT_WRITTEN)
    """Of every message of the path."""
