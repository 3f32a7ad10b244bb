"""The closed list of what to know before believing a number: each code with its severity and what it affects.

``error``: recorded data is lost or contradicts itself; ``warning``: numbers may be incomplete or misread;
``info``: a property of the recording that explains a number.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..words import Severity

DEVICE = ("kernels", "copies", "ranges", "windows")

METRICS = ("device_metrics", "range_metrics", "kernel_metrics")

RANGES = ("ranges", "range_kernels", "windows.owners")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One entry of the list: what a code means for its reader."""

    severity: Severity
    affects: tuple[str, ...]
    meaning: str
    lossy: bool = False
    """Recorded data is missing; ``--strict`` exits 3."""


def _code(severity: Severity, affects: tuple[str, ...], meaning: str, *, lossy: bool = False) -> Code:
    return Code(severity=severity, affects=affects, meaning=meaning, lossy=lossy)


CODES: dict[str, Code] = {
    # What the profiler says about its own capture (DIAGNOSTIC_EVENT, Nsight Systems 2024.2 and later).
    "cuda_events_lost": _code("error", DEVICE, "the profiler lost CUDA events", lossy=True),
    "cuda_not_recorded": _code("warning", DEVICE, "no CUDA events were recorded though they were asked for"),
    "processes_without_cuda": _code("info", (), "some processes of the trace made no CUDA events"),
    "nvtx_events_lost": _code(
        "warning",
        RANGES,
        "NVTX events may be missing: the program ended before its last ones were saved",
        lossy=True,
    ),
    "other_events_lost": _code(
        "warning", (), "the profiler lost events of a kind that no number here is made of"
    ),
    "nvtx_not_recorded": _code("info", RANGES, "the program made no NVTX ranges"),
    "processes_without_ranges": _code("info", (), "some processes of the trace made no NVTX ranges"),
    "nvtx_incompatible": _code(
        "error",
        RANGES,
        "this nvtx and this Nsight Systems do not work together, all ranges are lost: "
        "annotate with flopprof.annotate, use nvtx 0.2.11 or older, or a newer Nsight Systems",
        lossy=True,
    ),
    "trace_truncated": _code(
        "error",
        (*DEVICE, "range_kernels"),
        "the recording reached its size limit and was cut short",
        lossy=True,
    ),
    "events_misordered": _code(
        "warning", DEVICE, "the profiler found events in a wrong order, some may be missing", lossy=True
    ),
    "profiler_conflict": _code(
        "error", DEVICE, "another tool held the CUDA profiling interface: run without it", lossy=True
    ),
    "capture_projection": _code(
        "warning", RANGES, "stream capture before CUDA 11.4: ranges may be projected wrongly"
    ),
    "payload_too_large": _code(
        "warning", ("ranges.payload",), "an NVTX payload was too large and was dropped", lossy=True
    ),
    # GPU metrics: samples of a whole device.
    "gpu_metrics_lost": _code(
        "error",
        METRICS,
        "the profiler lost samples of the GPU: sample at a lower frequency, or record for a shorter time",
        lossy=True,
    ),
    "gpu_metrics_not_permitted": _code(
        "warning",
        METRICS,
        "the driver lets only administrators read the GPU's counters: record as root, or load the driver with "
        "NVreg_RestrictProfilingToAdminUsers=0",
    ),
    "gpu_metrics_busy": _code(
        "warning",
        METRICS,
        "another tool (a second profiler, ncu, DCGM) holds the GPU's counters: end it and record again",
    ),
    "gpu_metrics_gaps": _code("warning", METRICS, "samples are missing between others"),
    "gpu_metrics_few": _code(
        "info",
        METRICS,
        "ranges have too few samples in which nothing else worked, so they have no figures: sample more often, or "
        "mark a loop",
    ),
    "gpu_metrics_other_device": _code(
        "warning", METRICS, "devices that worked were not sampled: record with --gpu-metrics-devices=all"
    ),
    "gpu_metrics_no_bandwidth": _code(
        "info",
        METRICS,
        "the export does not say how fast a sampled GPU's memory is: percentages without bytes",
    ),
    "gpu_metrics_shared": _code(
        "warning", METRICS, "samples are of a whole GPU, of which a process may use a part (MIG)"
    ),
    "profiler_warning": _code("warning", (), "the profiler warned"),
    "profiler_error": _code("error", (), "the profiler reported an error", lossy=True),
    # What is missing from the export.
    "missing_calls": _code(
        "error",
        ("ranges", "range_kernels", "windows.launch_ns"),
        "CUDA was used but its API calls are not there: nothing can be attributed and idle time cannot be split",
        lossy=True,
    ),
    "missing_kernels": _code(
        "error", DEVICE, "kernels were launched but the export has no kernel records", lossy=True
    ),
    "missing_copies": _code("warning", DEVICE, "copies were asked for but the export has no copy records"),
    "missing_fills": _code("warning", DEVICE, "fills were asked for but the export has no fill records"),
    "lost_records": _code(
        "error",
        DEVICE,
        "launches, copies or fills succeeded but have no device record: the recording lost them",
        lossy=True,
    ),
    "clipped_records": _code(
        "info",
        DEVICE,
        "the first or last launches have no device record: the recording began or ended between",
    ),
    "missing_ranges": _code("info", RANGES, "the trace has no NVTX ranges"),
    "counters_folded": _code(
        "info",
        (),
        "ranges whose names differ in a counter are instances of one range (--exact-names: are not)",
    ),
    "missing_device_work": _code("info", DEVICE, "the trace has no device work"),
    "missing_device_info": _code("info", ("devices",), "the export does not describe its GPU"),
    "missing_duration": _code("info", ("trace.duration_ns",), "the export does not say how long it is"),
    "missing_names": _code("warning", ("kernels", "windows.sync_ns"), "kernels or calls without a name"),
    "missing_values": _code(
        "warning",
        ("devices", "copies", "ranges"),
        "records without a device, stream, size or kind, ranges without a domain",
    ),
    "missing_columns": _code(
        "info", ("kernels", "copies", "ranges", "devices"), "columns that every export has are not there"
    ),
    "missing_messages": _code("info", ("ranges",), "ranges without a message"),
    "partial_export": _code(
        "warning", DEVICE, "only some tables or part of the time were exported", lossy=True
    ),
    "schema_newer": _code("warning", (), "the export is newer than the versions this program was tried with"),
    "schema_unknown": _code("info", (), "the export does not name its version"),
    # Rows that cannot be true.
    "impossible_times": _code(
        "error", DEVICE, "device records without possible times were left out", lossy=True
    ),
    "overlapping_records": _code(
        "error",
        DEVICE,
        "device records that ran while others of their stream did, which cannot be, were left out",
        lossy=True,
    ),
    "overlapping_streams": _code(
        "error",
        DEVICE,
        "so many device records ran while others of their stream did, which cannot be, that all were kept",
        lossy=True,
    ),
    "impossible_bytes": _code(
        "warning", ("copies",), "byte counts of copies and fills that cannot be are unknown"
    ),
    "impossible_call_times": _code("warning", ("windows",), "API calls without possible times were left out"),
    "impossible_range_times": _code("warning", RANGES, "ranges without possible times were left out"),
    "bad_values": _code("warning", (), "values of the wrong type were read as missing"),
    "duplicate_correlation": _code(
        "error", RANGES, "several calls share a correlation id: the latest before each record was taken"
    ),
    # What cannot be joined, and why.
    "unmatched_activity": _code(
        "warning", ("unattributed_ns", "windows.unknown_ns"), "device records whose API call was not recorded"
    ),
    "unified_memory": _code("info", ("copies", "unattributed_ns"), "unified-memory copies belong to no call"),
    "starts_before_call": _code(
        "info", ("kernels.queue_median_ns",), "device records that begin before their call: clocks disagree"
    ),
    "unknown_process": _code("warning", RANGES, "device records do not say which process they belong to"),
    "ambiguous_thread": _code(
        "info",
        RANGES,
        "calls on threads without ranges could belong to several threads' ranges: unattributed",
    ),
    "device_uncertain": _code(
        "warning",
        ("devices", "kernels.device", "copies.device", "windows.device"),
        "the export does not say which of several GPUs a process's device number means",
    ),
    "stream_uncertain": _code(
        "info",
        ("kernels.latency_median_ns",),
        "calls that make a stream wait for an event do not say which stream: latency is unknown where it could be",
    ),
    "nameless_domain": _code("info", ("ranges.domain",), "NVTX domains without a name"),
    "open_ranges": _code(
        "info", ("ranges.wall_ns",), "ranges were never closed: they end with the recording"
    ),
    # What is shown of a trace that would grow with the square of its size.
    "deep_ranges": _code(
        "info",
        ("ranges.path", "range_kernels.path", "windows.path", "windows.owners"),
        "ranges lie over 32 deep in one another: their paths are spelled by the 16 outermost and 16 innermost ones",
    ),
    "kernels_not_listed": _code(
        "info",
        ("range_kernels",),
        "kernels by range would be over a million rows: those of the outermost ranges are left out",
    ),
    "owners_not_listed": _code(
        "info",
        ("windows.owners",),
        "windows lie in one another many times over: the largest name no owners, choose fewer with --range",
    ),
    # How it was recorded.
    "graph_mode": _code(
        "warning",
        ("kernels", "range_kernels"),
        "CUDA graphs were recorded as a whole, without their kernels: record with --cuda-graph-trace=node",
    ),
    "graphs_not_recorded": _code(
        "error",
        DEVICE,
        "CUDA graphs were launched but none of their work is in the export: record with --cuda-graph-trace=node",
        lossy=True,
    ),
    "embedded_recorder": _code(
        "info", DEVICE, "recorded without Nsight Systems: host ranges only, no device activity"
    ),
    "kineto_recorder": _code(
        "info",
        DEVICE,
        "recorded by torch.profiler: only the active steps of its schedule, no waits of streams for events, no failed "
        "calls, and every operator slowed by being recorded",
    ),
    "stand_in_threads": _code(
        "info", ("ranges",), "threads are known by a handle only; their numbers here stand for it"
    ),
    "work_outside_window": _code(
        "warning",
        ("windows",),
        "over 5 % of the device work of some ranges lies outside their host windows: see --window device",
    ),
    # What a run of scenarios adds.
    "lost_ranges": _code(
        "error",
        ("ops", "windows"),
        "steps have fewer op ranges than op calls were made: ranges were lost",
        lossy=True,
    ),
    "tracing_slowdown": _code(
        "warning",
        ("steps.traced_ns", "steps.window"),
        "steps took over 1.1 times as long traced as untraced: their breakdown is of the slower run",
    ),
    "noisy": _code(
        "warning",
        ("steps.untraced_ns", "steps.traced_ns", "steps.window"),
        "steps took over 1.1 times as long in one pass as in the other, which tracing cannot explain",
    ),
    "above_ceiling": _code(
        "warning", ("roof_share",), "faster than the roof allows, so the peak or the count of bytes is wrong"
    ),
    "not_in_turn": _code(
        "info",
        ("steps.untraced_ns",),
        "steps of an interleaved run were not measured in turn: drift between variants stays in their times",
    ),
    "range_not_found": _code("warning", ("windows",), "no range matches"),
    "domain_not_found": _code("warning", RANGES, "no range is of the domain"),
}
