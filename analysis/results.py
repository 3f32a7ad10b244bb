"""The numbers of a run, as every report shows them: the JSON of ``run --json``, typed.

Times are integer nanoseconds where they are sums of trace times, numbers where they are medians or per-rep
values. Unknown, not measured and undefined are None, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from .terms import Status

if TYPE_CHECKING:  # pydantic, which reading a trace can do without
    from .records import Machine, RunInfo, SkippedStep

BUSY_LAYERS = ("kernel", "memcpy", "memset", "graph")
IDLE_LAYERS = ("launch", "latency", "sync", "api", "host", "unknown")
LAYERS = BUSY_LAYERS + IDLE_LAYERS

Severity = Literal["error", "warning", "info"]
Limit = Literal["memory", "compute", "launch", "copy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityNote:
    """One thing to know before believing a number."""

    code: str
    severity: Severity
    message: str
    count: int = 1
    affects: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """FLOPs and bytes set against time, for a step or an op; see design §4."""

    flops: int | None
    bytes: int | None
    tflops: float | None = None
    gbps: float | None = None
    roof_share: float | None = None
    roof_source: str | None = None
    roof_note: str | None = None
    limit: Limit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpResult:
    """One op call of a step, over its reps."""

    key: str
    index: int
    op: str
    costs: Costs
    times: WindowTimes | None
    """Totals owned by this op over ``measure``: busy and idle layers credited to its range; None untraced."""
    per_rep: WindowTimes | None
    kernel_sum_ns: int | None = None
    launches: float | None = None
    """CUDA launch calls a rep."""
    host_ns: float | None = None
    """Median host time of the op's own range."""
    kernels: tuple[KernelRow, ...] = ()
    copies: tuple[CopyRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """One step: its identity, its untraced time, and its traced window."""

    key: str
    label: str
    variant: str
    backend: str
    device: str
    dtype: str
    mode: str
    params: dict[str, int]
    ops: tuple[str, ...] = ()
    """What the variant computes, op by op with its arguments; the same for its eager and its fused form."""
    shard: str | None
    status: Status
    reason: str | None = None
    costs: Costs
    reps: int | None = None
    warmup: int | None = None
    untraced_ns: float | None = None
    untraced_interval: tuple[float, float] | None = None
    untraced_samples_ns: tuple[float, ...] = ()
    traced_ns: float | None = None
    traced_samples_ns: tuple[float, ...] = ()
    """Per-rep times of the traced pass, in their order; what a comparison uses where a side is untimed."""
    slowdown: float | None = None
    overhead_ns: float | None = None
    launch_bound: bool | None = None
    window: WindowTimes | None = None
    per_rep: WindowTimes | None = None
    checked: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoofLine:
    """One device's highest rates for a dtype and unit: what a roofline is drawn from."""

    device: str
    """As steps name it: cuda, cpu."""
    dtype: str
    unit: str
    flops_per_s: float | None
    bytes_per_s: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything one run says."""

    run: RunInfo
    machine: Machine
    folder: str
    quality: tuple[QualityNote, ...]
    steps: tuple[StepResult, ...]
    ops: tuple[OpResult, ...]
    skipped: tuple[SkippedStep, ...] = ()
    ceilings: tuple[str, ...] = field(default=())
    """One line per device: the peaks used and where they come from."""
    roofs: tuple[RoofLine, ...] = ()
    """The peaks themselves, of the dtypes that the steps use."""
    clocks: tuple[str, ...] = ()
    """The top clock of each GPU that the traces describe."""


_PLAIN = frozenset({int, float, str, bool, type(None)})


def to_plain(value: Any) -> Any:
    """Dataclasses and tuples as dicts and lists, recursively, for JSON."""
    kind = type(value)
    if kind in _PLAIN:  # by far the most
        return value
    if hasattr(kind, "__dataclass_fields__"):
        return {name: to_plain(getattr(value, name)) for name in kind.__dataclass_fields__}
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    return value.model_dump(mode="json") if hasattr(kind, "model_dump") else value
