"""What samples of a GPU are, whatever they were read from, and which of its metrics are shown.

Metric ids are not stable, so a metric is known by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Ints

Source = Literal["GPU_METRICS", "GENERIC_EVENTS"]

FIGURES: dict[str, re.Pattern[str]] = {
    "dram_read_pct": re.compile(r"DRAM Read (Bandwidth|Throughput)", re.IGNORECASE),
    "dram_write_pct": re.compile(r"DRAM Write (Bandwidth|Throughput)", re.IGNORECASE),
    "sm_active_pct": re.compile(r"SMs? Active", re.IGNORECASE),
    "sm_issue_pct": re.compile(r"SM Issue|SM Instructions?/?\s*(SM )?Issue", re.IGNORECASE),
    "warps_pct": re.compile(r"Compute Warps in Flight", re.IGNORECASE),
    "tensor_pct": re.compile(r"Tensor Active|SM Instructions?/?\s*Tensor Active", re.IGNORECASE),
}
"""How the names begin of what is shown; the metric sets of chips differ in the rest."""

UNIT = re.compile(r"\s*\[(?P<unit>[^\]]*)\]\s*$")

DEVICE_BITS = 0xFF
"""Of a type of event, those that number its device."""

LEAST_SAMPLES = 2
"""One sample has no period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSamples:
    """The samples of one device, in the order of time; a sample covers the time since the one before."""

    device: int
    time_ns: Ints
    period_ns: float
    """The usual distance of samples."""
    values: dict[str, NDArray[np.float64]]
    """Percent by figure; NaN where a sample has no value. A figure that was not sampled is not there."""
    source: Source
    set: str | None = None
    names: tuple[str, ...] = ()
    """All metrics that were sampled, by their names, shown or not."""

    @property
    def gaps(self) -> int:
        """Places where samples are missing."""
        return int((np.diff(self.time_ns) > 1.5 * self.period_ns).sum())


def gather_samples(
    type_id: int,
    source: Source,
    names: Sequence[str],
    time: Ints,
    values: dict[str, NDArray[np.float64]],
    *,
    of_set: str | None,
) -> Iterator[GpuSamples]:
    """The samples of a type of event, if they are enough to have a period."""
    if len(time) >= LEAST_SAMPLES:
        yield GpuSamples(
            device=type_id & DEVICE_BITS,
            time_ns=time,
            period_ns=float(np.median(np.diff(time))),
            values=values,
            source=source,
            set=of_set,
            names=tuple(names),
        )


def figure_of(name: str) -> str | None:
    """Which figure a metric is, if any; of one that comes in several units the percentage.

    >>> figure_of("DRAM Read Bandwidth [Throughput %]"), figure_of("Compute Warps in Flight [Avg]")
    ('dram_read_pct', None)
    >>> figure_of("SM Active"), figure_of("GR Active [Throughput %]")
    ('sm_active_pct', None)
    """
    unit = UNIT.search(name)
    if unit is not None and "%" not in unit["unit"]:
        return None
    return next((figure for figure, pattern in FIGURES.items() if pattern.match(name)), None)
