"""The tables of a trace's report."""

from __future__ import annotations

from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.range_costs import RangeKernelRow, RangeRow
from ...analysis.breakdown.rows import CopyRow, KernelRow, Launch
from ...analysis.breakdown.window_rows import WindowRow
from ...analysis.words import LAYERS, known_device
from ..document.document import Column, Name, Row, Table, Value
from ..document.launches import describe_fill
from ..document.names import clean, fold_names, join_path
from ..document.tables import drop_empty, format_dims

KERNEL_WIDTH, RANGE_WIDTH = 52, 60

MAIN_WINDOWS, MAIN_RANGES, MAIN_KERNELS, MAIN_PAIRS = 12, 15, 15, 15
"""Rows a short report (the terminal) shows of each table."""

MATTERS = 0.05
"""A kernel with this share of the kernel time is worth a sentence."""

UNKNOWN_GPU = "unknown"

WINDOW_PARTS = (*LAYERS, "compute")

RANGE_TIMES = (
    "busy: its device work, overlaps once; kernels: durations added. projected: first start to last end of what "
    "its own thread launched, as NVIDIA's reports have it."
)


def window_table(analysis: Analysis) -> Table:
    """Every window in its layers; they sum to its wall time. Of a trace without records there is none."""
    columns = (
        Column(key="window", title="window"),
        Column(key="instance", title="#", kind="count"),
        Column(key="device", title="GPU", kind="count"),
        Column(key="wall", title="wall", kind="time"),
        *(Column(key=part, title=part, kind="time") for part in WINDOW_PARTS),
        Column(key="idle", title="idle", kind="time"),
    )
    table = Table(
        name="windows",
        title="Where the time goes",
        columns=columns,
        rows=tuple(
            _window_row(row, main=at < MAIN_WINDOWS)
            for at, row in enumerate(analysis.windows)
            if row.kind != "trace" or row.times.wall_ns
        ),
        bar_parts=WINDOW_PARTS,
    )
    return drop_empty(table, keep=("window", "wall"), zeros=True)


def range_table(analysis: Analysis) -> Table:
    """Ranges by the device time of everything launched in them; by host time in a trace without device work."""
    rows = sorted(analysis.ranges, key=lambda row: (-row.busy_ns, -row.wall_ns))
    worked = len(analysis.trace.activities) > 0
    lengths = [row.busy_ns if worked else row.wall_ns for row in rows]
    longest = max(lengths, default=0) or 1
    told = any(row.flops or row.bytes for row in rows)
    bandwidth = _bandwidth(analysis) if worked else None
    columns = (
        Column(key="range", title="range"),
        Column(key="instances", title="instances", kind="count"),
        Column(key="wall", title="host", kind="time"),
        Column(key="busy", title="busy", kind="time"),
        Column(key="kernel_sum", title="kernels", kind="time"),
        Column(key="projected", title="projected", kind="time", detail=True),
        Column(key="launch_call", title="calls", kind="time", detail=True),
        Column(key="activities", title="records", kind="count", detail=True),
        Column(key="flops", title="FLOPs", kind="flops"),
        Column(key="tflops", title="", kind="tflops"),
        Column(key="gbps", title="", kind="gbps"),
        Column(key="bandwidth_share", title="of bandwidth", kind="percent"),
        Column(key="thread", title="pid:tid", detail=True),
    )
    table = Table(
        name="ranges",
        title=f"Ranges by {'device' if worked else 'host'} time",
        columns=columns,
        rows=tuple(
            Row(
                cells=_range_cells(row, worked=worked, bandwidth=bandwidth),
                main=at < MAIN_RANGES,
                bar=(length / longest,),
            )
            for at, (row, length) in enumerate(zip(rows, lengths, strict=True))
        ),
        bar_parts=("time",),
        notes=(
            f"host: the range's own time. {RANGE_TIMES if worked else 'No device work was recorded.'}",
            *(
                [f"FLOP/s and GB/s: what the program declared, over {'busy' if worked else 'host'}."]
                if told
                else []
            ),
        ),
    )
    return drop_empty(table, keep=("range", "instances"), zeros=True)


def kernel_table(analysis: Analysis, *, full_names: bool) -> Table:
    """Kernels by total time, with what their launches waited for."""
    rows = sorted(analysis.kernels, key=lambda row: -row.total_ns)
    total = sum(row.total_ns for row in rows) or 1
    names = fold_names((row.kernel for row in rows), KERNEL_WIDTH)
    columns = (
        Column(key="number", title="#", kind="count"),
        Column(key="kernel", title="kernel", kind="name"),
        Column(key="instances", title="instances", kind="count"),
        Column(key="total", title="total", kind="time"),
        Column(key="share", title="share", kind="percent"),
        Column(key="median", title="median", kind="time"),
        Column(key="queue", title="queue", kind="time"),
        Column(key="launch_call", title="call", kind="time", detail=True),
        Column(key="stream_wait", title="stream wait", kind="time", detail=True),
        Column(key="latency", title="latency", kind="time", detail=True),
        Column(key="device", title="GPU", kind="count", detail=True),
        Column(key="grid", title="grid", detail=True),
        Column(key="block", title="block", detail=True),
        Column(key="occupancy", title="occupancy", kind="percent", detail=True),
        Column(key="slots", title="slots", kind="count", detail=True),
        Column(key="waves", title="waves", kind="number"),
    )
    shown = rows if full_names else []
    return Table(
        name="kernels",
        title="Kernels by total time",
        columns=columns,
        rows=tuple(
            Row(
                cells=_kernel_cells(at, row, names[row.kernel], total),
                main=full_names or at <= MAIN_KERNELS,
                bar=(row.total_ns / total,),
            )
            for at, row in enumerate(rows, start=1)
        ),
        bar_parts=("time",),
        notes=(
            "queue: median from the end of the launching call to the start of the kernel. waves: blocks over slots, "
            "the blocks that the GPU holds at once.",
            *_tell_fills(rows, total),
            *(f"#{at} {clean(row.kernel)}" for at, row in enumerate(shown, start=1)),
        ),
    )


def range_kernel_table(analysis: Analysis) -> Table:
    """Which kernels each range launched, and how that is known."""
    rows = sorted(analysis.range_kernels, key=lambda row: -row.total_ns)
    names = fold_names((row.kernel for row in rows), KERNEL_WIDTH)
    columns = (
        Column(key="range", title="range"),
        Column(key="kernel", title="kernel", kind="name"),
        Column(key="attribution", title="by"),
        Column(key="instances", title="instances", kind="count"),
        Column(key="total", title="total", kind="time"),
        Column(key="median", title="median", kind="time"),
        Column(key="min", title="min", kind="time", detail=True),
        Column(key="max", title="max", kind="time", detail=True),
    )
    return Table(
        name="range_kernels",
        title="Kernels of each range",
        columns=columns,
        rows=tuple(
            Row(cells=_range_kernel_cells(row, names[row.kernel]), main=at < MAIN_PAIRS)
            for at, row in enumerate(rows)
        ),
        notes=(
            "A range holds what the ranges inside it hold. by: thread, launched on the range's own thread; "
            "process, launched on a thread without ranges; none, outside all ranges.",
        ),
    )


def copy_table(analysis: Analysis) -> Table:
    """Copies and fills by kind, with their rate."""
    rows = sorted(analysis.copies, key=lambda row: -row.total_ns)
    longest = max((row.total_ns for row in rows), default=0) or 1
    columns = (
        Column(key="kind", title="kind"),
        Column(key="memory", title="from → to"),
        Column(key="device", title="GPU", kind="count", detail=True),
        Column(key="instances", title="instances", kind="count"),
        Column(key="total", title="total", kind="time"),
        Column(key="bytes", title="bytes", kind="bytes"),
        Column(key="gbps", title="", kind="gbps"),
    )
    return Table(
        name="copies",
        title="Copies and fills",
        columns=columns,
        rows=tuple(Row(cells=_copy_cells(row), bar=(row.total_ns / longest,)) for row in rows),
        bar_parts=("time",),
    )


def _window_row(row: WindowRow, *, main: bool) -> Row:
    times = row.times
    parts = [getattr(times, f"{part}_ns") for part in WINDOW_PARTS]
    idle = times.idle_ns if times.launch_ns is None else None
    device = UNKNOWN_GPU if row.device is not None and known_device(row.device) is None else row.device
    name = "whole trace" if row.kind == "trace" else join_path(row.name.domain, row.name.path)
    return Row(
        cells=(clean(name), row.instance, device, times.wall_ns, *parts, idle),
        main=main,
        bar=tuple((part or 0) / times.wall_ns if times.wall_ns else 0 for part in parts),
    )


def _bandwidth(analysis: Analysis) -> int | None:
    """Bytes a second of the GPUs' memory by their description; None when they differ or do not say."""
    found = {gpu.bandwidth_bytes_per_s for gpu in analysis.trace.gpus.values()}
    return found.pop() if len(found) == 1 else None


def _range_cells(row: RangeRow, *, worked: bool, bandwidth: int | None) -> tuple[Value, ...]:
    """With no device work in the trace at all, the program computed on the host."""
    ns = (row.busy_ns if worked else row.wall_ns) or None
    return (
        clean(join_path(row.domain, row.path)),
        row.instances,
        *(row.wall_ns, row.busy_ns, row.kernel_sum_ns, row.projected_ns, row.launch_call_ns, row.activities),
        row.flops,
        row.flops / ns / 1e3 if row.flops and ns else None,
        row.bytes / ns if row.bytes and ns else None,
        row.bytes / ns * 1e9 / bandwidth if row.bytes and ns and bandwidth else None,
        f"{row.pid}:{row.tid}" if row.tid is not None else str(row.pid or ""),
    )


def _tell_fills(rows: list[KernelRow], total: int) -> list[str]:
    """Kernels that matter and whose blocks leave part of the GPU without work."""
    mains = [
        (at, _main_launch(row)) for at, row in enumerate(rows, start=1) if row.total_ns >= MATTERS * total
    ]
    return [
        f"#{at}: {fill}."
        for at, launch in mains
        if launch and launch.underfilled and (fill := describe_fill(launch))
    ]


def _main_launch(row: KernelRow) -> Launch | None:
    return max(row.launches, key=lambda launch: launch.total_ns, default=None)


def _kernel_cells(at: int, row: KernelRow, short: str, total: int) -> tuple[Value, ...]:
    launch = _main_launch(row)
    return (
        *(at, Name(full=clean(row.kernel), short=short), row.instances, row.total_ns, row.total_ns / total),
        *(row.median_ns, row.queue_median_ns, row.launch_call_median_ns, row.stream_wait_median_ns),
        *(row.latency_median_ns, UNKNOWN_GPU if row.device is None else row.device),
        format_dims(launch.grid) if launch else None,
        format_dims(launch.block) if launch else None,
        *((launch.occupancy, launch.slots, launch.waves) if launch else (None,) * 3),
    )


def _range_kernel_cells(row: RangeKernelRow, short: str) -> tuple[Value, ...]:
    return (
        clean(join_path(row.domain, row.path)) or "(no range)",
        Name(full=clean(row.kernel), short=short),
        *(row.attribution, row.instances, row.total_ns, row.median_ns, row.min_ns, row.max_ns),
    )


def _copy_cells(row: CopyRow) -> tuple[Value, ...]:
    sides = [kind for kind in (row.src_kind, row.dst_kind) if kind]
    return (
        *(
            row.kind,
            " → ".join(sides) or None,
            UNKNOWN_GPU if row.device is None else row.device,
            row.instances,
        ),
        *(row.total_ns, row.bytes, row.gbps),
    )
