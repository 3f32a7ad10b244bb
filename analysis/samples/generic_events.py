"""Samples as Nsight Systems exports them before 2023.4: a row of GENERIC_EVENTS is one sample, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..sqlite.file import SqliteFile
from .gpu_samples import GpuSamples, figure_of, gather_samples

EVENTS, SOURCES, TYPES = "GENERIC_EVENTS", "GENERIC_EVENT_SOURCES", "GENERIC_EVENT_TYPES"


def read_events(file: SqliteFile) -> Iterator[GpuSamples]:
    """The samples of every device; other sources' events are not of GPUs."""
    types = _metric_types(file)
    if not {"typeId", "data"} <= set(file.tables[EVENTS]) or not types:
        return
    times = [column for column in ("timestamp", "rawTimestamp") if column in file.tables[EVENTS]]
    if not times:
        return
    marks, order = ",".join("?" * len(types)), ", ".join([*times, "NULL"])
    sql = f"SELECT typeId, coalesce({order}) AS t, data FROM {EVENTS} WHERE typeId IN ({marks}) ORDER BY t"
    drafts: dict[int, _Draft] = {}
    for kind, time, data in file.rows(sql, sorted(types)):
        sample = _parse(data)
        if isinstance(time, int) and sample:
            drafts.setdefault(kind, _Draft()).add(time, sample)
    for kind, draft in drafts.items():
        yield from draft.finish(kind, types[kind])


@dataclass(slots=True)
class _Draft:
    """Samples of one type of event, while they are read."""

    names: tuple[str, ...] = ()
    times: list[int] = field(default_factory=list)
    rows: list[dict[str, float]] = field(default_factory=list)

    def add(self, time: int, sample: dict[str, Any]) -> None:
        """One sample; it may also name metrics without a value."""
        if not self.names:
            self.names = tuple(sample)
        figures: dict[str, float] = {}
        for name, value in sample.items():
            figure, number = figure_of(name), _number(value)
            if figure is not None and number is not None:
                figures.setdefault(figure, number)
        self.times.append(time)
        self.rows.append(figures)

    def finish(self, type_id: int, of_set: str | None) -> Iterator[GpuSamples]:
        """The samples that were added, one for each instant."""
        time, first = np.unique(np.array(self.times, np.int64), return_index=True)
        figures = {figure for row in self.rows for figure in row}
        values = {figure: np.array([self.rows[at].get(figure, np.nan) for at in first]) for figure in figures}
        return gather_samples(type_id, "GENERIC_EVENTS", self.names, time, values, of_set=of_set)


def _metric_types(file: SqliteFile) -> dict[int, str | None]:
    """Types of events that are GPU metrics, with their set's name."""
    sources = {
        id
        for id, text in _described(file, SOURCES, "sourceId")
        if str(_parse(text).get("Name", "")).replace(" ", "").casefold() == "gpumetrics"
    }
    if "sourceId" not in file.tables.get(TYPES, ()):
        return {}
    data = "data" if "data" in file.tables[TYPES] else "NULL"
    rows = file.rows(f"SELECT typeId, sourceId, {data} FROM {TYPES}")
    return {
        kind: str(name) if (name := _parse(text).get("Name")) else None
        for kind, source, text in rows
        if isinstance(kind, int) and source in sources
    }


def _described(file: SqliteFile, table: str, key: str) -> list[tuple[Any, ...]]:
    if not {key, "data"} <= set(file.tables.get(table, ())):
        return []
    return file.rows(f"SELECT {key}, data FROM {table}")


def _parse(text: object) -> dict[str, Any]:
    if not isinstance(text, str):
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
