"""Rows of a breakdown: what a window, a kernel with its launches, and copies of a kind took."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pydantic, which reading a trace can do without
    pass


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
    instances: int
    total_ns: int
    median_ns: float


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
    bytes: int
    gbps: float | None
