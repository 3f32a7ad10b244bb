"""Tables below the step: what each operation took, which kernels it launched, what it copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ...analysis.breakdown.rows import CopyRow, KernelRow, Launch
from ...analysis.runs.results import OpResult, RunResult, StepResult
from ..contest.caveats import find_losses, note_losses
from ..contest.sweep import Sweep, panel_of, spread
from ..document.document import Name, Row, Table
from ..document.launch_columns import geometry_columns, occupancy_column, wave_columns
from ..document.names import clean, fold_names
from ..document.tables import ColumnOf, columns_of_part, drop_empty, fill_row
from .counted_columns import counted_columns
from .step_tables import cost_columns, measured_steps, point_columns

KERNEL_WIDTH = 44

OP_SIZES = 1
"""How many sizes of a sweep a short report shows: the largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpOfStep:
    """What a row of every table here is about, or what it is about is part of."""

    step: StepResult
    op: OpResult


@dataclass(frozen=True, slots=True, kw_only=True)
class _KernelOfOp(_OpOfStep):
    kernel: KernelRow


@dataclass(frozen=True, slots=True, kw_only=True)
class _LaunchOfKernel(_KernelOfOp):
    launch: Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class _CopyOfOp(_OpOfStep):
    copy: CopyRow


Item = TypeVar("Item", bound=_OpOfStep)


def _identity(sweep: Sweep) -> tuple[ColumnOf[_OpOfStep], ...]:
    """The columns that say which op of which step a row is about."""
    return (
        *columns_of_part(point_columns(sweep), lambda item: item.step),
        ColumnOf(key="op", title="op", value=lambda item: clean(item.op.op)),
    )


def op_table(result: RunResult, sweep: Sweep) -> Table:
    """Every op of every step: its device time, rates and roof."""
    columns: tuple[ColumnOf[_OpOfStep], ...] = (
        *_identity(sweep),
        ColumnOf(key="kernel", title="kernel", kind="time", value=_kernel_ns),
        ColumnOf(key="memcpy", title="memcpy", kind="time", value=_memcpy_ns),
        ColumnOf(key="compute", title="compute", kind="time", value=_compute_ns),
        ColumnOf(key="host", title="host", kind="time", term="host time", value=lambda item: item.op.host_ns),
        ColumnOf(key="launches", title="launches", kind="count", value=lambda item: item.op.launches),
        *columns_of_part(counted_columns(), lambda item: item.op),
        *columns_of_part(cost_columns(), lambda item: item.op.costs),
        ColumnOf(key="roof_note", title="roof note", detail=True, value=lambda item: item.op.costs.roof_note),
    )
    table = Table(
        name="ops",
        title="Operations, per rep",
        columns=columns,
        rows=_fill_rows(result, sweep, columns, lambda step, op: [_OpOfStep(step=step, op=op)]),
        notes=_op_notes(result),
    )
    return drop_empty(table, keep=("variant", "op"))


def _op_notes(result: RunResult) -> tuple[str, ...]:
    if not result.ops:
        return ()
    lost = note_losses(find_losses(result), "rates and roof are unknown and times")
    counted = any(op.counters is not None for op in result.ops)
    moved = ("executed, moved: FLOPs and DRAM bytes as counted; FLOPs, bytes: the least.",) if counted else ()
    return ("host: median time of the op's own range on the host.", *moved, *lost)


def _kernel_ns(item: _OpOfStep) -> float | None:
    return item.op.per_rep.kernel_ns if item.op.per_rep else None


def _memcpy_ns(item: _OpOfStep) -> float | None:
    return item.op.per_rep.memcpy_ns or None if item.op.per_rep else None


def _compute_ns(item: _OpOfStep) -> float | None:
    return item.op.per_rep.compute_ns if item.op.per_rep else None


def kernel_table(result: RunResult, sweep: Sweep) -> Table:
    """Every kernel of every op, with the geometry it was launched with most."""
    columns: tuple[ColumnOf[_KernelOfOp], ...] = (
        *_identity(sweep),
        _name_column(_fold_all(result)),
        ColumnOf(key="per_rep", title="per rep", kind="count", value=_kernels_a_rep),
        ColumnOf(key="median", title="median", kind="time", value=lambda item: item.kernel.median_ns),
        ColumnOf(key="p5", title="p5", kind="time", detail=True, value=lambda item: item.kernel.p5_ns),
        ColumnOf(key="p95", title="p95", kind="time", detail=True, value=lambda item: item.kernel.p95_ns),
        ColumnOf(key="share", title="share", kind="percent", value=lambda item: item.kernel.share),
        *columns_of_part(geometry_columns(), lambda item: _main_launch(item.kernel)),
        *columns_of_part([occupancy_column(detail=True)], lambda item: _main_launch(item.kernel)),
        *columns_of_part(wave_columns(), lambda item: _main_launch(item.kernel)),
    )
    table = Table(
        name="kernels",
        title="Kernels of each operation",
        columns=columns,
        rows=_fill_rows(result, sweep, columns, _list_kernels),
        notes=(
            "share: of the operation's kernel time. grid, block: the geometry launched most often. waves: blocks over "
            "slots, the blocks that the GPU holds at once.",
        ),
    )
    return drop_empty(table, keep=("variant", "op", "kernel"))


def _list_kernels(step: StepResult, op: OpResult) -> list[_KernelOfOp]:
    """The longest first."""
    kernels = sorted(op.kernels, key=lambda kernel: -kernel.total_ns)
    return [_KernelOfOp(step=step, op=op, kernel=kernel) for kernel in kernels]


def _fold_all(result: RunResult) -> dict[str, str]:
    return fold_names((kernel.kernel for op in result.ops for kernel in op.kernels), KERNEL_WIDTH)


def _name_column(names: Mapping[str, str]) -> ColumnOf[_KernelOfOp]:
    def name(item: _KernelOfOp) -> Name:
        return Name(full=clean(item.kernel.kernel), short=names[item.kernel.kernel])

    return ColumnOf(key="kernel", title="kernel", kind="name", value=name)


def _kernels_a_rep(item: _KernelOfOp) -> float | None:
    return _each(item.kernel.instances, item.step.traced_reps)


def _main_launch(kernel: KernelRow) -> Launch | None:
    """The geometry launched most often."""
    return max(kernel.launches, key=lambda launch: launch.instances, default=None)


def launch_table(result: RunResult, sweep: Sweep) -> Table:
    """Every geometry a kernel was launched with, and what its launches waited for."""
    columns: tuple[ColumnOf[_LaunchOfKernel], ...] = (
        *_identity(sweep),
        _name_column(_fold_all(result)),
        *columns_of_part(_launch_columns(), lambda item: item.launch),
        *columns_of_part(_wait_columns(), lambda item: item.kernel),
    )
    table = Table(
        name="launches",
        title="Launches",
        columns=columns,
        rows=_fill_rows(result, sweep, columns, _list_launches, in_short=False),
        notes=(
            "queue: from the end of the launch call to the kernel's start, stream wait and latency its parts.",
        ),
    )
    return drop_empty(table, keep=("variant", "op", "kernel"))


def _list_launches(step: StepResult, op: OpResult) -> list[_LaunchOfKernel]:
    return [
        _LaunchOfKernel(step=step, op=op, kernel=found.kernel, launch=launch)
        for found in _list_kernels(step, op)
        for launch in sorted(found.kernel.launches, key=lambda launch: -launch.total_ns)
    ]


def _launch_columns() -> tuple[ColumnOf[Launch], ...]:
    return (
        ColumnOf(key="launches", title="launches", kind="count", value=lambda launch: launch.instances),
        ColumnOf(key="median", title="median", kind="time", value=lambda launch: launch.median_ns),
        *geometry_columns(),
        ColumnOf(key="registers", title="registers", kind="count", value=lambda launch: launch.registers),
        ColumnOf(
            key="static",
            title="static shared",
            kind="bytes",
            detail=True,
            value=lambda launch: launch.static_shared_bytes,
        ),
        ColumnOf(
            key="dynamic",
            title="dynamic shared",
            kind="bytes",
            detail=True,
            value=lambda launch: launch.dynamic_shared_bytes,
        ),
        occupancy_column(),
        ColumnOf(
            key="blocks_per_sm",
            title="blocks/SM",
            kind="count",
            detail=True,
            value=lambda launch: launch.blocks_per_sm,
        ),
        *wave_columns(detail=False),
    )


def _wait_columns() -> tuple[ColumnOf[KernelRow], ...]:
    return (
        ColumnOf(key="call", title="launch call", kind="time", value=lambda row: row.launch_call_median_ns),
        ColumnOf(key="queue", title="queue", kind="time", value=lambda row: row.queue_median_ns),
        ColumnOf(
            key="stream_wait", title="stream wait", kind="time", value=lambda row: row.stream_wait_median_ns
        ),
        ColumnOf(
            key="latency",
            title="latency",
            kind="time",
            term="queue latency",
            value=lambda row: row.latency_median_ns,
        ),
    )


def copy_table(result: RunResult, sweep: Sweep) -> Table:
    """Copies and fills that ops made."""
    columns: tuple[ColumnOf[_CopyOfOp], ...] = (
        *_identity(sweep),
        ColumnOf(key="kind", title="kind", value=lambda item: clean(item.copy.kind)),
        ColumnOf(key="way", title="from → to", value=lambda item: _way(item.copy)),
        ColumnOf(key="per_rep", title="per rep", kind="count", value=_copies_a_rep),
        ColumnOf(key="time", title="time of one", kind="time", term="traced", value=_ns_of_one),
        ColumnOf(key="bytes", title="bytes of one", kind="bytes", term="payload", value=_bytes_of_one),
        ColumnOf(key="gbps", title="", kind="gbps", term="copy rate", value=lambda item: item.copy.gbps),
    )
    rows = _fill_rows(result, sweep, columns, _list_copies)
    return drop_empty(
        Table(name="copies", title="Copies and fills", columns=columns, rows=rows),
        keep=("variant", "op", "kind"),
    )


def _list_copies(step: StepResult, op: OpResult) -> list[_CopyOfOp]:
    return [_CopyOfOp(step=step, op=op, copy=copy) for copy in op.copies]


def _copies_a_rep(item: _CopyOfOp) -> float | None:
    return _each(item.copy.instances, item.step.traced_reps)


def _ns_of_one(item: _CopyOfOp) -> float | None:
    return _each(item.copy.total_ns, item.copy.instances)


def _bytes_of_one(item: _CopyOfOp) -> float | None:
    return _each(item.copy.bytes, item.copy.instances)


def _each(total: float | None, count: int | None) -> float | None:
    return total / count if count and total is not None else None


def _way(copy: CopyRow) -> str | None:
    source, target = copy.src_kind, copy.dst_kind
    return clean(f"{source or '?'} → {target or '?'}") if source or target else None


def _fill_rows(
    result: RunResult,
    sweep: Sweep,
    columns: Sequence[ColumnOf[Item]],
    list_items: Callable[[StepResult, OpResult], list[Item]],
    *,
    in_short: bool = True,
) -> tuple[Row, ...]:
    """The rows of every op of every measured step, in reading order; a short report has the largest size's or none."""
    steps = measured_steps(result, sweep)
    ops: dict[str, list[OpResult]] = {step.key: [] for step in steps}
    for op in result.ops:
        ops.get(op.key, []).append(op)
    main = spread((sweep.size_of(step) for step in steps), OP_SIZES)
    return tuple(
        fill_row(columns, item, group=panel_of(step).title, main=in_short and sweep.size_of(step) in main)
        for step in steps
        for op in sorted(ops[step.key], key=lambda op: op.index)
        for item in list_items(step, op)
    )
