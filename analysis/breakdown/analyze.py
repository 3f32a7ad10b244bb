# pyright: strict
"""Everything one trace says: windows, ranges, kernels, copies, and how far to believe them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..arithmetic.arrays import Ints, distinct, ints
from ..attribution.attribution import Attribution
from ..attribution.folding import fold_ranges
from ..attribution.nearest import tell_nearest
from ..attribution.paths import MOST_LEVELS
from ..attribution.steady_instances import Instances
from ..evidence.judging import judge_metrics
from ..evidence.metric_rows import TraceMetrics, measure_metrics
from ..export.identity import pid_of
from ..labelling.labelled import Labelled, label_trace
from ..plain import to_plain
from ..trace.digest import Digest
from ..trace.open import Announce, find_trace, open_trace_file
from ..trace.quality import count_notes, note, sort_notes
from ..trace.reading import read_opened
from ..trace.split_export import count_cores
from ..trace.trace import Trace
from ..words import BUSY_LAYERS, FORMAT, LAYERS, GraphRanges, QualityNote, WindowClock, known_device
from .asked import refuse_clock_alone
from .kernels import copy_rows, kernel_rows
from .queue import measure_queue
from .range_costs import measure_ranges
from .rows import CopyRow, KernelRow, RangeKernelRow, RangeRow
from .trace_steps import StepRow, find_steps, judge_skip
from .window_cuts import count_outside, count_unlisted, match_ranges, range_windows, trace_windows
from .window_rows import WindowRow, Windows

STEADY = Instances()

MOST_FOLDED = 3
"""Names that a note tells of those that were folded."""

WINDOW_FIELDS = ("wall_ns", "busy_ns", "idle_ns", *(f"{layer}_ns" for layer in LAYERS), "compute_ns")

read_times = attrgetter(*WINDOW_FIELDS)
"""The values of WINDOW_FIELDS of some WindowTimes."""

OWNER_FIELDS = ("path", "domain", "layer", "ns", "attribution")

_OWNED = attrgetter("name.path", "name.domain", "layer", "ns", "attribution")

KERNEL_FIELDS = (
    "kernel",
    "device",
    "instances",
    "total_ns",
    "median_ns",
    "min_ns",
    "max_ns",
    "launch_call_median_ns",
    "queue_median_ns",
    "stream_wait_median_ns",
    "latency_median_ns",
    "launches",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What `flopprof analyze` shows."""

    trace: Trace
    attribution: Attribution
    quality: tuple[QualityNote, ...]
    device_ns: int
    attributed_ns: int
    windows: Windows
    ranges: tuple[RangeRow, ...]
    range_kernels: tuple[RangeKernelRow, ...]
    kernels: tuple[KernelRow, ...]
    copies: tuple[CopyRow, ...]
    steps: tuple[StepRow, ...] = ()
    """What repeats, by its steady instances."""
    metrics: TraceMetrics = field(default_factory=TraceMetrics)
    """What samples of the GPU say of ranges and kernels."""
    sha256: str | None = None
    """Digest of the file as it lies on the disk; None for a trace that was not read from one, or that has gone."""

    @property
    def unattributed_ns(self) -> int:
        """Device time that no range owns."""
        return self.device_ns - self.attributed_ns

    def to_json(self) -> dict[str, Any]:
        """The document of ``analyze --json``; every key is always there, unknown is None."""
        return {
            name: list(cast("Iterator[Any]", value)) if isinstance(value, Iterator) else value
            for name, value in self.parts()
        }

    def parts(self) -> Iterator[tuple[str, Any]]:
        """The same, key by key; tables are iterators, so that of a million rows only one is there at a time."""
        yield "flopprof", FORMAT
        yield "trace", _describe_trace(self.trace, self.sha256)
        yield "devices", _describe_devices(self.trace)
        yield "quality", to_plain(self.quality)
        yield "device_ns", self.device_ns
        yield "attributed_ns", self.attributed_ns
        yield "unattributed_ns", self.unattributed_ns
        for name in ("windows", "ranges", "range_kernels", "kernels", "copies", "steps"):
            yield name, self.rows(name)
        yield "device_metrics", _describe_metrics(self.metrics)
        yield "range_metrics", [row.to_json() for row in self.metrics.ranges]
        yield "kernel_metrics", [row.to_json() for row in self.metrics.kernels]

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of a table as plain records."""
        describe = {"windows": _describe_window, "kernels": partial(_pick, names=KERNEL_FIELDS)}
        return map(describe.get(table, to_plain), getattr(self, table))


def analyze_trace(
    trace: Trace,
    *,
    range_glob: str | None = None,
    domains: Sequence[str] | None = None,
    window: WindowClock = "host",
    graph_ranges: GraphRanges = "launch",
    wanted: Instances = STEADY,
) -> Analysis:
    """Analyse a trace.

    `range_glob` makes a window of every instance of the ranges it matches, on the host's clock or on the
    device's (see windows.device_windows); without it there is one window, the whole trace. `domains` are those
    whose ranges own work, by default all but libraries'. `graph_ranges` is where nodes of CUDA graphs belong;
    `wanted` are the instances that steps are measured by, and whether counters in names are folded.
    """
    folded = None if wanted.exact_names else fold_ranges(trace)
    trace = trace if folded is None else folded.trace
    with ThreadPoolExecutor(1) as pool:  # no more than two at a time, for each needs memory of its own
        making_kernels = pool.submit(lambda: kernel_rows(trace, _every_row(trace), measure_queue(trace)))
        labelled = label_trace(trace, domains, graph_ranges=graph_ranges)
        attribution, paths, names = labelled.attribution, labelled.paths, labelled.names
        making_ranges = pool.submit(measure_ranges, trace, attribution, paths, names)
        windows, notes = _cut_windows(labelled, range_glob, domains, window)
        steps = find_steps(labelled, wanted)
        metrics = measure_metrics(trace, attribution, paths)
        copies = copy_rows(trace, _every_row(trace), attribution.kind)
        kernels, costs = making_kernels.result(), making_ranges.result()
    counts = {
        "deep_ranges": int((ints(trace.ranges, "depth") >= MOST_LEVELS).sum()),
        "kernels_not_listed": costs.kernels_left_out,
        "owners_not_listed": count_unlisted(windows),
    }
    found = [*trace.quality, *attribution.quality, *notes, *_judge_domains(trace, domains or ())]
    found += _tell_folded({} if folded is None else folded.examples)
    found += [*judge_metrics(trace, metrics), *judge_skip(steps, wanted.skip)]
    duration = ints(trace.activities, "end_ns") - ints(trace.activities, "start_ns")
    return Analysis(
        trace=trace,
        attribution=attribution,
        quality=sort_notes([*found, *count_notes(counts)]),
        device_ns=int(duration.sum()),
        attributed_ns=int(duration[attribution.owner >= 0].sum()),
        windows=windows,
        ranges=costs.ranges,
        range_kernels=costs.kernels,
        kernels=kernels,
        copies=copies,
        steps=steps,
        metrics=metrics,
    )


def _every_row(trace: Trace) -> Ints:
    return np.arange(len(trace.activities))


def analyze_file(
    path: Path,
    *,
    range_glob: str | None = None,
    domains: Sequence[str] | None = None,
    window: WindowClock = "host",
    graph_ranges: GraphRanges = "launch",
    wanted: Instances = STEADY,
    announce: Announce | None = None,
    digest: Digest | None = None,
    opened: Path | None = None,
) -> Analysis:
    """Analyse any file that holds a trace (sqlite, packed, .nsys-rep, .qdstrm), or a run's only one. Raises TraceError.

    `digest` is the file's own, and `opened` what `open_trace_file` gave of it, where those were begun elsewhere.
    """
    refuse_clock_alone(path, range_glob, window)
    path = find_trace(path)
    digest = digest or Digest(path)
    opening = open_trace_file(path, announce=announce, cores=count_cores())
    with opening if opened is None else nullcontext(opened) as plain:
        analysis = analyze_trace(
            read_opened(plain, path),
            range_glob=range_glob,
            domains=domains,
            window=window,
            graph_ranges=graph_ranges,
            wanted=wanted,
        )
        return replace(analysis, sha256=digest.result())


def _cut_windows(
    labelled: Labelled, glob: str | None, domains: Sequence[str] | None, kind: WindowClock
) -> tuple[Windows, list[QualityNote]]:
    if glob is None:
        return trace_windows(labelled), []
    rows = match_ranges(labelled.trace, glob, domains)
    if not len(rows):
        nearest = tell_nearest(labelled.trace, glob, domains)
        return Windows(), [note("range_not_found", detail="; ".join(filter(None, (glob, nearest))))]
    outside = count_outside(labelled, rows) if kind == "host" else 0
    return range_windows(labelled, rows, kind), count_notes({"work_outside_window": outside})


def _judge_domains(trace: Trace, domains: Sequence[str]) -> list[QualityNote]:
    """A note for every domain asked for that has no range: a misspelt one would leave all work unattributed."""
    found = {trace.name(code) for code in distinct(ints(trace.ranges, "domain")).tolist()}
    return [
        note("domain_not_found", detail=name or "the default one") for name in domains if name not in found
    ]


def _tell_folded(examples: Mapping[str, Sequence[str]]) -> list[QualityNote]:
    """Which names are one range although a counter tells them apart."""
    if not examples:
        return []
    told = [f"{name}: {names[0]} … {names[-1]}" for name, names in examples.items()]
    more = f" and {len(told) - MOST_FOLDED} more" if len(told) > MOST_FOLDED else ""
    count = sum(len(names) for names in examples.values())
    return [note("counters_folded", count, detail=f"{'; '.join(told[:MOST_FOLDED])}{more}")]


def _describe_trace(trace: Trace, sha256: str | None) -> dict[str, Any]:
    return {
        "path": str(trace.path),
        "sha256": sha256,
        "recorder": trace.metadata.recorder,
        "schema": trace.metadata.schema,
        "exporter": trace.metadata.exporter,
        "duration_ns": trace.duration_ns,
        "graph_mode": recorded_graph_mode(trace),
        "processes": [pid_of(key) for key in trace.processes],
    }


def recorded_graph_mode(trace: Trace) -> str | None:
    """How CUDA graphs were recorded: as the rows show, else as was asked for."""
    if (ints(trace.activities, "layer") == BUSY_LAYERS.index("graph")).any():
        return "graph"
    return "node" if ints(trace.activities, "graph_node").any() else trace.metadata.graph_mode


def _describe_devices(trace: Trace) -> list[dict[str, Any]]:
    return [
        {"device": known_device(device.device), **_pick(device, ("pid", "uuid", "name", "certain"))}
        for device in trace.devices
    ]


def _describe_metrics(metrics: TraceMetrics) -> dict[str, Any] | None:
    """How the GPU was sampled; of several devices the most samples, and each by itself below `devices`."""
    if not metrics.devices:
        return None
    first = max(metrics.devices, key=lambda one: one.samples)
    return {
        **_pick(first, ("source", "set", "frequency_hz", "samples", "names")),
        "devices": to_plain(metrics.devices),
    }


def _describe_window(row: WindowRow) -> dict[str, Any]:
    """As to_plain would, but for a million rows with ten owners each."""
    return {
        **to_plain(row.name),
        "instance": row.instance,
        "payload": row.payload,
        "device": None if row.device is None else known_device(row.device),
        "kind": row.kind,
        "start_ns": row.start_ns,
        **dict(zip(WINDOW_FIELDS, read_times(row.times), strict=True)),
        "memcpy_kinds": row.memcpy_kinds,
        "owners": [
            {"path": [*path], "domain": domain, "layer": layer, "ns": ns, "attribution": attribution}
            for path, domain, layer, ns, attribution in map(_OWNED, row.owners)
        ],
    }


def _pick(value: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: to_plain(getattr(value, name)) for name in names}
