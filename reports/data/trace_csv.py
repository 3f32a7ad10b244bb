"""The tables of an analysis as CSV files: raw values, full names, empty cells for unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...analysis.attribution.paths import PathName
from ...analysis.breakdown.analyze import (
    KERNEL_FIELDS,
    OWNER_FIELDS,
    WINDOW_FIELDS,
    Analysis,
    read_times,
)
from ...analysis.breakdown.kernels import FILL
from ...analysis.breakdown.rows import CopyRow, Launch, RangeKernelRow, RangeRow
from ...analysis.plain import written_fields
from ...analysis.runs.writing import encode_text, make_folder, refuse_existing, write_draft, write_file
from ...analysis.words import QualityNote, known_device
from . import step_csv
from .csv_text import CsvWriter, to_csv

PATH_SEPARATOR = " / "


HEADERS: dict[str, tuple[str, ...]] = {
    "windows": (
        *written_fields(PathName),
        *("instance", "payload", "device", "kind", "start_ns"),
        *WINDOW_FIELDS,
    ),
    "owners": (
        *written_fields(PathName),
        *("instance", "device"),
        *(f"owner_{name}" for name in OWNER_FIELDS),
    ),
    "ranges": written_fields(RangeRow),
    "range_kernels": written_fields(RangeKernelRow),
    "kernels": tuple(name for name in KERNEL_FIELDS if name != "launches"),
    "launches": ("kernel", "device", *written_fields(Launch)),
    "copies": written_fields(CopyRow),
    "quality": written_fields(QualityNote),
    **step_csv.HEADERS,
}
"""The tables and their columns."""

_KNOWN_PATHS = 1 << 12
"""Paths that are spelled once: a window's owners are mostly those of the one before it."""


def write_analysis_csv(
    analysis: Analysis, folder: Path, *, raw: bool = False, force: bool = True
) -> list[Path]:
    """One file for each table, and owners.csv and launches.csv for the lists in them.

    Raises RunError when the folder cannot be written, or without ``force`` has one of them.
    """
    paths = [folder / f"{name}.csv" for name in HEADERS]
    refuse_existing(paths, force=force)
    make_folder(folder)
    _write_windows(analysis, *paths[:2], raw=raw)
    for path in paths[2:]:
        header = HEADERS[path.stem]
        write_file(path, encode_text(to_csv(header, map(flatten_row, _rows(analysis, path.stem)), raw=raw)))
    return paths


def _write_windows(analysis: Analysis, windows: Path, owners: Path, *, raw: bool) -> None:
    """Windows with their owners, one after the other: a trace may have a million, which would not fit as text."""
    kinds = list(dict.fromkeys(row.kind for row in analysis.copies if row.kind != FILL))
    columns = [*HEADERS["windows"], *(f"memcpy_kinds_{kind}" for kind in kinds)]
    spell = lru_cache(_KNOWN_PATHS)(PATH_SEPARATOR.join)
    with write_draft(windows) as out, write_draft(owners) as others:
        table, owned = CsvWriter(out, columns, raw=raw), CsvWriter(others, HEADERS["owners"], raw=raw)
        for row in analysis.windows:
            name, device = row.name, None if row.device is None else known_device(row.device)
            who = (name.range, spell(name.path), name.domain, name.pid, name.tid, row.instance)
            times = (*read_times(row.times), *map(row.memcpy_kinds.get, kinds))
            table.write((*who, row.payload, device, row.kind, row.start_ns, *times))
            for one in row.owners:
                of = one.name
                owned.write((*who, device, spell(of.path), of.domain, one.layer, one.ns, one.attribution))


def _rows(analysis: Analysis, name: str) -> Iterator[Mapping[str, Any]]:
    """A table's rows, but for windows and their owners."""
    if name in step_csv.ROWS:
        return step_csv.ROWS[name](analysis)
    return _launches(analysis.rows("kernels")) if name == "launches" else analysis.rows(name)


def _launches(kernels: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for kernel in kernels:
        for launch in kernel["launches"]:
            yield {"kernel": kernel["kernel"], "device": kernel["device"], **launch}


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
