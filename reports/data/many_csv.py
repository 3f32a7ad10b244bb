"""The tables of many traces as CSV: a row for each range or kernel of each trace, raw values, empty for unknown."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from ...analysis.many.many_traces import ManyTraces
from ...analysis.many.trace_summary import KernelUse, RangeUse
from ...analysis.runs.writing import write_texts
from .csv_text import to_csv
from .trace_csv import flatten_row

HEADERS: dict[str, tuple[str, ...]] = {
    "traces": (
        *(
            "trace",
            "status",
            "reason",
            "sha256",
            "duration_ns",
            "device_ns",
            "attributed_ns",
            "unattributed_ns",
        ),
    ),
    "ranges": ("trace", "range", "path", "domain", *(field.name for field in fields(RangeUse))),
    "kernels": ("trace", "kernel", *(field.name for field in fields(KernelUse))),
}


def write_many_csv(many: ManyTraces, folder: Path, *, raw: bool = False, force: bool = True) -> list[Path]:
    """One file for each table. Raises RunError when the folder cannot be written."""
    data = many.to_json()
    names = [row["trace"] for row in data["traces"]]
    rows: dict[str, list[dict[str, Any]]] = {
        "traces": data["traces"],
        "ranges": [_join(one, use, names) for one in data["ranges"] for use in one["traces"]],
        "kernels": [_join(one, use, names) for one in data["kernels"] for use in one["traces"]],
    }
    texts = {
        f"{name}.csv": to_csv(HEADERS[name], map(flatten_row, table), raw=raw) for name, table in rows.items()
    }
    return write_texts(texts, folder, force=force)


def _join(one: dict[str, Any], use: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {**one, **use, "trace": names[use["trace"]]}
