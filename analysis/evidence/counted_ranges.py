"""Counted launches of any program, by the NVTX ranges that they lie in and by kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..attribution.attribution import is_library
from ..plain import to_plain
from ..words import FORMAT
from .counters import CountedLaunch, Counters, add_launches


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRange:
    """The launches of one kernel in one range (none: path ()), or with ``kernel`` None all of a range."""

    domain: str
    path: tuple[str, ...]
    kernel: str | None
    launches: int
    grid: tuple[int, int, int] | None
    block: tuple[int, int, int] | None
    """Those of the first launch; None for a range."""
    counters: Counters
    """Of a kernel per launch, of a range of all that was counted in it."""

    def to_json(self) -> dict[str, object]:
        """The row of counters.json."""
        return to_plain(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCounters:
    """What a program's kernels were counted to do."""

    program: str
    tool: str | None
    """Version of Nsight Compute."""
    range: str | None
    """The only range that was counted, if one was asked for."""
    instances: int | None
    """The most launches of a kernel that were counted."""
    launches: int
    ranges: tuple[CountedRange, ...]
    kernels: tuple[CountedRange, ...]

    def to_json(self) -> dict[str, object]:
        """The document."""
        plain = to_plain(self)
        return {"flopprof": FORMAT, **plain}


def count_ranges(launches: Iterable[CountedLaunch]) -> tuple[CountedRange, ...]:
    """Every range with all that was launched in it, also in the ranges inside it, in the order of first launches."""
    groups: dict[tuple[str, tuple[str, ...]], list[CountedLaunch]] = {}
    for launch in launches:
        for domain, path in _paths(launch):
            for depth in range(1, len(path) + 1):
                groups.setdefault((domain, path[:depth]), []).append(launch)
    return tuple(
        CountedRange(
            domain=domain,
            path=path,
            kernel=None,
            launches=len(members),
            grid=None,
            block=None,
            counters=add_launches(members),
        )
        for (domain, path), members in groups.items()
    )


def count_range_kernels(launches: Iterable[CountedLaunch]) -> tuple[CountedRange, ...]:
    """Every kernel of every innermost range, with the means of its launches, the one that moves most bytes first."""
    groups: dict[tuple[str, tuple[str, ...], str], list[CountedLaunch]] = {}
    for launch in launches:
        for domain, path in list(_paths(launch)) or [("", ())]:
            groups.setdefault((domain, path, launch.kernel), []).append(launch)
    rows = [_kernel_row(*key, members) for key, members in groups.items()]
    return tuple(sorted(rows, key=lambda row: -(row.counters.moved_bytes or 0.0) * row.launches))


def _kernel_row(
    domain: str, path: tuple[str, ...], kernel: str, launches: Sequence[CountedLaunch]
) -> CountedRange:
    return CountedRange(
        domain=domain,
        path=path,
        kernel=kernel,
        launches=len(launches),
        grid=launches[0].grid,
        block=launches[0].block,
        counters=add_launches(launches, len(launches)),
    )


def _paths(launch: CountedLaunch) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The stack of ranges in each domain but libraries' own."""
    for domain in dict.fromkeys(domain for domain, _ in launch.ranges):
        if not is_library(domain):
            yield domain, tuple(message for of, message in launch.ranges if of == domain)
