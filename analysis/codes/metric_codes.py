"""What samples of a whole GPU lack."""

from __future__ import annotations

from .code import Code, code

FIGURES = ("device_metrics", "range_metrics", "kernel_metrics")

METRICS: dict[str, Code] = {
    "gpu_metrics_lost": code(
        "error",
        FIGURES,
        "the profiler lost samples of the GPU: sample at a lower frequency, or record for a shorter time",
        lossy=True,
    ),
    "gpu_metrics_not_permitted": code(
        "warning",
        FIGURES,
        "the driver lets only administrators read the GPU's counters: record as root, or load the driver with "
        "NVreg_RestrictProfilingToAdminUsers=0",
    ),
    "gpu_metrics_busy": code(
        "warning",
        FIGURES,
        "another tool (a second profiler, ncu, DCGM) holds the GPU's counters: end it and record again",
    ),
    "gpu_metrics_gaps": code(
        "warning",
        FIGURES,
        "samples are missing between others or while the GPU worked, and what they would have seen is taken to be as "
        "the rest: sample at a lower frequency, or record for a shorter time",
    ),
    "gpu_metrics_few": code(
        "info",
        FIGURES,
        "ranges have too few samples in which nothing else worked, so they have no figures: sample more often, or "
        "mark a loop",
    ),
    "gpu_metrics_other_device": code(
        "warning", FIGURES, "devices that worked were not sampled: record with --gpu-metrics-devices=all"
    ),
    "gpu_metrics_no_bandwidth": code(
        "info",
        FIGURES,
        "the export does not say how fast a sampled GPU's memory is: percentages without bytes",
    ),
    "gpu_metrics_shared": code(
        "warning", FIGURES, "samples are of a whole GPU, of which a process may use a part (MIG)"
    ),
    "profiler_warning": code("warning", (), "the profiler warned"),
    "profiler_error": code("error", (), "the profiler reported an error", lossy=True),
}
