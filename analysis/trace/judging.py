"""What is wrong with a trace as a whole, judged once when it has been read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..arithmetic.arrays import Codes, ints
from ..export.calls import GRAPH_LAUNCH, LAUNCHING_KERNELS, names_like
from ..export.devices import Device
from ..export.metadata import Metadata, is_newer
from ..words import BUSY_LAYERS, QualityNote
from .diagnostics import judge_diagnostics
from .outlasting import Outlasting
from .overlaps import Overlaps, Repeats
from .quality import count_notes, note, sort_notes

UNIFIED_MEMORY = (11, 12, 13)

DOUBTFUL_CLOCK_NS = 10_000
"""What a launch takes from Python, about: with clocks further apart, a call may seem to lie in a neighbouring range."""

_MOST_OF_NAME = 60
"""Characters of a name that a note has."""

REQUESTS = {
    "missing_kernels": ("kernel", LAUNCHING_KERNELS),
    "missing_copies": ("memcpy", re.compile(r"cu(da)?Memcpy")),
    "missing_fills": ("memset", re.compile(r"cu(da)?Memset")),
}
"""What calls ask the device for, by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What reading had to leave out or guess."""

    has_calls: bool
    has_contexts: bool = False
    """Whether a CUDA context was made, which takes calls."""
    dropped: dict[str, int] = field(default_factory=dict)
    overlaps: Overlaps | None = None
    outlasting: Outlasting | None = None
    repeats: Repeats | None = None
    impossible: dict[str, int] = field(default_factory=dict)
    """Code -> values that cannot be and were read as missing."""
    dropped_calls: int = 0
    dropped_ranges: int = 0
    foreign: int = 0
    unknown: int = 0
    unnamed: int = 0
    wordless: int = 0
    lacking: tuple[str, ...] = ()
    doubtful: int = 0
    unplaced_waits: int = 0
    """Calls that make some stream wait for an event."""
    lost_domains: int = 0
    nameless_domains: int = 0
    described: bool = True
    stand_ins: int = 0
    """Threads whose numbers stand for handles."""


def judge_trace(
    metadata: Metadata,
    activities: pd.DataFrame,
    copies: pd.DataFrame,
    calls: pd.DataFrame,
    ranges: pd.DataFrame,
    names: tuple[str, ...],
    devices: tuple[Device, ...],
    counted: Counted,
    lost: Sequence[QualityNote] = (),
) -> tuple[QualityNote, ...]:
    """All notes on a trace, errors first."""
    notes = [
        *_judge_diagnostics(metadata, activities, ranges),
        *_judge_export(metadata, activities, ranges, counted),
        *_judge_joins(activities, copies, calls, counted.has_calls),
        *_judge_graphs(activities, calls, names),
        *_judge_missing_work(activities, calls, names),
        *_judge_devices(activities, devices, described=counted.described),
        *lost,
    ]
    if counted.overlaps is not None and len(counted.overlaps.rows):
        detail = f"{counted.overlaps.others} others of their streams ran meanwhile"
        notes.append(note("overlapping_records", len(counted.overlaps.rows), detail))
    if counted.overlaps is not None and len(counted.overlaps.everywhere):
        notes.append(note("overlapping_streams", len(counted.overlaps.everywhere)))
    if counted.outlasting is not None and (late := len(counted.outlasting.rows) + counted.outlasting.kept):
        detail = f"{len(counted.outlasting.rows)} left out, {counted.outlasting.kept} kept for being so many"
        notes.append(note("outlasting_records", late, detail))
    if counted.repeats is not None and (again := len(counted.repeats.rows) + counted.repeats.kept):
        detail = f"{len(counted.repeats.rows)} left out, {counted.repeats.kept} kept for being so many"
        notes.append(note("repeated_records", again, detail))
    notes += count_notes(counted.impossible)
    if counted.dropped:
        detail = ", ".join(f"{count} {layer}" for layer, count in counted.dropped.items())
        notes.append(note("impossible_times", sum(counted.dropped.values()), detail))
    if counted.lost_domains and not any(one.code == "nvtx_incompatible" for one in notes):
        notes.append(note("nvtx_incompatible", counted.lost_domains))  # of which the profiler did not tell
    if counted.lacking:
        notes.append(note("missing_columns", len(counted.lacking), ", ".join(counted.lacking)))
    notes += count_notes(
        {
            "impossible_call_times": counted.dropped_calls,
            "impossible_range_times": counted.dropped_ranges,
            "bad_values": counted.foreign,
            "missing_values": counted.unknown,
            "missing_names": counted.unnamed,
            "missing_messages": counted.wordless,
            "duplicate_correlation": counted.doubtful,
            "stream_uncertain": counted.unplaced_waits,
            "nameless_domain": counted.nameless_domains,
        }
    )
    notes += _judge_open(ranges, names)
    return sort_notes(notes)


def _judge_open(ranges: pd.DataFrame, names: tuple[str, ...]) -> list[QualityNote]:
    """Ranges that never closed, and the last of them to begin: there a program was when it was ended."""
    rows = np.flatnonzero(ints(ranges, "open"))
    if not len(rows):
        return []
    last = rows[np.argmax(ints(ranges, "start_ns")[rows])]
    name = int(ints(ranges, "name")[last])
    detail = f"the last of them to begin is {names[name][:_MOST_OF_NAME]}" if name >= 0 else ""
    return [note("open_ranges", len(rows), detail)]


def _judge_diagnostics(
    metadata: Metadata, activities: pd.DataFrame, ranges: pd.DataFrame
) -> list[QualityNote]:
    """What the profiler said; that *a* process has no CUDA events or ranges is no loss where others have them."""
    others = {
        "cuda_not_recorded": "processes_without_cuda" if len(activities) else None,
        "nvtx_not_recorded": "processes_without_ranges" if len(ranges) else None,
    }
    return [
        note(code, one.count) if (code := others.get(one.code)) else one
        for one in judge_diagnostics(metadata.diagnostics)
    ]


def _judge_export(
    metadata: Metadata, activities: pd.DataFrame, ranges: pd.DataFrame, counted: Counted
) -> list[QualityNote]:
    facts = {
        "embedded_recorder": metadata.recorder == "embedded" and metadata.device_recorder is None,
        "kineto_recorder": metadata.recorder == "kineto",
        "stand_in_threads": counted.stand_ins,
        "partial_export": metadata.partial,
        "schema_newer": is_newer(metadata.schema),
        "schema_unknown": metadata.schema is None,
        "missing_duration": metadata.duration_ns is None and metadata.recorder == "nsys",
        "missing_calls": (len(activities) > 0 or counted.has_contexts) and not counted.has_calls,
        "missing_ranges": not len(ranges),
        "missing_device_work": not len(activities),
    }
    return [*count_notes({code: int(fact) for code, fact in facts.items()}), *_judge_clocks(metadata)]


def _judge_clocks(metadata: Metadata) -> list[QualityNote]:
    """What is to know where ranges are of one recorder and device work of another."""
    if metadata.device_recorder is None:
        return []
    residual = metadata.clock_residual_ns
    detail = "" if residual is None else f"their clocks agree within {residual / 1000:.1f} µs"
    doubtful = residual is None or residual > DOUBTFUL_CLOCK_NS
    return [note("torch_activity", 1, detail), *([note("clock_residual", 1, detail)] if doubtful else [])]


def _judge_joins(
    activities: pd.DataFrame, copies: pd.DataFrame, calls: pd.DataFrame, has_calls: bool
) -> list[QualityNote]:
    call = ints(activities, "call")
    unified = find_unified_memory(activities, copies)
    joined = call >= 0
    early = int((ints(activities, "start_ns")[joined] < ints(calls, "start_ns")[call[joined]]).sum())
    unmatched = int((~joined).sum()) - len(unified)
    return count_notes(
        {
            "unified_memory": len(unified),
            "unmatched_activity": unmatched if has_calls else 0,
            "starts_before_call": early,
            "unknown_process": int((ints(activities, "process") < 0).sum()),
        }
    )


def find_unified_memory(activities: pd.DataFrame, copies: pd.DataFrame) -> Codes:
    """Rows of activities that are migrations of unified memory: they have no call."""
    rows = ints(copies, "activity")
    migrations = np.isin(ints(copies, "copy_kind"), UNIFIED_MEMORY) & (ints(activities, "call")[rows] < 0)
    return rows[migrations].astype(np.int32)


def _judge_graphs(activities: pd.DataFrame, calls: pd.DataFrame, names: tuple[str, ...]) -> list[QualityNote]:
    whole = int((ints(activities, "layer") == BUSY_LAYERS.index("graph")).sum())
    if whole:
        return [note("graph_mode", whole)]
    launches = np.flatnonzero(names_like(names, GRAPH_LAUNCH)[ints(calls, "name")])
    working = np.zeros(len(calls) + 1, np.bool_)
    working[ints(activities, "call")] = True
    lost = len(launches) > 0 and not working[launches].any()
    return [note("graphs_not_recorded", len(launches))] if lost else []


def _judge_missing_work(
    activities: pd.DataFrame, calls: pd.DataFrame, names: tuple[str, ...]
) -> list[QualityNote]:
    """Layers of which there is not one record although calls asked for them."""
    layer, called = ints(activities, "layer"), ints(calls, "name")
    if (layer == BUSY_LAYERS.index("graph")).any():
        return []  # launches and copies may all have been captured
    return count_notes(
        {
            code: int(names_like(names, pattern)[called].sum())
            for code, (kind, pattern) in REQUESTS.items()
            if not (layer == BUSY_LAYERS.index(kind)).any()
        }
    )


def _judge_devices(
    activities: pd.DataFrame, devices: tuple[Device, ...], *, described: bool
) -> list[QualityNote]:
    if not len(activities):
        return []
    if not described:
        return [note("missing_device_info")]
    return count_notes({"device_uncertain": sum(not d.certain for d in devices)})
