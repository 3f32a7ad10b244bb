"""What samples of the GPU say of ranges: memory traffic, and how much of the device worked."""

from __future__ import annotations

from ...analysis.breakdown.analyze import Analysis
from ...analysis.evidence.metric_rows import DeviceMetrics, RangeMetrics
from ...analysis.words import name_device
from ..document.document import Column, Row, Table, Value
from ..document.names import join_path
from ..document.tables import drop_empty

MAIN_ROWS = 15

PERCENTS = (
    ("dram_read_pct", "read of peak"),
    ("dram_write_pct", "written of peak"),
    ("sm_active_pct", "SMs active"),
    ("sm_issue_pct", "issue"),
    ("warps_pct", "warps"),
    ("tensor_pct", "tensor"),
)


def metric_table(analysis: Analysis) -> Table:
    """Ranges that samples say something of, by the bytes that they moved; no rows where nothing was sampled."""
    rows = sorted(analysis.metrics.ranges, key=_moved, reverse=True)
    columns = (
        Column(key="range", title="range"),
        Column(key="instances", title="instances", kind="count"),
        Column(key="read", title="DRAM read", kind="bytes"),
        Column(key="written", title="DRAM written", kind="bytes"),
        *(Column(key=key, title=title, kind="percent") for key, title in PERCENTS),
        Column(key="samples", title="samples", kind="count"),
        Column(key="device", title="GPU", kind="count", detail=True),
    )
    table = Table(
        name="range_metrics",
        title="Memory traffic and use of the GPU",
        columns=columns,
        rows=tuple(Row(cells=_cells(row), main=at < MAIN_ROWS) for at, row in enumerate(rows)),
        notes=(
            "Bytes of all instances; percentages are means over their device time, of the GPU's peak.",
            *(_describe(one) for one in analysis.metrics.devices),
        ),
    )
    return drop_empty(table, keep=("range", "samples"), zeros=False)


def _moved(row: RangeMetrics) -> float:
    return (row.figures.dram_read_bytes or 0) + (row.figures.dram_write_bytes or 0)


def _cells(row: RangeMetrics) -> tuple[Value, ...]:
    figures = row.figures
    shares = (getattr(figures, key) for key, _ in PERCENTS)
    return (
        *(join_path(row.domain, row.path), row.instances, figures.dram_read_bytes, figures.dram_write_bytes),
        *(None if share is None else share / 100 for share in shares),
        *(figures.samples, row.device),
    )


def _describe(one: DeviceMetrics) -> str:
    where = "A GPU" if one.device is None else name_device(one.device)
    rate = f"{one.frequency_hz / 1e3:.4g} kHz"
    return f"{where} was sampled at {rate}, {one.samples} times, as a whole: whatever else ran on it is in the figures."
