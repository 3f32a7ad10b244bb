"""What GPU samples say of the device work of a range, as counters of one instance."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..arithmetic.arrays import Ints
from ..samples.gpu_samples import GpuSamples
from ..trace.trace import Trace
from .counters import Counters
from .metrics import Pieces, credit_samples, cut_work


@dataclass(frozen=True, slots=True)
class Sampled:
    """The samples of one device, cut at its work when first asked."""

    _cut: dict[int, tuple[GpuSamples, Pieces]] = field(default_factory=dict)

    def count(self, trace: Trace, device: int, work: Ints, instances: int) -> Counters | None:
        """Bytes of so many instances' activities, per instance; None without samples of enough of them."""
        samples = next((found for found in trace.samples if found.device == device), None)
        bandwidth = find_bandwidth(trace, device)
        if samples is None or bandwidth is None or not len(work):
            return None
        if device not in self._cut:
            self._cut[device] = samples, cut_work(trace, samples)
        pieces = self._cut[device][1]
        group = np.zeros(len(work), np.int64)
        (figures,) = credit_samples(samples, pieces, work, group, 1, bandwidth)
        if figures.dram_read_bytes is None or figures.dram_write_bytes is None:
            return None
        return Counters(
            source="gpu_metrics",
            dram_read_bytes=figures.dram_read_bytes / instances,
            dram_write_bytes=figures.dram_write_bytes / instances,
        )


def find_bandwidth(trace: Trace, device: int) -> int | None:
    """What a device's memory can move in a second."""
    info = trace.gpus.get(device)
    return None if info is None else info.bandwidth_bytes_per_s
