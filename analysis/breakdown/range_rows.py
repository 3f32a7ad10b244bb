"""The tables of ranges, and the rows of kernels in ranges out of their groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..arithmetic.grouped import Summary
from ..attribution.ownership import ATTRIBUTIONS
from ..attribution.paths import PathName
from ..trace.trace import Trace
from .rows import RangeKernelRow, RangeRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeTables:
    """Both tables, from one pass over the credits."""

    ranges: tuple[RangeRow, ...]
    kernels: tuple[RangeKernelRow, ...]
    kernels_left_out: int = 0
    """Rows that there would be more, of outermost ranges."""


def kernel_order(row: RangeKernelRow) -> tuple[object, ...]:
    """By path, the longest total first."""
    return row.path, -row.total_ns, row.kernel, row.pid or 0, row.tid or 0


def list_kernels(
    trace: Trace, summary: Summary, paths: Iterable[PathName], kind: int
) -> Iterator[RangeKernelRow]:
    """Rows of the table out of groups of kernels, each in its path."""
    columns = (summary.count, summary.total, summary.median, summary.least, summary.greatest)
    kernels = (summary.group % max(len(trace.names), 1)).tolist()
    for name, kernel, *numbers in zip(paths, kernels, *(c.tolist() for c in columns), strict=True):
        count, total, median, least, greatest = numbers
        yield RangeKernelRow(
            range=name.range,
            path=name.path,
            domain=name.domain,
            domains=name.domains,
            pid=name.pid,
            tid=name.tid,
            kernel=trace.name(kernel),
            attribution=ATTRIBUTIONS[kind],
            instances=count,
            total_ns=total,
            median_ns=median,
            min_ns=least,
            max_ns=greatest,
        )
