"""The windows of a trace, each in its layers."""

from __future__ import annotations

from ...analysis.attribution.range_names import RangeName, find_alike
from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.rows import WindowTimes
from ...analysis.breakdown.window_rows import WindowRow
from ...analysis.words import PARTS, known_device
from ..document.document import Table, Value
from ..document.tables import ColumnOf, cut_rows, drop_empty, fill_row
from .range_columns import spell_range

MAIN_WINDOWS = 12
"""Rows a short report (the terminal) shows."""

UNKNOWN_GPU = "unknown"

OF_HOST = "compute: in the innermost ranges, working or waiting; host: outside of them."
"""What is meant where no device tells working from waiting."""


def window_table(analysis: Analysis) -> Table:
    """Every window in its layers; they sum to its wall time. Of a trace without records there is none."""
    windows, cut = cut_rows(analysis.windows, "first")
    alike = find_alike((one.domains, one.path) for one in analysis.windows.names)

    def name(row: WindowRow) -> str:
        return "whole trace" if row.kind == "trace" else spell_range(name_of_window(row), alike)

    columns: tuple[ColumnOf[WindowRow], ...] = (
        ColumnOf(key="window", title="window", value=name),
        ColumnOf(key="instance", title="#", kind="count", value=lambda row: row.instance),
        ColumnOf(key="device", title="GPU", kind="count", value=_device_of_window),
        ColumnOf(key="wall", title="wall", kind="time", value=lambda row: row.times.wall_ns),
        *(_part_column(part) for part in PARTS),
        ColumnOf(key="idle", title="idle", kind="time", value=_unsplit_idle),
    )
    table = Table(
        name="windows",
        title="Where the time goes",
        columns=columns,
        rows=tuple(
            fill_row(columns, row, main=at < MAIN_WINDOWS, bar=_share_parts(row.times))
            for at, row in enumerate(windows)
            if row.kind != "trace" or row.times.wall_ns
        ),
        bar_parts=PARTS,
        notes=(*([OF_HOST] if analysis.windows.on_host else []), *cut),
    )
    return drop_empty(table, keep=("window", "wall"), zeros=True)


def name_of_window(row: WindowRow) -> RangeName:
    """The range that it is of."""
    return row.name.domains, row.name.path


def _device_of_window(row: WindowRow) -> Value:
    return UNKNOWN_GPU if row.device is not None and known_device(row.device) is None else row.device


def _unsplit_idle(row: WindowRow) -> Value:
    return row.times.idle_ns if row.times.launch_ns is None else None


def _part_column(part: str) -> ColumnOf[WindowRow]:
    return ColumnOf(key=part, title=part, kind="time", value=lambda row: _part_ns(row.times, part))


def _part_ns(times: WindowTimes, part: str) -> int | None:
    return getattr(times, f"{part}_ns")


def _share_parts(times: WindowTimes) -> tuple[float, ...]:
    return tuple((_part_ns(times, part) or 0) / times.wall_ns if times.wall_ns else 0 for part in PARTS)
