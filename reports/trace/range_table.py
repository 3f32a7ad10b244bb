"""What the ranges of a trace cost, one line a path."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...analysis.attribution.range_names import RangeName
from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.rows import RangeRow
from ..document.document import Table
from ..document.tables import ColumnOf, cut_rows, drop_empty, fill_row
from .range_columns import range_columns
from .uncounted import tell_uncounted

MAIN_RANGES = 15
"""Rows a short report (the terminal) shows."""

HOST, BUSY, KERNELS = (
    "host: the range's own time",
    "busy: its device work, overlaps once",
    "kernels: durations added",
)

PROJECTED = "projected: first start to last end of what its own thread launched, as NVIDIA's reports have it."

ROOF_SHARE = "of roof: the least time that its FLOPs can take by the GPU's data sheet, as a share of busy."

MAIN_REASONS = 5
"""Reasons why ranges have no FLOPs that are told; all are in the JSON document."""

WITHOUT = " without what another thread did beside it, empty where that cannot be told"

BY_PROCESS = (
    "by: thread, launched on the range's own thread; process, on a thread that had no range while this one was "
    "open; both, some of each."
)


def range_table(analysis: Analysis) -> Table:
    """Ranges by the device time of everything launched in them; by host time in a trace without device work."""
    rows, cut = cut_rows(sorted(analysis.ranges, key=lambda row: (-row.busy_ns, -row.wall_ns)))
    worked = len(analysis.trace.activities) > 0

    def length_ns(row: RangeRow) -> int:
        """With no device work in the trace at all, the program computed on the host."""
        return row.busy_ns if worked else row.wall_ns

    longest = max(map(length_ns, rows), default=0) or 1
    told = any(row.flops or row.bytes for row in rows)
    shared = any(row.attribution in ("process", "both") for row in rows)

    def rated_ns(row: RangeRow) -> int | None:
        return (row.own_busy_ns if worked else row.wall_ns) or None

    def way(row: RangeRow) -> str | None:
        return row.attribution if shared else None

    named, where = range_columns(_name_of, map(_name_of, analysis.ranges), "range")
    columns: tuple[ColumnOf[RangeRow], ...] = (
        *named,
        ColumnOf(key="instances", title="instances", kind="count", value=lambda row: row.instances),
        ColumnOf(key="wall", title="host", kind="time", term="host time", value=lambda row: row.wall_ns),
        ColumnOf(key="busy", title="busy", kind="time", value=lambda row: row.busy_ns),
        ColumnOf(key="attribution", title="by", value=way),
        ColumnOf(
            key="kernel_sum", title="kernels", kind="time", term="total", value=lambda row: row.kernel_sum_ns
        ),
        *_detail_columns(),
        *_rate_columns(rated_ns, _bandwidth(analysis) if worked else None),
        ColumnOf(key="thread", title="pid:tid", detail=True, value=_thread_of_range),
    )
    table = Table(
        name="ranges",
        title=f"Ranges by {'device' if worked else 'host'} time",
        columns=columns,
        rows=tuple(
            fill_row(columns, row, main=at < MAIN_RANGES, bar=(length_ns(row) / longest,))
            for at, row in enumerate(rows)
        ),
        bar_parts=("time",),
        notes=(
            *_say_times(rows, worked=worked),
            *([_say_rates(worked=worked, shared=shared)] if told else []),
            *([BY_PROCESS] if shared else []),
            *where,
            *cut,
            *([ROOF_SHARE] if any(row.roof_share for row in rows) else []),
            *tell_uncounted(rows, limit=MAIN_REASONS),
        ),
    )
    return drop_empty(table, keep=("range", "instances"), zeros=True)


def _say_times(rows: Sequence[RangeRow], *, worked: bool) -> tuple[str, ...]:
    """What the times are of; of columns that only wide reports show in a note of its own."""
    if not worked:
        return (f"{HOST}. No device work was recorded.",)
    kernels = any(row.kernel_sum_ns for row in rows)
    told = f"{HOST}; {BUSY}{f'; {KERNELS}' if kernels else ''}."
    return (told, *([PROJECTED] if any(row.projected_ns for row in rows) else []))


def _say_rates(*, worked: bool, shared: bool) -> str:
    over = "busy" if worked else "host"
    return f"FLOP/s and GB/s: what the program declared, over {over}{WITHOUT if shared else ''}."


def _bandwidth(analysis: Analysis) -> int | None:
    """Bytes a second of the GPUs' memory by their description; None when they differ or do not say."""
    found = {gpu.bandwidth_bytes_per_s for gpu in analysis.trace.gpus.values()}
    return found.pop() if len(found) == 1 else None


def _detail_columns() -> tuple[ColumnOf[RangeRow], ...]:
    return (
        ColumnOf(
            key="projected", title="projected", kind="time", detail=True, value=lambda r: r.projected_ns
        ),
        ColumnOf(
            key="launch_call", title="calls", kind="time", detail=True, value=lambda r: r.launch_call_ns
        ),
        ColumnOf(key="activities", title="records", kind="count", detail=True, value=lambda r: r.activities),
    )


def _rate_columns(
    rated_ns: Callable[[RangeRow], int | None], bandwidth: int | None
) -> tuple[ColumnOf[RangeRow], ...]:
    """What the program declared, over a range's time."""

    def rate(amount: int | None, row: RangeRow) -> float | None:
        ns = rated_ns(row)
        return amount / ns if amount and ns else None

    def tflops(row: RangeRow) -> float | None:
        found = rate(row.flops, row)
        return None if found is None else found / 1e3

    def bandwidth_share(row: RangeRow) -> float | None:
        found = rate(row.bytes, row)
        return found * 1e9 / bandwidth if found is not None and bandwidth else None

    return (
        ColumnOf(key="flops", title="FLOPs", kind="flops", term="declared", value=lambda row: row.flops),
        ColumnOf(key="tflops", title="", kind="tflops", term="declared", value=tflops),
        ColumnOf(key="gbps", title="", kind="gbps", term="declared", value=lambda row: rate(row.bytes, row)),
        ColumnOf(
            key="bandwidth_share",
            title="of bandwidth",
            kind="percent",
            term="declared",
            value=bandwidth_share,
        ),
        ColumnOf(key="roof_share", title="of roof", kind="percent", value=lambda row: row.roof_share),
    )


def _name_of(row: RangeRow) -> RangeName:
    return row.domains, row.path


def _thread_of_range(row: RangeRow) -> str:
    return f"{row.pid}:{row.tid}" if row.tid is not None else str(row.pid or "")
