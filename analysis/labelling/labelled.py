"""A trace with all that is found out of it once: whose its work is, its paths, its devices' timelines and sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..attribution.attribution import Attribution, attribute
from ..attribution.paths import PathNames, Paths, find_paths
from ..trace.trace import Trace
from ..words import GraphRanges
from .device_sums import DeviceSums, sum_devices
from .timeline import DeviceSpans, label_devices


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """What windows, ranges and steps are cut from; paths, timelines and sums are made when first asked for."""

    trace: Trace
    attribution: Attribution

    @cached_property
    def paths(self) -> Paths:
        """The paths of its ranges."""
        return find_paths(self.trace)

    @cached_property
    def names(self) -> PathNames:
        """How those are called."""
        return PathNames(self.trace, self.paths)

    @cached_property
    def timelines(self) -> dict[int, DeviceSpans]:
        """The labelled timeline of every device that has records."""
        return label_devices(self.trace, self.attribution)

    @cached_property
    def sums(self) -> dict[int, DeviceSums]:
        """What those add up to by range, which takes less time and memory than they do."""
        return sum_devices(self.trace, self.attribution, self.paths)


def label_trace(
    trace: Trace, domains: Sequence[str] | None = None, *, graph_ranges: GraphRanges = "launch"
) -> Labelled:
    """A trace whose work belongs to the ranges of some domains, by default of all but libraries'."""
    return Labelled(trace=trace, attribution=attribute(trace, domains, graph_ranges=graph_ranges))
