"""Columns of what was counted of an op: FLOPs executed, bytes moved, warps, system time and page faults."""

from __future__ import annotations

from ...analysis.runs.results import OpResult
from ..document.tables import ColumnOf


def counted_columns() -> tuple[ColumnOf[OpResult], ...]:
    """What was counted of an op, and what the system charged for it."""
    return (
        ColumnOf(key="executed", title="executed", kind="flops", value=_executed_flops),
        ColumnOf(key="moved", title="moved", kind="bytes", value=_moved_bytes),
        ColumnOf(key="warps", title="warps", kind="percent", detail=True, value=_warps),
        ColumnOf(key="system", title="system", kind="percent", value=_system_share),
        ColumnOf(key="faults", title="page faults", kind="count", value=_faults),
    )


def _executed_flops(op: OpResult) -> float | None:
    return op.counters.executed_flops if op.counters else None


def _moved_bytes(op: OpResult) -> float | None:
    return op.counters.moved_bytes if op.counters else None


def _warps(op: OpResult) -> float | None:
    percent = op.counters.warps_pct if op.counters else None
    return None if percent is None else percent / 100


def _system_share(op: OpResult) -> float | None:
    return op.cpu.system_share if op.cpu else None


def _faults(op: OpResult) -> float | None:
    return op.cpu.minor_faults if op.cpu else None
