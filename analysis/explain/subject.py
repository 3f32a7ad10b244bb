"""One side of an explanation: what is known of a step's or a range's rep, whoever measured it.

Times are ns per rep, bytes and FLOPs per rep. None is not measured, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..breakdown.rows import KernelRow, Launch, WindowTimes
from ..evidence.counters import Counters
from ..evidence.cpu_use import CpuUse
from ..runs.results import Costs, OpResult, RoofLine, StepResult
from ..words import Limit

Once = Literal["rep", "instance"]
"""What times are of: a step of a run has reps, a range of a trace instances."""

IN_CACHE = ("l2_resident", "l3_resident")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One op of a subject, by its heaviest kernel and that kernel's heaviest launch."""

    op: str
    kernel: str | None = None
    launch: Launch | None = None
    ns: float | None = None
    """In kernels; on the CPU in the op's call."""
    least_bytes: float | None = None
    flops: float | None = None
    result_bytes: float | None = None
    counters: Counters | None = None
    cpu: CpuUse | None = None
    roof_share: float | None = None
    limit: Limit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A rep: its time, its work, its evidence, its ops."""

    key: str
    name: str
    device: str
    """cuda, cpu."""
    backend: str | None = None
    time_ns: float
    working_ns: float | None = None
    """In kernels and graphs (copies where only copies run); on the CPU in calls of ops."""
    busy_ns: float | None = None
    """In anything that runs on the device: copies and fills too. None on the CPU."""
    least_bytes: float | None = None
    flops: float | None = None
    item_bytes: int | None = None
    limit: Limit | None = None
    roof_share: float | None = None
    in_cache: bool = False
    counters: Counters | None = None
    cpu: CpuUse | None = None
    bytes_per_s: float | None = None
    """The memory's roof."""
    attainable_bytes_per_s: float | None = None
    """What kernels were seen to get of it: a kernel that gets most of that is at the roof."""
    flops_per_s: float | None = None
    """The highest of the device's rates for what it computes with."""
    note: str | None = None
    """Why it has no counters though they were asked for."""
    traced_only: bool = False
    """A range of a trace, which no pass of a run counts."""
    parts: tuple[Part, ...] = ()

    @property
    def once(self) -> Once:
        """What its time is of."""
        return "instance" if self.traced_only else "rep"


def subject_of_step(
    step: StepResult, ops: Sequence[OpResult], roofs: Sequence[RoofLine], time_ns: float, name: str
) -> Subject:
    """A measured step with its ops, at the time that it is told to take."""
    from ...scenarios.plan.work import ITEM_BYTES  # loads pydantic, which ranges can do without

    mine = [roof for roof in roofs if roof.device == step.device and roof.dtype == step.dtype]
    rates = [roof.flops_per_s for roof in mine if roof.flops_per_s is not None]
    costs, lost = step.costs, step.costs.roof_note == "lost_data"
    return Subject(
        key=step.key,
        name=name,
        device=step.device,
        backend=step.backend,
        time_ns=time_ns,
        working_ns=None if lost else _working_ns(step.per_rep, copies=costs.limit == "copy"),
        busy_ns=None if lost or step.per_rep is None else step.per_rep.busy_ns,
        least_bytes=costs.bytes,
        flops=costs.flops,
        item_bytes=ITEM_BYTES.get(step.dtype),
        limit=_bound_of(costs),
        roof_share=costs.roof_share,
        in_cache=costs.roof_note in IN_CACHE,
        counters=step.counters,
        cpu=step.cpu,
        bytes_per_s=next((roof.bytes_per_s for roof in mine), None),
        attainable_bytes_per_s=next((roof.attainable_bytes_per_s for roof in mine), None),
        flops_per_s=max(rates, default=None),
        note=step.evidence_note,
        parts=() if lost else tuple(_part(op) for op in sorted(ops, key=lambda op: op.index)),
    )


def heaviest_launch(kernels: Sequence[KernelRow]) -> tuple[str | None, Launch | None]:
    """The kernel with most time, and its launch with most."""
    kernel = max(kernels, key=lambda kernel: kernel.total_ns, default=None)
    if kernel is None:
        return None, None
    return kernel.kernel, max(kernel.launches, key=lambda launch: launch.total_ns, default=None)


def _part(op: OpResult) -> Part:
    kernel, launch = heaviest_launch(op.kernels)
    return Part(
        op=op.op,
        kernel=kernel,
        launch=launch,
        ns=_working_ns(op.per_rep, copies=op.costs.limit == "copy"),
        least_bytes=op.costs.bytes,
        flops=op.costs.flops,
        result_bytes=op.result_bytes,
        counters=op.counters,
        cpu=op.cpu,
        roof_share=op.costs.roof_share,
        limit=_bound_of(op.costs),
    )


def _bound_of(costs: Costs) -> Limit | None:
    """What its time is held against: what limits it, else the nearer roof, however far off that is."""
    return costs.limit or costs.nearer_roof


def _working_ns(times: WindowTimes | None, *, copies: bool) -> float | None:
    if times is None:
        return None
    if copies:
        return times.memcpy_ns
    if times.kernel_ns is None:
        return times.compute_ns
    return times.kernel_ns + (times.graph_ns or 0.0)
