"""What to know before believing figures made of samples."""

from __future__ import annotations

from ..arithmetic.arrays import distinct, ints
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
            "gpu_metrics_gaps": sum(samples.gaps for samples in trace.samples),
            "gpu_metrics_few": sum(row.figures.sm_active_pct is None for row in unfigured),
            "gpu_metrics_no_bandwidth": sum(_lacks_bandwidth(trace, device) for device in sampled),
            "gpu_metrics_shared": parts,
        }
    )


def _lacks_bandwidth(trace: Trace, device: int) -> bool:
    info = trace.gpus.get(device)
    return info is None or info.bandwidth_bytes_per_s is None
