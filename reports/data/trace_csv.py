"""The tables of an analysis as CSV files: raw values, full names, empty cells for unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ...analysis.attribution.paths import PathName
from ...analysis.breakdown.analyze import KERNEL_FIELDS, WINDOW_FIELDS, Analysis
from ...analysis.breakdown.rows import CopyRow, Launch, RangeKernelRow, RangeRow
from ...analysis.breakdown.window_rows import OwnedTime
from ...analysis.runs.writing import write_texts
from ...analysis.words import QualityNote

PATH_SEPARATOR = " / "

TABLES = ("windows", "ranges", "range_kernels", "kernels", "copies", "quality")

IDENTITY = ("range", "path", "domain", "pid", "tid", "instance", "device")


def _names(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


HEADERS: dict[str, tuple[str, ...]] = {
    "windows": (*_names(PathName), "instance", "payload", "device", "kind", "start_ns", *WINDOW_FIELDS),
    "owners": (*IDENTITY, *(f"owner_{name}" for name in _names(OwnedTime))),
    "ranges": _names(RangeRow),
    "range_kernels": _names(RangeKernelRow),
    "kernels": tuple(name for name in KERNEL_FIELDS if name != "launches"),
    "launches": ("kernel", "device", *_names(Launch)),
    "copies": _names(CopyRow),
    "quality": _names(QualityNote),
}
"""The columns of a table without rows."""


def write_analysis_csv(analysis: Analysis, folder: Path) -> list[Path]:
    """One file for each table, and owners.csv and launches.csv for the lists in them.

    Raises RunError when the folder cannot be written.
    """
    data = analysis.to_json()
    rows: dict[str, list[dict[str, Any]]] = {name: list(data[name]) for name in TABLES}
    rows["owners"] = _children(rows["windows"], "owners", IDENTITY, prefix="owner_")
    rows["launches"] = _children(rows["kernels"], "launches", ("kernel", "device"))
    return write_texts({f"{name}.csv": to_csv(table, HEADERS[name]) for name, table in rows.items()}, folder)


def to_csv(rows: Sequence[Mapping[str, Any]], header: Sequence[str] = ()) -> str:
    """Plain records as CSV; lists are joined, objects get a column for each key. No rows are still a header."""
    import pandas as pd

    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row)) or list(header)
    return pd.DataFrame(flat, columns=columns, dtype=object).to_csv(index=False)


def _children(
    parents: Sequence[Mapping[str, Any]], name: str, identity: Sequence[str], prefix: str = ""
) -> list[dict[str, Any]]:
    return [
        {**{key: parent[key] for key in identity}, **{f"{prefix}{key}": v for key, v in child.items()}}
        for parent in parents
        for child in parent[name]
    ]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key in ("owners", "launches"):
            continue
        if isinstance(value, dict):
            flat |= {f"{key}_{name}": item for name, item in value.items()}
        elif isinstance(value, list):
            separator = "x" if key in ("grid", "block") else PATH_SEPARATOR
            flat[key] = separator.join(str(item) for item in value)
        else:
            flat[key] = value
    return flat
