"""GPU metrics of Nsight Systems: samples of a whole device, taken at a fixed rate, in either layout of the export.

Since 2023.4 a row of GPU_METRICS holds one value and TARGET_INFO_GPU_METRICS its name; before, a row of GENERIC_EVENTS
holds one sample as JSON. Metric ids are not stable, so a metric is known by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Ints, rows_where
from ..sqlite.file import SqliteFile
from .raw_tables import Table, read_parts

Source = Literal["GPU_METRICS", "GENERIC_EVENTS"]

VALUES, NAMES, EVENTS, SOURCES, TYPES = (
    *("GPU_METRICS", "TARGET_INFO_GPU_METRICS"),
    *("GENERIC_EVENTS", "GENERIC_EVENT_SOURCES", "GENERIC_EVENT_TYPES"),
)

FIGURES: dict[str, re.Pattern[str]] = {
    "dram_read_pct": re.compile(r"DRAM Read (Bandwidth|Throughput)", re.IGNORECASE),
    "dram_write_pct": re.compile(r"DRAM Write (Bandwidth|Throughput)", re.IGNORECASE),
    "sm_active_pct": re.compile(r"SMs? Active", re.IGNORECASE),
    "sm_issue_pct": re.compile(r"SM Issue|SM Instructions?/?\s*(SM )?Issue", re.IGNORECASE),
    "warps_pct": re.compile(r"Compute Warps in Flight", re.IGNORECASE),
    "tensor_pct": re.compile(r"Tensor Active|SM Instructions?/?\s*Tensor Active", re.IGNORECASE),
}
"""How the names begin of what is shown; the metric sets of chips differ in the rest."""

UNIT = re.compile(r"\s*\[(?P<unit>[^\]]*)\]\s*$")

DEVICE_BITS = 0xFF

LEAST_SAMPLES = 2
"""One sample has no period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSamples:
    """The samples of one device, in the order of time; a sample covers the time since the one before."""

    device: int
    time_ns: Ints
    period_ns: float
    """The usual distance of samples."""
    values: dict[str, NDArray[np.float64]]
    """Percent by figure; NaN where a sample has no value. A figure that was not sampled is not there."""
    source: Source
    set: str | None = None
    names: tuple[str, ...] = ()
    """All metrics that were sampled, by their names, shown or not."""

    @property
    def gaps(self) -> int:
        """Places where samples are missing."""
        return int((np.diff(self.time_ns) > 1.5 * self.period_ns).sum())


def read_gpu_samples(file: SqliteFile, schema: str) -> tuple[GpuSamples, ...]:
    """The samples of every device, by device; empty where none were taken."""
    if VALUES in file.tables and NAMES in file.tables:
        return _read_values(file, schema)
    return _read_events(file) if EVENTS in file.tables else ()


def figure_of(name: str) -> str | None:
    """Which figure a metric is, if any; of one that comes in several units the percentage.

    >>> figure_of("DRAM Read Bandwidth [Throughput %]"), figure_of("Compute Warps in Flight [Avg]")
    ('dram_read_pct', None)
    >>> figure_of("SM Active"), figure_of("GR Active [Throughput %]")
    ('sm_active_pct', None)
    """
    unit = UNIT.search(name)
    if unit is not None and "%" not in unit["unit"]:
        return None
    return next((figure for figure, pattern in FIGURES.items() if pattern.match(name)), None)


def _read_values(file: SqliteFile, schema: str) -> tuple[GpuSamples, ...]:
    names = _metric_names(file)
    figures = {type_id: _choose_figures(known.names) for type_id, known in names.items()}
    found: list[GpuSamples] = []
    parts = _read_parts(file, figures, schema)
    for type_id in sorted({type_id for part in parts for type_id in part}):
        known = names.get(type_id, _TypeNames())
        draft = _Draft(device=type_id & DEVICE_BITS, source="GPU_METRICS", set=known.set)
        draft.names = tuple(dict.fromkeys(known.names.values()))
        time, values = _join_parts([part[type_id] for part in parts if type_id in part])
        draft.values = dict(zip(figures.get(type_id, ()), values, strict=True))
        found += draft.finish(time)
    return tuple(sorted(found, key=lambda samples: samples.device))


Part = tuple[Ints, NDArray[np.float64]]
"""Instants in order, each once, and (figures, instants) of values, NaN for none."""


def _choose_figures(names: dict[int, str]) -> dict[str, int]:
    """The metric of each figure: the first that is one."""
    found: dict[str, int] = {}
    for metric, name in names.items():
        figure = figure_of(name)
        if figure is not None:
            found.setdefault(figure, metric)
    return found


def _read_parts(file: SqliteFile, figures: dict[int, dict[str, int]], schema: str) -> list[dict[int, Part]]:
    """The samples of each type of event in each part of the table; the raw time is read where it must stand in."""
    both, kinds = {"timestamp", "rawTimestamp"} <= set(file.tables[VALUES]), ["typeId", "metricId"]
    either = "timestamp|rawTimestamp"

    def take(table: Table) -> dict[int, Part] | None:
        lacks = both and not table.has("rawTimestamp") and not table.known("timestamp").all()
        return None if lacks else _take_samples(table, figures)

    parts: list[dict[int, Part]] = []
    for time in ["timestamp", either] if both else [either]:
        found = read_parts(file, VALUES, [time, *kinds, "value"], take, folded=kinds, schema=schema)
        parts = [part for part in found if part is not None]
        if len(parts) == len(found):
            break
    return parts


def _take_samples(table: Table, figures: dict[int, dict[str, int]]) -> dict[int, Part]:
    """The samples of each type of event in some rows."""
    kinds, code = table.folded, table.folded.codes
    type_of, metric_of = kinds.values("typeId", 0), kinds.values("metricId", 0)
    named = kinds.known("typeId") & kinds.known("metricId")
    time, timed = table.values("timestamp", 0), table.known("timestamp")
    if table.has("rawTimestamp"):
        time = np.where(timed, time, table.values("rawTimestamp", 0))
        timed = timed | table.known("rawTimestamp")
    whole, value = timed & table.known("value"), table.values("value", 0)
    found: dict[int, Part] = {}
    for type_id in np.unique(type_of[named]).tolist():
        ours = named & (type_of == type_id)
        mine = rows_where(whole if ours.all() else whole & ours.take(code))
        place, at = _number_instants(time[mine])
        chosen = figures.get(type_id, {})
        slot_of = np.full(len(ours), -1, np.int8)
        for slot, metric in enumerate(chosen.values()):
            slot_of[ours & (metric_of == metric)] = slot
        slot = slot_of.take(code[mine])
        shown = np.flatnonzero(slot >= 0)
        values = np.full(len(chosen) * len(place), np.nan)
        values[slot[shown] * np.int64(len(place)) + at[shown]] = value[mine][shown]
        found[type_id] = place, values.reshape(len(chosen), len(place))
    return found


def _join_parts(parts: list[Part]) -> Part:
    """One of all; of two values of a figure at one instant the later row's."""
    time, to = _number_instants(np.concatenate([time for time, _ in parts]))
    joined = np.full((len(parts[0][1]), len(time)), np.nan)
    first = 0
    for part, values in parts:
        here = to[first : first + len(part)]
        joined[:, here] = np.where(np.isnan(values), joined[:, here], values)
        first += len(part)
    return time, joined


def _number_instants(time: Ints) -> tuple[Ints, Ints]:
    """The instants in order, each once, and which of them each time is; exports have them in order."""
    is_new = np.ones(len(time), np.bool_)
    np.not_equal(time[1:], time[:-1], out=is_new[1:])
    instants = time[np.flatnonzero(is_new)]
    if not (instants[1:] > instants[:-1]).all():
        return np.unique(time, return_inverse=True)
    return instants, np.cumsum(is_new, dtype=np.int32) - np.int32(1)


@dataclass(slots=True)
class _TypeNames:
    names: dict[int, str] = field(default_factory=dict)
    set: str | None = None


def _metric_names(file: SqliteFile) -> dict[int, _TypeNames]:
    columns = {"typeId", "metricId", "metricName"}
    if not columns <= set(file.tables[NAMES]):
        return {}
    name = "typeName" if "typeName" in file.tables[NAMES] else "NULL"
    found: dict[int, _TypeNames] = {}
    # In an order of its own, not that of the rows: of two metrics of one figure the first is taken.
    sql = f"SELECT typeId, metricId, metricName, {name} FROM {NAMES} ORDER BY 1, 2, 3, 4"
    for kind, metric, text, of_set in file.rows(sql):
        if isinstance(kind, int) and isinstance(metric, int) and isinstance(text, str):
            entry = found.setdefault(kind, _TypeNames())
            entry.names.setdefault(metric, text)
            entry.set = entry.set or (str(of_set) if of_set else None)
    return found


def _read_events(file: SqliteFile) -> tuple[GpuSamples, ...]:
    """Samples as JSON objects, as exports before 2023.4 have them; other sources' events are not of GPUs."""
    types = _metric_types(file)
    if not {"typeId", "data"} <= set(file.tables[EVENTS]) or not types:
        return ()
    times = [column for column in ("timestamp", "rawTimestamp") if column in file.tables[EVENTS]]
    if not times:
        return ()
    marks, order = ",".join("?" * len(types)), ", ".join([*times, "NULL"])
    sql = f"SELECT typeId, coalesce({order}) AS t, data FROM {EVENTS} WHERE typeId IN ({marks}) ORDER BY t"
    drafts: dict[int, _Draft] = {}
    for kind, time, data in file.rows(sql, sorted(types)):
        sample = _parse(data)
        if isinstance(time, int) and sample:
            draft = drafts.setdefault(
                kind, _Draft(device=kind & DEVICE_BITS, source="GENERIC_EVENTS", set=types[kind])
            )
            draft.add(time, sample)
    return tuple(
        sorted((one for draft in drafts.values() for one in draft.finish_events()), key=lambda s: s.device)
    )


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


@dataclass(slots=True, kw_only=True)
class _Draft:
    """Samples of one type of event, while they are read."""

    device: int
    source: Source
    set: str | None
    names: tuple[str, ...] = ()
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)
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

    def finish(self, time: Ints) -> Iterator[GpuSamples]:
        """The samples, if they are enough to have a period."""
        if len(time) >= LEAST_SAMPLES:
            yield GpuSamples(
                device=self.device,
                time_ns=time,
                period_ns=float(np.median(np.diff(time))),
                values=self.values,
                source=self.source,
                set=self.set,
                names=self.names,
            )

    def finish_events(self) -> Iterator[GpuSamples]:
        """The samples that were added, one for each instant."""
        time, first = np.unique(np.array(self.times, np.int64), return_index=True)
        figures = {figure for row in self.rows for figure in row}
        self.values = {
            figure: np.array([self.rows[at].get(figure, np.nan) for at in first]) for figure in figures
        }
        yield from self.finish(time)


def _number(value: object) -> float | None:
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
