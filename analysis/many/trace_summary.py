"""What is kept of one trace of many: each range's and each kernel's time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..attribution.range_names import RangeName
from ..attribution.steady_instances import Instances
from ..breakdown.analyze import Analysis, analyze_file
from ..trace.open import open_trace_file
from ..words import GraphRanges, QualityNote


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeUse:
    """One range in one trace, over all threads."""

    instances: int
    wall_ns: int
    busy_ns: int
    kernel_sum_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelUse:
    """One kernel in one trace, over all devices; the median only where it ran on one."""

    instances: int
    total_ns: int
    median_ns: float | None
    min_ns: int
    max_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """What is kept of one trace."""

    sha256: str | None
    duration_ns: int
    device_ns: int
    attributed_ns: int
    ranges: dict[RangeName, RangeUse]
    kernels: dict[str, KernelUse]
    quality: tuple[QualityNote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequest:
    """How each trace is to be analysed; see analyze.analyze_trace."""

    domains: tuple[str, ...] | None = None
    graph_ranges: GraphRanges = "launch"
    exact_names: bool = False


def summarise_trace(path: Path, request: SummaryRequest) -> TraceSummary:
    """What is kept of a trace. Raises TraceError."""
    with open_trace_file(path, cores=1) as opened:  # other traces are read by the other cores
        analysis = analyze_file(
            path,
            domains=request.domains,
            graph_ranges=request.graph_ranges,
            wanted=Instances(exact_names=request.exact_names),
            opened=opened,
        )
    return TraceSummary(
        sha256=analysis.sha256,
        duration_ns=analysis.trace.duration_ns,
        device_ns=analysis.device_ns,
        attributed_ns=analysis.attributed_ns,
        ranges=_sum_ranges(analysis),
        kernels=_sum_kernels(analysis),
        quality=analysis.quality,
    )


def _sum_ranges(analysis: Analysis) -> dict[RangeName, RangeUse]:
    found: dict[RangeName, RangeUse] = {}
    for row in analysis.ranges:
        key, before = (row.domains, row.path), found.get((row.domains, row.path))
        found[key] = RangeUse(
            instances=row.instances + (before.instances if before else 0),
            wall_ns=row.wall_ns + (before.wall_ns if before else 0),
            busy_ns=row.busy_ns + (before.busy_ns if before else 0),
            kernel_sum_ns=row.kernel_sum_ns + (before.kernel_sum_ns if before else 0),
        )
    return found


def _sum_kernels(analysis: Analysis) -> dict[str, KernelUse]:
    found: dict[str, KernelUse] = {}
    for row in analysis.kernels:
        before = found.get(row.kernel)
        found[row.kernel] = KernelUse(
            instances=row.instances + (before.instances if before else 0),
            total_ns=row.total_ns + (before.total_ns if before else 0),
            median_ns=None if before else row.median_ns,
            min_ns=min(row.min_ns, before.min_ns) if before else row.min_ns,
            max_ns=max(row.max_ns, before.max_ns) if before else row.max_ns,
        )
    return found
