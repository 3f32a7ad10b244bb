"""The tables of a job as CSV files: raw values, a row for each rank of a collective or step, empty for unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...analysis.ranks.summaries import STEP_LAYERS
from ...analysis.ranks.whole_job import JobAnalysis
from ...analysis.runs.writing import write_texts
from .csv_text import to_csv
from .ranks_json import job_to_json
from .trace_csv import flatten_row

HEADERS: dict[str, tuple[str, ...]] = {
    "ranks": (
        *("rank", "trace", "offset_ns", "residual_ns", "status", "reason", "device", "device_name", "pid"),
        *("device_ns", "collective_ns", "wait_ns", "transfer_ns", "collectives", "matched", "steps"),
    ),
    "collectives": (
        *("index", "kernel", "family", "communicator", "step", "bytes", "bus_gbps", "start_ns"),
        *("transfer_ns", "last", "rank", "wait_ns"),
    ),
    "steps": (
        *("range", "domain", "instance", "straggler", "lost_ns", "cause_range", "cause_path", "cause_layer"),
        *("cause_excess_ns", "rank", "wall_ns", "wait_ns", "collective_wait_ns"),
        *(f"{layer}_ns" for layer in STEP_LAYERS if layer != "wait"),
    ),
    "summary": (
        *("first", "last", "straggler", "cause_range", "cause_path", "cause_layer", "cause_excess_ns"),
        *("lost_ns", "rotates"),
    ),
    "quality": ("code", "severity", "message", "count", "affects"),
}


def write_job_csv(job: JobAnalysis, folder: Path, *, raw: bool = False, force: bool = True) -> list[Path]:
    """One file for each table. Raises RunError when the folder cannot be written."""
    data = job_to_json(job)
    rows = {
        "ranks": data["ranks"],
        "collectives": [
            _with_rank(one, rank, ("wait_ns",)) for one in data["collectives"] for rank in one["wait_ns"]
        ],
        "steps": [_step(step, rank) for step in data["steps"] for rank in step["wall_ns"]],
        "summary": [{**run, **_cause(run)} for run in data["summary"]],
        "quality": data["quality"],
    }
    return write_texts(
        {
            f"{name}.csv": to_csv(header, [flatten_row(_pick(row, header)) for row in rows[name]], raw=raw)
            for name, header in HEADERS.items()
        },
        folder,
        force=force,
    )


def _pick(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _with_rank(row: Mapping[str, Any], rank: str, by_rank: Sequence[str]) -> dict[str, Any]:
    return {**row, "rank": int(rank), **{name: row[name][rank] for name in by_rank}}


def _step(step: Mapping[str, Any], rank: str) -> dict[str, Any]:
    flat = _with_rank(step, rank, ("wall_ns", "wait_ns", "collective_wait_ns"))
    return {
        **flat,
        **_cause(step),
        **{f"{layer}_ns": ns for layer, ns in step["layers"][rank].items() if layer != "wait"},
    }


def _cause(row: Mapping[str, Any]) -> dict[str, Any]:
    cause = row["cause"] or {}
    return {f"cause_{name}": cause.get(name) for name in ("range", "path", "layer", "excess_ns")}
