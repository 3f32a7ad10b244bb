"""The kernels of a trace, by themselves and by range, and its copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...analysis.attribution.range_names import RangeName
from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.rows import CopyRow, KernelRow, Launch, RangeKernelRow
from ..document.document import Name, Table, Value
from ..document.launch_columns import geometry_columns, occupancy_column, wave_columns
from ..document.launches import describe_fill
from ..document.names import clean, fold_names
from ..document.tables import ColumnOf, columns_of_part, cut_rows, drop_empty, fill_row
from .range_columns import range_columns
from .window_table import UNKNOWN_GPU

KERNEL_WIDTH = 52

MAIN_KERNELS, MAIN_PAIRS = 15, 15
"""Rows a short report (the terminal) shows of each table."""

MATTERS = 0.05
"""A kernel with this share of the kernel time is worth a sentence."""

BY_PROCESS_COPIES = (
    "by: thread, asked for in a range of its own thread; process, on a thread without ranges, owned by what another "
    "thread had open; none, outside all ranges."
)


def kernel_table(analysis: Analysis, *, full_names: bool) -> Table:
    """Kernels by total time, with what their launches waited for."""
    rows, cut = cut_rows(sorted(analysis.kernels, key=lambda row: -row.total_ns))
    total = sum(row.total_ns for row in analysis.kernels) or 1
    names = fold_names((row.kernel for row in rows), KERNEL_WIDTH)
    several = len({row.device for row in analysis.kernels}) > 1
    of_kernel: tuple[ColumnOf[KernelRow], ...] = (
        ColumnOf(key="kernel", title="kernel", kind="name", value=lambda row: _name_kernel(row, names)),
        ColumnOf(key="instances", title="instances", kind="count", value=lambda row: row.instances),
        ColumnOf(key="total", title="total", kind="time", value=lambda row: row.total_ns),
        ColumnOf(key="share", title="share", kind="percent", value=lambda row: row.total_ns / total),
        ColumnOf(key="median", title="median", kind="time", value=lambda row: row.median_ns),
        *_wait_columns(),
        ColumnOf(key="device", title="GPU", kind="count", detail=not several, value=_device_of),
        *columns_of_part(
            (*geometry_columns(detail=True), occupancy_column(detail=True), *wave_columns()), _main_launch
        ),
    )
    columns: tuple[ColumnOf[tuple[int, KernelRow]], ...] = (
        ColumnOf(key="number", title="#", kind="count", value=lambda numbered: numbered[0]),
        *columns_of_part(of_kernel, lambda numbered: numbered[1]),
    )
    shown = rows if full_names else []
    return Table(
        name="kernels",
        title="Kernels by total time",
        columns=columns,
        rows=tuple(
            fill_row(columns, (at, row), main=full_names or at <= MAIN_KERNELS, bar=(row.total_ns / total,))
            for at, row in enumerate(rows, start=1)
        ),
        bar_parts=("time",),
        notes=(
            "queue: median from the end of the launching call to the start of the kernel. waves: blocks over slots, "
            "the blocks that the GPU holds at once.",
            *_tell_fills(rows, total),
            *cut,
            *(f"#{at} {clean(row.kernel)}" for at, row in enumerate(shown, start=1)),
        ),
    )


def range_kernel_table(analysis: Analysis) -> Table:
    """Which kernels each range launched, and how that is known."""
    rows, cut = cut_rows(sorted(analysis.range_kernels, key=lambda row: -row.total_ns))
    names = fold_names((row.kernel for row in rows), KERNEL_WIDTH)
    named, where = range_columns(_range_of_kernel, map(_range_of_kernel, rows), "range", unnamed="(no range)")
    columns: tuple[ColumnOf[RangeKernelRow], ...] = (
        *named,
        ColumnOf(key="kernel", title="kernel", kind="name", value=lambda row: _name_kernel(row, names)),
        ColumnOf(key="attribution", title="by", value=lambda row: row.attribution),
        ColumnOf(key="instances", title="instances", kind="count", value=lambda row: row.instances),
        ColumnOf(key="total", title="total", kind="time", value=lambda row: row.total_ns),
        ColumnOf(key="median", title="median", kind="time", value=lambda row: row.median_ns),
        ColumnOf(key="min", title="min", kind="time", detail=True, value=lambda row: row.min_ns),
        ColumnOf(key="max", title="max", kind="time", detail=True, value=lambda row: row.max_ns),
    )
    return Table(
        name="range_kernels",
        title="Kernels of each range",
        columns=columns,
        rows=tuple(fill_row(columns, row, main=at < MAIN_PAIRS) for at, row in enumerate(rows)),
        notes=(
            "A range holds what the ranges inside it hold. by: thread, launched on the range's own thread; "
            "process, launched on a thread without ranges; none, outside all ranges.",
            *where,
            *cut,
        ),
    )


def copy_table(analysis: Analysis) -> Table:
    """Copies and fills by kind, with their rate."""
    rows = sorted(analysis.copies, key=lambda row: -row.total_ns)
    longest = max((row.total_ns for row in rows), default=0) or 1
    several = len({row.device for row in rows}) > 1
    alike = {(row.kind, row.src_kind, row.dst_kind, row.device) for row in rows}
    shared = len(alike) < len(rows) or any(row.attribution == "process" for row in rows)

    def way(row: CopyRow) -> str | None:
        return row.attribution if shared else None

    columns: tuple[ColumnOf[CopyRow], ...] = (
        ColumnOf(key="kind", title="kind", value=lambda row: row.kind),
        ColumnOf(key="memory", title="from → to", value=_name_sides),
        ColumnOf(key="attribution", title="by", value=way),
        ColumnOf(key="device", title="GPU", kind="count", detail=not several, value=_device_of),
        ColumnOf(key="instances", title="instances", kind="count", value=lambda row: row.instances),
        ColumnOf(key="total", title="total", kind="time", value=lambda row: row.total_ns),
        ColumnOf(key="bytes", title="bytes", kind="bytes", term="payload", value=lambda row: row.bytes),
        ColumnOf(key="gbps", title="", kind="gbps", term="copy rate", value=lambda row: row.gbps),
    )
    table = Table(
        name="copies",
        title="Copies and fills",
        columns=columns,
        rows=tuple(fill_row(columns, row, bar=(row.total_ns / longest,)) for row in rows),
        bar_parts=("time",),
        notes=(BY_PROCESS_COPIES,) if shared else (),
    )
    kept = tuple(column.key for column in columns if column.key != "attribution")
    return table if shared else drop_empty(table, keep=kept)


def _name_kernel(row: KernelRow | RangeKernelRow, names: Mapping[str, str]) -> Name:
    return Name(full=clean(row.kernel), short=names[row.kernel])


def _wait_columns() -> tuple[ColumnOf[KernelRow], ...]:
    return (
        ColumnOf(key="queue", title="queue", kind="time", value=lambda row: row.queue_median_ns),
        ColumnOf(
            key="launch_call",
            title="call",
            kind="time",
            detail=True,
            value=lambda row: row.launch_call_median_ns,
        ),
        ColumnOf(
            key="stream_wait",
            title="stream wait",
            kind="time",
            detail=True,
            value=lambda row: row.stream_wait_median_ns,
        ),
        ColumnOf(
            key="latency",
            title="latency",
            kind="time",
            term="queue latency",
            detail=True,
            value=lambda row: row.latency_median_ns,
        ),
    )


def _device_of(row: KernelRow | CopyRow) -> Value:
    return UNKNOWN_GPU if row.device is None else row.device


def _tell_fills(rows: Sequence[KernelRow], total: int) -> list[str]:
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
    """The geometry with most time."""
    return max(row.launches, key=lambda launch: launch.total_ns, default=None)


def _range_of_kernel(row: RangeKernelRow) -> RangeName:
    return row.domains, row.path


def _name_sides(row: CopyRow) -> str | None:
    return " → ".join(kind for kind in (row.src_kind, row.dst_kind) if kind) or None
