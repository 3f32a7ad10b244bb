"""Samples as Nsight Systems exports them since 2023.4: a row of GPU_METRICS is one value of one metric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Ints, rows_where
from ..export.raw_tables import Table, read_parts
from ..sqlite.file import SqliteFile
from .gpu_samples import GpuSamples, figure_of, gather_samples

VALUES, NAMES = "GPU_METRICS", "TARGET_INFO_GPU_METRICS"

Part = tuple[Ints, NDArray[np.float64]]
"""Instants in order, each once, and (figures, instants) of values, NaN for none."""


def read_values(file: SqliteFile, schema: str) -> Iterator[GpuSamples]:
    """The samples of every device."""
    names = _metric_names(file)
    figures = {type_id: _choose_figures(known.names) for type_id, known in names.items()}
    parts = _read_parts(file, figures, schema)
    for type_id in sorted({type_id for part in parts for type_id in part}):
        known = names.get(type_id, _TypeNames())
        time, columns = _join_parts([part[type_id] for part in parts if type_id in part])
        values = dict(zip(figures.get(type_id, ()), columns, strict=True))
        metrics = tuple(dict.fromkeys(known.names.values()))
        yield from gather_samples(type_id, "GPU_METRICS", metrics, time, values, of_set=known.set)


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
