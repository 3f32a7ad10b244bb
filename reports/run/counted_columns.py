"""Columns of what was counted of an op: FLOPs executed, bytes moved, warps, system time and page faults."""

from __future__ import annotations

from ...analysis.runs.results import OpResult, RunResult
from ...analysis.words import OUT_OF_TIME
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


def tell_uncounted(result: RunResult) -> str:
    """Which steps have no evidence for want of time, by backend and point, and how they get it; empty if none."""
    left = [step for step in result.steps if step.evidence_note == OUT_OF_TIME]
    points: dict[str, dict[str, None]] = {}
    for step in left:
        point = " ".join(f"{name}={value}" for name, value in step.params.items())
        points.setdefault(f"{step.backend} {step.dtype}", {})[point] = None
    told = "; ".join(f"{place} {', '.join(found)}" for place, found in points.items())
    how = f"flopprof run --resume {result.run.id} --evidence counters goes on"
    return (
        f"{len(left)} of {len(result.steps)} steps, as their turn did not come ({told}); {how}"
        if left
        else ""
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
