"""What repeats in a trace, and what samples of its GPU say, as rows of CSV files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.trace_steps import StepRow
from ...analysis.evidence.metric_rows import KernelMetrics, RangeMetrics
from ...analysis.evidence.metrics import Figures
from ...analysis.plain import written_fields
from ...analysis.words import LAYERS

_STEP = ("range", "path", "domain")

_OF_STEP = ("instances", "warm_up", "skip", "median_ns", "clock", "hiccups", "sharing")

_LAYERS = tuple(f"{layer}_ns" for layer in LAYERS)

Record = Mapping[str, Any]


def _metric_names(record: type) -> tuple[str, ...]:
    own = [name for name in written_fields(record) if name != "figures"]
    return (*own, *written_fields(Figures))


HEADERS: dict[str, tuple[str, ...]] = {
    "steps": (
        *_STEP,
        *_OF_STEP,
        *("low_ns", "high_ns"),
        *_LAYERS,
    ),
    "step_parts": (*_STEP, "part", "part_domain", "instances", "ns", *_LAYERS),
    "step_times": (*_STEP, "instance", "ns"),
    "range_metrics": _metric_names(RangeMetrics),
    "kernel_metrics": _metric_names(KernelMetrics),
}


def _steps(analysis: Analysis) -> Iterator[Record]:
    for row in analysis.steps:
        low, high = row.interval_ns or (None, None)
        own = {name: getattr(row, name) for name in _OF_STEP}
        yield {**_name(row), **own, "low_ns": low, "high_ns": high, **_spell(row.layers)}


def _parts(analysis: Analysis) -> Iterator[Record]:
    """The rest of a step is a part without a name."""
    for row in analysis.steps:
        for part in row.parts:
            own = {"part": part.range, "part_domain": part.domain, "instances": part.instances, "ns": part.ns}
            yield {**_name(row), **own, **_spell(part.layers)}


def _times(analysis: Analysis) -> Iterator[Record]:
    """Counted from 1 with those that were set aside, which have no row."""
    for row in analysis.steps:
        for at, ns in enumerate(row.times_ns, row.warm_up + 1):
            yield {**_name(row), "instance": at, "ns": ns}


def _name(row: StepRow) -> dict[str, Any]:
    return {"range": row.range, "path": list(row.path), "domain": row.domain}


def _spell(layers: Mapping[str, float]) -> dict[str, float | None]:
    return {f"{layer}_ns": layers.get(layer) for layer in LAYERS}


ROWS: dict[str, Callable[[Analysis], Iterator[Record]]] = {
    "steps": _steps,
    "step_parts": _parts,
    "step_times": _times,
    "range_metrics": lambda analysis: (row.to_json() for row in analysis.metrics.ranges),
    "kernel_metrics": lambda analysis: (row.to_json() for row in analysis.metrics.kernels),
}
"""The tables' rows, as records with the names of their header."""
