"""What is missing from a trace, cannot be true, cannot be joined, or is not shown of it."""

from __future__ import annotations

from .code import DEVICE, RANGES, Code, code

TRACE: dict[str, Code] = {
    # What is missing from the export.
    "missing_calls": code(
        "error",
        ("ranges", "range_kernels", "windows.launch_ns"),
        "CUDA was used but its API calls are not there: nothing can be attributed and idle time cannot be split",
        lossy=True,
    ),
    "missing_kernels": code(
        "error", DEVICE, "kernels were launched but the export has no kernel records", lossy=True
    ),
    "missing_copies": code("warning", DEVICE, "copies were asked for but the export has no copy records"),
    "missing_fills": code("warning", DEVICE, "fills were asked for but the export has no fill records"),
    "lost_records": code(
        "error",
        DEVICE,
        "launches, copies or fills succeeded but have no device record: the recording lost them",
        lossy=True,
    ),
    "clipped_records": code(
        "info",
        DEVICE,
        "the first or last launches have no device record: the recording began or ended between",
    ),
    "empty_calls": code(
        "info",
        (),
        "fills or copies without a device record returned sooner than any with one: they had zero bytes to move",
    ),
    "missing_ranges": code("info", RANGES, "the trace has no NVTX ranges"),
    "counters_folded": code(
        "info",
        (),
        "ranges whose names differ in a counter are instances of one range (--exact-names: are not)",
    ),
    "missing_device_work": code("info", DEVICE, "the trace has no device work"),
    "missing_device_info": code("info", ("devices",), "the export does not describe its GPU"),
    "missing_duration": code("info", ("trace.duration_ns",), "the export does not say how long it is"),
    "missing_names": code("warning", ("kernels", "windows.sync_ns"), "kernels or calls without a name"),
    "missing_values": code(
        "warning",
        ("devices", "kernels", "copies", "ranges"),
        "records without a device, stream, size, kind or launch geometry, ranges without a domain",
    ),
    "missing_columns": code(
        "info", ("kernels", "copies", "ranges", "devices"), "columns that every export has are not there"
    ),
    "missing_messages": code("info", ("ranges",), "ranges without a message"),
    "partial_export": code(
        "warning", DEVICE, "only some tables or part of the time were exported", lossy=True
    ),
    "schema_newer": code("warning", (), "the export is newer than the versions this program was tried with"),
    "schema_unknown": code("info", (), "the export does not name its version"),
    # Rows that cannot be true.
    "impossible_times": code(
        "error", DEVICE, "device records without possible times were left out", lossy=True
    ),
    "overlapping_records": code(
        "error",
        DEVICE,
        "device records that ran while others of their stream did, which cannot be, were left out",
        lossy=True,
    ),
    "overlapping_streams": code(
        "error",
        DEVICE,
        "so many device records ran while others of their stream did, which cannot be, that all were kept",
        lossy=True,
    ),
    "outlasting_records": code(
        "error",
        DEVICE,
        "device records go on after a wait for their device had ended, which cannot be",
        lossy=True,
    ),
    "repeated_records": code(
        "error", DEVICE, "kernels whose launch has another record, which cannot be", lossy=True
    ),
    "impossible_bytes": code(
        "warning", ("copies",), "byte counts of copies and fills that cannot be are unknown"
    ),
    "impossible_geometry": code(
        "warning",
        ("kernels.launches",),
        "grids, blocks, registers or shared memory of launches that cannot be are unknown",
    ),
    "impossible_device_info": code(
        "warning",
        ("devices", "kernels.launches"),
        "figures of GPUs that no GPU has are unknown",
    ),
    "impossible_call_times": code("warning", ("windows",), "API calls without possible times were left out"),
    "impossible_range_times": code("warning", RANGES, "ranges without possible times were left out"),
    "bad_values": code("warning", (), "values of the wrong type were read as missing"),
    "duplicate_correlation": code(
        "error", RANGES, "several calls share a correlation id: the latest before each record was taken"
    ),
    # What cannot be joined, and why.
    "unmatched_activity": code(
        "warning", ("unattributed_ns", "windows.unknown_ns"), "device records whose API call was not recorded"
    ),
    "unified_memory": code("info", ("copies", "unattributed_ns"), "unified-memory copies belong to no call"),
    "starts_before_call": code(
        "info", ("kernels.queue_median_ns",), "device records that begin before their call: clocks disagree"
    ),
    "unknown_process": code("warning", RANGES, "device records do not say which process they belong to"),
    "ambiguous_thread": code(
        "info",
        RANGES,
        "calls on threads without ranges could belong to several threads' ranges: unattributed",
    ),
    "device_uncertain": code(
        "warning",
        ("devices", "kernels.device", "copies.device", "windows.device"),
        "the export does not say which of several GPUs a process's device number means",
    ),
    "stream_uncertain": code(
        "info",
        ("kernels.latency_median_ns",),
        "calls that make a stream wait for an event do not say which stream: latency is unknown where it could be",
    ),
    "nameless_domain": code("info", ("ranges.domain",), "NVTX domains without a name"),
    "open_ranges": code("info", ("ranges.wall_ns",), "ranges were never closed: they end with the recording"),
    # What is shown of a trace that would grow with the square of its size.
    "deep_ranges": code(
        "info",
        ("ranges.path", "range_kernels.path", "windows.path", "windows.owners"),
        "ranges lie over 32 deep in one another: their paths are spelled by the 16 outermost and 16 innermost ones",
    ),
    "kernels_not_listed": code(
        "info",
        ("range_kernels",),
        "kernels by range would be over a million rows: those of the outermost ranges are left out",
    ),
    "owners_not_listed": code(
        "info",
        ("windows.owners",),
        "windows lie in one another many times over: the largest name no owners, choose fewer with --range",
    ),
}

ASKED: dict[str, Code] = {
    "range_not_found": code("warning", ("windows",), "no range matches"),
    "domain_not_found": code("warning", RANGES, "no range is of the domain"),
    "skipped_all": code(
        "warning", ("steps",), "--skip asks to leave out every instance of a range, so its last one is kept"
    ),
    "skipped_none": code(
        "warning", ("steps",), "--skip leaves nothing out: no range repeats that could be a step"
    ),
}
"""What was asked for and is not there."""
