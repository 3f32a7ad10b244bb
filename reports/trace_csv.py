"""The tables of an analysis as CSV files: raw values, full names, empty cells for unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..analysis.analyze import Analysis
from .publish import write_texts

PATH_SEPARATOR = " / "
TABLES = ("windows", "ranges", "range_kernels", "kernels", "copies", "quality")


def write_analysis_csv(analysis: Analysis, folder: Path) -> list[Path]:
    """One file for each table, and owners.csv and launches.csv for the lists in them.

    Raises RunError when the folder cannot be written.
    """
    data = analysis.to_json()
    rows: dict[str, list[dict[str, Any]]] = {name: list(data[name]) for name in TABLES}
    identity = ("range", "path", "domain", "pid", "tid", "instance", "device")
    rows["owners"] = _children(rows["windows"], "owners", identity, prefix="owner_")
    rows["launches"] = _children(rows["kernels"], "launches", ("kernel", "device"))
    return write_texts({f"{name}.csv": to_csv(table) for name, table in rows.items()}, folder)


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Plain records as CSV; lists are joined, objects get a column for each key."""
    import pandas as pd

    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
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
