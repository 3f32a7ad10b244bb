"""The tables of an analysis as CSV files: raw values, full names, empty cells for unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ...analysis.attribution.paths import PathName
from ...analysis.breakdown.analyze import KERNEL_FIELDS, WINDOW_FIELDS, Analysis
from ...analysis.breakdown.kernels import FILL
from ...analysis.breakdown.rows import CopyRow, Launch, RangeKernelRow, RangeRow
from ...analysis.breakdown.window_rows import OwnedTime
from ...analysis.runs.writing import refuse_existing, write_texts
from ...analysis.words import QualityNote
from .csv_text import to_csv

PATH_SEPARATOR = " / "

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
"""The tables and their columns."""

CHILDREN = {"owners": ("windows", IDENTITY, "owner_"), "launches": ("kernels", ("kernel", "device"), "")}
"""Lists in the rows of another table, what of those identifies them, and how their own columns begin."""


def write_analysis_csv(
    analysis: Analysis, folder: Path, *, raw: bool = False, force: bool = True
) -> list[Path]:
    """One file for each table, and owners.csv and launches.csv for the lists in them.

    Raises RunError when the folder cannot be written, or without ``force`` has one of them.
    """
    refuse_existing((folder / f"{name}.csv" for name in HEADERS), force=force)
    written: list[Path] = []
    for name, header in HEADERS.items():
        text = to_csv(_columns(analysis, name, header), map(flatten_row, _rows(analysis, name)), raw=raw)
        written += write_texts({f"{name}.csv": text}, folder)
    return written


def _rows(analysis: Analysis, name: str) -> Iterator[Mapping[str, Any]]:
    """A table's rows, one after the other: all at once would not fit where there are a million windows."""
    if name in CHILDREN:
        table, identity, prefix = CHILDREN[name]
        yield from _children(analysis.rows(table), name, identity, prefix)
    else:
        yield from analysis.rows(name)


def _columns(analysis: Analysis, name: str, header: tuple[str, ...]) -> list[str]:
    """The columns of a table; kinds of copies are columns of windows."""
    if name != "windows":
        return list(header)
    kinds = dict.fromkeys(kind for row in analysis.copies for kind in [row.kind] if kind != FILL)
    return [*header, *(f"memcpy_kinds_{kind}" for kind in kinds)]


def _children(
    parents: Iterable[Mapping[str, Any]], name: str, identity: Sequence[str], prefix: str
) -> Iterator[dict[str, Any]]:
    for parent in parents:
        own = {key: parent[key] for key in identity}
        for child in parent[name]:
            yield {**own, **{f"{prefix}{key}": value for key, value in child.items()}}


def flatten_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record with lists joined to a text, and a key for each key of an object in it."""
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
