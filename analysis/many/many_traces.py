"""Many independent traces, as of somebody's own many, in one table: what each range and each kernel took in which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..attribution.range_names import RangeName, order_of
from ..engine.tasks import Engine, Listener, run_tasks
from ..plain import to_plain
from ..trace.quality import note, sort_notes
from ..words import FORMAT, QualityNote
from .trace_summary import SummaryRequest, TraceSummary, summarise_trace


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One trace of many: what it holds, or why it failed."""

    path: Path
    summary: TraceSummary | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyTraces:
    """All traces in their order."""

    rows: tuple[TraceRow, ...]
    quality: tuple[QualityNote, ...]

    def notes_of_all(self) -> tuple[QualityNote, ...]:
        """What is to be known of the whole and of single traces, each said once for all."""
        of_traces = (one for row in self.rows if row.summary for one in row.summary.quality)
        return sort_notes([*self.quality, *of_traces])

    def list_ranges(self) -> list[RangeName]:
        """The ranges of all traces, those with most device time first, then by host time."""
        sums: dict[RangeName, tuple[int, int]] = {}
        for key, use in ((k, u) for row in self.rows if row.summary for k, u in row.summary.ranges.items()):
            busy, wall = sums.get(key, (0, 0))
            sums[key] = busy + use.busy_ns, wall + use.wall_ns
        return sorted(sums, key=lambda key: (-sums[key][0], -sums[key][1], *order_of(key)))

    def list_kernels(self) -> list[str]:
        """The kernels of all traces, those with most time first."""
        sums: dict[str, int] = {}
        for name, use in ((k, u) for row in self.rows if row.summary for k, u in row.summary.kernels.items()):
            sums[name] = sums.get(name, 0) + use.total_ns
        return sorted(sums, key=lambda name: (-sums[name], name))

    def to_json(self) -> dict[str, Any]:
        """The document of ``analyze --json`` over several traces; in lists by trace its number in ``traces`` stands."""
        return {
            "flopprof": FORMAT,
            "quality": to_plain(self.quality),
            "traces": [_describe(row) for row in self.rows],
            "ranges": [
                {
                    "range": path[-1],
                    "path": list(path),
                    "domain": domains[-1],
                    "traces": [
                        {"trace": at, **to_plain(row.summary.ranges[domains, path])}
                        for at, row in enumerate(self.rows)
                        if row.summary and (domains, path) in row.summary.ranges
                    ],
                }
                for domains, path in self.list_ranges()
            ],
            "kernels": [
                {
                    "kernel": name,
                    "traces": [
                        {"trace": at, **to_plain(row.summary.kernels[name])}
                        for at, row in enumerate(self.rows)
                        if row.summary and name in row.summary.kernels
                    ],
                }
                for name in self.list_kernels()
            ],
        }


def _describe(row: TraceRow) -> dict[str, Any]:
    one = row.summary
    return {
        "trace": str(row.path),
        "status": "done" if one is not None else "failed",
        "reason": row.reason,
        "sha256": None if one is None else one.sha256,
        "duration_ns": None if one is None else one.duration_ns,
        "device_ns": None if one is None else one.device_ns,
        "attributed_ns": None if one is None else one.attributed_ns,
        "unattributed_ns": None if one is None else one.device_ns - one.attributed_ns,
        "quality": [] if one is None else to_plain(one.quality),
    }


def analyze_traces(
    paths: Sequence[Path],
    engine: Engine,
    request: SummaryRequest | None = None,
    listen: Listener | None = None,
) -> ManyTraces:
    """Analyse every trace for itself; one that fails is a row that says why."""
    arguments = [(path.absolute(), request or SummaryRequest()) for path in paths]
    outcomes = run_tasks(engine, summarise_trace, arguments, listen)
    rows = tuple(
        TraceRow(path=path, summary=outcome.value, reason=outcome.reason)
        for path, outcome in zip(paths, outcomes, strict=True)
    )
    failed = [row.path.name for row in rows if row.summary is None]
    notes = [note("trace_failed", len(failed), ", ".join(failed[:12]))] if failed else []
    return ManyTraces(rows=rows, quality=sort_notes(notes))
