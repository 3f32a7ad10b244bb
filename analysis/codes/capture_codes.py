"""What the profiler says about its own capture, and how the trace was recorded."""

from __future__ import annotations

from .code import DEVICE, RANGES, Code, code

CAPTURE: dict[str, Code] = {
    "cuda_events_lost": code("error", DEVICE, "the profiler lost CUDA events", lossy=True),
    "cuda_not_recorded": code("warning", DEVICE, "no CUDA events were recorded though they were asked for"),
    "processes_without_cuda": code("info", (), "some processes of the trace made no CUDA events"),
    "nvtx_events_lost": code(
        "warning",
        RANGES,
        "NVTX events may be missing: the program ended before its last ones were saved",
        lossy=True,
    ),
    "other_events_lost": code(
        "warning", (), "the profiler lost events of a kind that no number here is made of"
    ),
    "nvtx_not_recorded": code("info", RANGES, "the program made no NVTX ranges"),
    "processes_without_ranges": code("info", (), "some processes of the trace made no NVTX ranges"),
    "nvtx_incompatible": code(
        "error",
        RANGES,
        "this nvtx and this Nsight Systems do not work together, all ranges are lost: "
        "annotate with flopprof.annotate, use nvtx 0.2.11 or older, or a newer Nsight Systems",
        lossy=True,
    ),
    "trace_truncated": code(
        "error",
        (*DEVICE, "range_kernels"),
        "the recording reached its size limit and was cut short",
        lossy=True,
    ),
    "activity_not_recorded": code(
        "error", DEVICE, "torch.profiler recorded nothing of the device though it was asked to", lossy=True
    ),
    "activity_cut_short": code(
        "error",
        DEVICE,
        "torch.profiler stopped recording before the program's part had ended, or was used by the program itself",
        lossy=True,
    ),
    "events_misordered": code(
        "warning", DEVICE, "the profiler found events in a wrong order, some may be missing", lossy=True
    ),
    "profiler_conflict": code(
        "error", DEVICE, "another tool held the CUDA profiling interface: run without it", lossy=True
    ),
    "capture_projection": code(
        "warning", RANGES, "stream capture before CUDA 11.4: ranges may be projected wrongly"
    ),
    "payload_too_large": code(
        "warning", ("ranges.payload",), "an NVTX payload was too large and was dropped", lossy=True
    ),
    "profiler_warning": code("warning", (), "the profiler warned"),
    "profiler_error": code("error", (), "the profiler reported an error", lossy=True),
}
"""What the profiler says itself (DIAGNOSTIC_EVENT, Nsight Systems 2024.2 and later; the embedded recorder too)."""

RECORDING: dict[str, Code] = {
    "graph_mode": code(
        "warning",
        ("kernels", "range_kernels"),
        "CUDA graphs were recorded as a whole, without their kernels: record with --cuda-graph-trace=node",
    ),
    "graphs_not_recorded": code(
        "error",
        DEVICE,
        "CUDA graphs were launched but none of their work is in the export: record with --cuda-graph-trace=node",
        lossy=True,
    ),
    "embedded_recorder": code(
        "info", DEVICE, "recorded without Nsight Systems: host ranges only, no device activity"
    ),
    "kineto_recorder": code(
        "info",
        DEVICE,
        "recorded by torch.profiler: only the active steps of its schedule, no waits of streams for events, no failed "
        "calls, and every operator slowed by being recorded",
    ),
    "torch_activity": code(
        "info",
        DEVICE,
        "device work and calls were recorded by torch.profiler for want of Nsight Systems: no waits of streams for "
        "events, no failed calls",
    ),
    "clock_residual": code(
        "warning",
        ("ranges", "range_kernels"),
        "the clocks of ranges and of device work could not be joined closely: work launched at the edge of a range "
        "may be credited to its neighbour",
    ),
    "stand_in_threads": code(
        "info", ("ranges",), "threads are known by a handle only; their numbers here stand for it"
    ),
    "work_outside_window": code(
        "warning",
        ("windows",),
        "over 5 % of the device work of some ranges lies outside their host windows: see --window device",
    ),
}
"""How it was recorded."""
