"""How a kernel was launched, in columns that every report's tables share."""

from __future__ import annotations

from ...analysis.breakdown.rows import Launch
from .tables import ColumnOf, format_dims


def geometry_columns(*, detail: bool = False) -> tuple[ColumnOf[Launch], ...]:
    """Grid and block."""
    return (
        ColumnOf(key="grid", title="grid", detail=detail, value=lambda launch: format_dims(launch.grid)),
        ColumnOf(key="block", title="block", detail=detail, value=lambda launch: format_dims(launch.block)),
    )


def occupancy_column(*, detail: bool = False) -> ColumnOf[Launch]:
    """The share of warps that geometry and registers allow."""
    return ColumnOf(
        key="occupancy",
        title="occupancy",
        kind="percent",
        detail=detail,
        value=lambda launch: launch.occupancy,
    )


def wave_columns(*, detail: bool = True) -> tuple[ColumnOf[Launch], ...]:
    """The blocks that the GPU holds at once, and how often they fill; `detail` hides the first in the text."""
    return (
        ColumnOf(key="slots", title="slots", kind="count", detail=detail, value=lambda launch: launch.slots),
        ColumnOf(key="waves", title="waves", kind="number", value=lambda launch: launch.waves),
    )
