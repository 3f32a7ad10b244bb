"""Tables below the step: what each operation took, which kernels it launched, what it copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...analysis.breakdown.rows import KernelRow, Launch
from ...analysis.runs.results import OpResult, RunResult
from ..document.document import Column, Name, Row, Table, Value
from ..document.names import clean, fold_names
from ..document.tables import drop_empty, format_dims
from .losses import find_losses, note_losses
from .step_tables import measured_steps, point_cells, point_columns
from .sweep import Sweep, panel_of, spread

KERNEL_WIDTH = 44

OP_SIZES = 1
"""How many sizes of a sweep a short report shows: the largest."""


def op_table(result: RunResult, sweep: Sweep) -> Table:
    """Every op of every step: its device time, rates and roof."""
    columns = (
        *point_columns(sweep),
        Column(key="op", title="op"),
        Column(key="kernel", title="kernel", kind="time"),
        Column(key="memcpy", title="memcpy", kind="time"),
        Column(key="compute", title="compute", kind="time"),
        Column(key="host", title="host", kind="time"),
        Column(key="launches", title="launches", kind="count"),
        Column(key="flops", title="FLOPs", kind="flops"),
        Column(key="executed", title="executed", kind="flops"),
        Column(key="bytes", title="bytes", kind="bytes", detail=True),
        Column(key="moved", title="moved", kind="bytes"),
        Column(key="warps", title="warps", kind="percent", detail=True),
        Column(key="system", title="system", kind="percent"),
        Column(key="faults", title="page faults", kind="count"),
        Column(key="tflops", title="", kind="tflops"),
        Column(key="gbps", title="", kind="gbps"),
        Column(key="roof_share", title="roof", kind="percent"),
        Column(key="limit", title="limit"),
        Column(key="roof_note", title="roof note", detail=True),
    )
    table = Table(
        name="ops",
        title="Operations, per rep",
        columns=columns,
        rows=_op_rows(result, sweep, lambda op: [_op_cells(op)]),
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


def _op_cells(op: OpResult) -> tuple[Value, ...]:
    costs, per_rep = op.costs, op.per_rep
    times = (per_rep.kernel_ns, per_rep.memcpy_ns or None, per_rep.compute_ns) if per_rep else (None,) * 3
    counters, use = op.counters, op.cpu
    counted = (None,) * 3
    if counters is not None:
        warps = counters.warps_pct
        counted = (counters.executed_flops, counters.moved_bytes, None if warps is None else warps / 100)
    system = (None, None) if use is None else (use.system_share, use.minor_faults)
    return (
        *(clean(op.op), *times, op.host_ns, op.launches),
        *(costs.flops, counted[0], costs.bytes, *counted[1:], *system),
        *(costs.tflops, costs.gbps, costs.roof_share, costs.limit, costs.roof_note),
    )


def kernel_table(result: RunResult, sweep: Sweep) -> Table:
    """Every kernel of every op, with the geometry it was launched with most."""
    names = fold_names((kernel.kernel for op in result.ops for kernel in op.kernels), KERNEL_WIDTH)
    reps = {step.key: step.reps for step in result.steps}

    def rows_of(op: OpResult) -> list[tuple[Value, ...]]:
        kernels = sorted(op.kernels, key=lambda kernel: -kernel.total_ns)
        return [(clean(op.op), *_kernel_cells(k, names[k.kernel], reps.get(op.key))) for k in kernels]

    columns = (
        *point_columns(sweep),
        Column(key="op", title="op"),
        Column(key="kernel", title="kernel", kind="name"),
        Column(key="per_rep", title="per rep", kind="count"),
        Column(key="median", title="median", kind="time"),
        Column(key="p5", title="p5", kind="time", detail=True),
        Column(key="p95", title="p95", kind="time", detail=True),
        Column(key="share", title="share", kind="percent"),
        Column(key="grid", title="grid"),
        Column(key="block", title="block"),
        Column(key="occupancy", title="occupancy", kind="percent", detail=True),
        Column(key="slots", title="slots", kind="count", detail=True),
        Column(key="waves", title="waves", kind="number"),
    )
    table = Table(
        name="kernels",
        title="Kernels of each operation",
        columns=columns,
        rows=_op_rows(result, sweep, rows_of),
        notes=(
            "share: of the operation's kernel time. grid, block: the geometry launched most often. waves: blocks over "
            "slots, the blocks that the GPU holds at once.",
        ),
    )
    return drop_empty(table, keep=("variant", "op", "kernel"))


def _kernel_cells(kernel: KernelRow, short: str, reps: int | None) -> tuple[Value, ...]:
    launch = max(kernel.launches, key=lambda launch: launch.instances, default=None)
    return (
        *(Name(full=clean(kernel.kernel), short=short), _each(kernel.instances, reps), kernel.median_ns),
        *(kernel.p5_ns, kernel.p95_ns, kernel.share, *_launch_cells(launch)),
    )


def _launch_cells(launch: Launch | None) -> tuple[Value, ...]:
    if launch is None:
        return (None,) * 5
    return (format_dims(launch.grid), format_dims(launch.block), launch.occupancy, launch.slots, launch.waves)


def launch_table(result: RunResult, sweep: Sweep) -> Table:
    """Every geometry a kernel was launched with, and what its launches waited for."""
    names = fold_names((kernel.kernel for op in result.ops for kernel in op.kernels), KERNEL_WIDTH)

    def rows_of(op: OpResult) -> list[tuple[Value, ...]]:
        return [
            (
                *(clean(op.op), Name(full=clean(kernel.kernel), short=names[kernel.kernel])),
                *(launch.instances, launch.median_ns, format_dims(launch.grid), format_dims(launch.block)),
                *(launch.registers, launch.static_shared_bytes, launch.dynamic_shared_bytes),
                *(launch.occupancy, launch.blocks_per_sm, launch.slots, launch.waves),
                *(kernel.launch_call_median_ns, kernel.queue_median_ns),
                *(kernel.stream_wait_median_ns, kernel.latency_median_ns),
            )
            for kernel in sorted(op.kernels, key=lambda kernel: -kernel.total_ns)
            for launch in sorted(kernel.launches, key=lambda launch: -launch.total_ns)
        ]

    columns = (
        *point_columns(sweep),
        Column(key="op", title="op"),
        Column(key="kernel", title="kernel", kind="name"),
        Column(key="launches", title="launches", kind="count"),
        Column(key="median", title="median", kind="time"),
        Column(key="grid", title="grid"),
        Column(key="block", title="block"),
        Column(key="registers", title="registers", kind="count"),
        Column(key="static", title="static shared", kind="bytes"),
        Column(key="dynamic", title="dynamic shared", kind="bytes"),
        Column(key="occupancy", title="occupancy", kind="percent"),
        Column(key="blocks_per_sm", title="blocks/SM", kind="count"),
        Column(key="slots", title="slots", kind="count"),
        Column(key="waves", title="waves", kind="number"),
        Column(key="call", title="launch call", kind="time"),
        Column(key="queue", title="queue", kind="time"),
        Column(key="stream_wait", title="stream wait", kind="time"),
        Column(key="latency", title="latency", kind="time"),
    )
    table = Table(
        name="launches",
        title="Launches",
        columns=columns,
        rows=tuple(replace(row, main=False) for row in _op_rows(result, sweep, rows_of)),
        notes=(
            "queue: from the end of the launch call to the kernel's start, stream wait and latency its parts.",
        ),
    )
    return drop_empty(table, keep=("variant", "op", "kernel"))


def copy_table(result: RunResult, sweep: Sweep) -> Table:
    """Copies and fills that ops made."""
    reps = {step.key: step.reps for step in result.steps}

    def rows_of(op: OpResult) -> list[tuple[Value, ...]]:
        return [
            (
                *(clean(op.op), clean(copy.kind), _way(copy.src_kind, copy.dst_kind)),
                *(_each(copy.instances, reps.get(op.key)), _each(copy.total_ns, copy.instances)),
                *(_each(copy.bytes, copy.instances), copy.gbps),
            )
            for copy in op.copies
        ]

    columns = (
        *point_columns(sweep),
        Column(key="op", title="op"),
        Column(key="kind", title="kind"),
        Column(key="way", title="from → to"),
        Column(key="per_rep", title="per rep", kind="count"),
        Column(key="time", title="time of one", kind="time"),
        Column(key="bytes", title="bytes of one", kind="bytes"),
        Column(key="gbps", title="", kind="gbps"),
    )
    rows = _op_rows(result, sweep, rows_of)
    return drop_empty(
        Table(name="copies", title="Copies and fills", columns=columns, rows=rows),
        keep=("variant", "op", "kind"),
    )


def _each(total: float, count: int | None) -> float | None:
    return total / count if count else None


def _way(source: str | None, target: str | None) -> str | None:
    return clean(f"{source or '?'} → {target or '?'}") if source or target else None


def _op_rows(
    result: RunResult, sweep: Sweep, rows_of: Callable[[OpResult], list[tuple[Value, ...]]]
) -> tuple[Row, ...]:
    """What ``rows_of`` says of every op of every measured step, in reading order."""
    steps = measured_steps(result, sweep)
    ops: dict[str, list[OpResult]] = {step.key: [] for step in steps}
    for op in result.ops:
        ops.get(op.key, []).append(op)
    main = spread((sweep.size_of(step) for step in steps), OP_SIZES)
    return tuple(
        Row(
            cells=(*point_cells(step, sweep), *cells),
            group=panel_of(step).title,
            main=sweep.size_of(step) in main,
        )
        for step in steps
        for op in sorted(ops[step.key], key=lambda op: op.index)
        for cells in rows_of(op)
    )
