"""The numbers of a run, as every report shows them: the JSON of ``run --json``, typed.

Times are integer nanoseconds where they are sums of trace times, numbers where they are medians or per-rep
values. Unknown, not measured and undefined are None, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..words import Status

if TYPE_CHECKING:  # pydantic, which reading a trace can do without
    from .records import Machine, RunInfo, SkippedStep, Surroundings
from ..breakdown.rows import CopyRow, KernelRow, WindowTimes
from ..evidence.counters import Counters, KernelCounters
from ..evidence.cpu_use import CpuUse
from ..words import Limit, QualityNote


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
    nearer_roof: Limit | None = None
    """The roof that its work is nearer to, however far it stays below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpResult:
    """One op call of a step, over its reps."""

    key: str
    index: int
    op: str
    costs: Costs
    result_bytes: int | None = None
    """What its call gives; None where only the call can say."""
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
    counters: Counters | None = None
    """What was counted of it, per rep."""
    kernel_counters: tuple[KernelCounters, ...] = ()
    cpu: CpuUse | None = None
    """What the operating system charged for it, per rep; None on devices."""


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
    traced_reps: int | None = None
    """Those of its window: the totals of the trace are over so many."""
    warmup: int | None = None
    untraced_ns: float | None = None
    """The median of the samples: the headline everywhere."""
    untraced_mean_ns: float | None = None
    untraced_interval: tuple[float, float] | None = None
    untraced_samples_ns: tuple[float, ...] = ()
    traced_ns: float | None = None
    traced_samples_ns: tuple[float, ...] = ()
    """Per-rep times of the traced pass, in their order; what a comparison uses where a side is untimed."""
    slowdown: float | None = None
    """Traced over untraced time, whatever made it."""
    tracing_ns: float | None = None
    """What of traced less untraced time the recorded calls of a rep can cost."""
    noise_ns: float | None = None
    """The rest of it, negative where the traced pass was the faster."""
    noisy: bool = False
    surroundings: Surroundings | None = None
    overhead_ns: float | None = None
    launch_bound: bool | None = None
    window: WindowTimes | None = None
    per_rep: WindowTimes | None = None
    checked: bool = False
    notes: tuple[str, ...] = ()
    counters: Counters | None = None
    cpu: CpuUse | None = None
    evidence_note: str | None = None
    """Why its counters are not there, when they were asked for."""

    @property
    def tracing_slowdown(self) -> float | None:
        """Untraced time and what tracing can explain, over the untraced time."""
        if not self.untraced_ns or self.tracing_ns is None:
            return None
        return 1 + self.tracing_ns / self.untraced_ns

    @property
    def noise_ratio(self) -> float | None:
        """Of a noisy step its traced time over what tracing can make of the untraced one."""
        if not self.noisy or self.traced_ns is None or self.noise_ns is None:
            return None
        return self.traced_ns / (self.traced_ns - self.noise_ns)

    @property
    def noise_factor(self) -> float:
        """How many times as long the slower pass took, whichever it was; 1 where the step is not noisy."""
        ratio = self.noise_ratio or 1.0
        return max(ratio, 1 / ratio)


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
    attainable_bytes_per_s: float | None = None
    """What kernels were seen to get of that; a GPU's data sheet has more than any of them gets."""


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
    pass_seconds: dict[str, float] = field(default_factory=dict[str, float])
    """How long the passes of all shards took: untraced, traced, counters, metrics."""
    measuring_seconds: dict[str, float] = field(default_factory=dict[str, float])
    """What of it went into timed reps: untraced, traced."""

    @property
    def measuring_share(self) -> float | None:
        """The share of the run's whole time that went into timed reps."""
        return sum(self.measuring_seconds.values()) / self.run.seconds if self.run.seconds else None
