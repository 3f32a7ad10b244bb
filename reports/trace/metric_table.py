"""What samples of the GPU say of ranges: memory traffic, and how much of the device worked."""

from __future__ import annotations

from ...analysis.attribution.range_names import RangeName
from ...analysis.breakdown.analyze import Analysis
from ...analysis.evidence.metric_rows import DeviceMetrics, RangeMetrics
from ...analysis.words import name_device
from ..document.document import Table
from ..document.tables import ColumnOf, drop_empty, fill_row
from .range_columns import range_columns

MAIN_ROWS = 15

PERCENTS = (
    ("dram_read_pct", "read of peak"),
    ("dram_write_pct", "written of peak"),
    ("sm_active_pct", "SMs active"),
    ("sm_issue_pct", "issue"),
    ("warps_pct", "warps"),
    ("tensor_pct", "tensor"),
)


_STEP = (
    "The samples are whole percents: of bytes read and written less than column “a percent” is not told from nothing, "
    "and small traffic beside large is known to that only."
)


def metric_table(analysis: Analysis) -> Table:
    """Ranges that samples say something of, by the bytes that they moved; no rows where nothing was sampled."""
    rows = sorted(analysis.metrics.ranges, key=_moved, reverse=True)
    named, where = range_columns(_name_of, map(_name_of, rows), "range")
    columns: tuple[ColumnOf[RangeMetrics], ...] = (
        *named,
        ColumnOf(key="instances", title="instances", kind="count", value=lambda row: row.instances),
        ColumnOf(key="read", title="DRAM read", kind="bytes", value=lambda row: row.figures.dram_read_bytes),
        ColumnOf(
            key="written", title="DRAM written", kind="bytes", value=lambda row: row.figures.dram_write_bytes
        ),
        ColumnOf(
            key="step",
            title="a percent",
            kind="bytes",
            term="",
            value=lambda row: row.figures.dram_step_bytes,
        ),
        *(_percent_column(key, title) for key, title in PERCENTS),
        ColumnOf(
            key="samples", title="samples", kind="count", term="", value=lambda row: row.figures.samples
        ),
        ColumnOf(key="device", title="GPU", kind="count", detail=True, value=lambda row: row.device),
    )
    coarse = any(row.figures.dram_step_bytes is not None for row in rows)
    table = Table(
        name="range_metrics",
        title="Memory traffic and use of the GPU",
        columns=columns,
        rows=tuple(fill_row(columns, row, main=at < MAIN_ROWS) for at, row in enumerate(rows)),
        notes=(
            "Bytes of all instances; percentages are means over their device time, of the GPU's peak.",
            *([_STEP] if coarse else []),
            *where,
            *(_describe(one) for one in analysis.metrics.devices),
        ),
    )
    return drop_empty(table, keep=("range", "samples"), zeros=False)


def _name_of(row: RangeMetrics) -> RangeName:
    return row.domains, row.path


def _moved(row: RangeMetrics) -> float:
    return (row.figures.dram_read_bytes or 0) + (row.figures.dram_write_bytes or 0)


def _percent_column(key: str, title: str) -> ColumnOf[RangeMetrics]:
    def share(row: RangeMetrics) -> float | None:
        percent: float | None = getattr(row.figures, key)
        return None if percent is None else percent / 100

    return ColumnOf(key=key, title=title, kind="percent", value=share)


def _describe(one: DeviceMetrics) -> str:
    where = "A GPU" if one.device is None else name_device(one.device)
    rate = f"{one.frequency_hz / 1e3:.4g} kHz"
    return f"{where} was sampled at {rate}, {one.samples} times, as a whole: whatever else ran on it is in the figures."
