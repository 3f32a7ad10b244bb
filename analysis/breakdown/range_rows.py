"""Rows of ranges: what all instances of a path took, and each kernel in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..arithmetic.grouped import Summary
from ..attribution.attribution import ATTRIBUTIONS
from ..attribution.paths import PathName
from ..trace.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRow:
    """All instances of one path."""

    range: str
    path: tuple[str, ...]
    domain: str
    style: str
    pid: int | None
    tid: int | None
    instances: int
    wall_ns: int
    activities: int
    kernel_sum_ns: int
    busy_ns: int
    projected_ns: int
    launch_call_ns: int
    flops: int | None = None
    """What the program declared for all instances, see declared.py; None when it did not for every one."""
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeKernelRow:
    """One kernel in one path; `attribution` none: in no range at all, listed by the thread of its call."""

    range: str
    path: tuple[str, ...]
    domain: str
    pid: int | None
    tid: int | None
    kernel: str
    attribution: str
    instances: int
    total_ns: int
    median_ns: float
    min_ns: int
    max_ns: int


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
