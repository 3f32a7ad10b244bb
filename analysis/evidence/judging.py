"""What to know before believing figures made of samples."""

from __future__ import annotations

from ..arithmetic.arrays import distinct, ints
from ..samples.gpu_samples import GpuSamples
from ..trace.quality import count_notes, note
from ..trace.trace import Trace
from ..words import QualityNote, name_device
from .metric_rows import TraceMetrics


def judge_metrics(trace: Trace, metrics: TraceMetrics) -> list[QualityNote]:
    """Gaps between samples, devices without samples, work too short for them; nothing of a trace without any."""
    if not trace.samples:
        return []
    sampled = {samples.device for samples in trace.samples}
    worked = distinct(ints(trace.activities, "device")).tolist()
    unseen = [name_device(device) for device in worked if device not in sampled]
    notes = [note("gpu_metrics_other_device", len(unseen), ", ".join(unseen))] if unseen else []
    parts = sum((device.uuid or "").startswith("MIG-") for device in trace.devices)
    unfigured = [row for row in metrics.ranges if row.figures.dram_read_pct is None]
    return notes + count_notes(
        {
            "gpu_metrics_gaps": sum(
                samples.gaps + _count_open_ends(trace, samples) for samples in trace.samples
            ),
            "gpu_metrics_few": sum(row.figures.sm_active_pct is None for row in unfigured),
            "gpu_metrics_no_bandwidth": sum(_lacks_bandwidth(trace, device) for device in sampled),
            "gpu_metrics_shared": parts,
        }
    )


def _count_open_ends(trace: Trace, samples: GpuSamples) -> int:
    """Whether work began well before the first sample, and whether it ended well after the last one."""
    frame = trace.activities
    mine = ints(frame, "device") == samples.device
    if not mine.any():
        return 0
    start, end = ints(frame, "start_ns")[mine].min(), ints(frame, "end_ns")[mine].max()
    slack = 1.5 * samples.period_ns
    return int(start < samples.time_ns[0] - samples.period_ns - slack) + int(
        end > samples.time_ns[-1] + slack
    )


def _lacks_bandwidth(trace: Trace, device: int) -> bool:
    info = trace.gpus.get(device)
    return info is None or info.bandwidth_bytes_per_s is None
