"""The samples of a trace credited to its ranges and kernels: rows of the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..arithmetic.grouped import code_combinations
from ..attribution.attribution import Attribution
from ..attribution.credits import walk_chain
from ..attribution.ownership import BY_PROCESS
from ..attribution.paths import PathNames, Paths
from ..plain import NOT_WRITTEN, to_plain
from ..samples.gpu_samples import GpuSamples
from ..trace.trace import Trace
from ..words import KERNEL, known_device
from .metrics import Figures, credit_samples, cut_work


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMetrics:
    """How a device was sampled."""

    device: int | None
    source: str
    set: str | None
    frequency_hz: float
    samples: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeMetrics:
    """A path's device work, inclusive, on one device."""

    range: str
    path: tuple[str, ...]
    domain: str
    pid: int | None
    tid: int | None
    device: int | None
    instances: int
    figures: Figures
    domains: tuple[str, ...] = field(default=(), metadata=NOT_WRITTEN)
    """Of every message of the path."""

    def to_json(self) -> dict[str, object]:
        """The row of ``analyze --json``."""
        return _flat(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelMetrics:
    """A kernel in the path that owns it (no path: none does), on one device."""

    kernel: str
    path: tuple[str, ...]
    domain: str
    pid: int | None
    tid: int | None
    device: int | None
    instances: int
    figures: Figures

    def to_json(self) -> dict[str, object]:
        """The row of ``analyze --json``."""
        return _flat(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceMetrics:
    """All that the samples of a trace say."""

    devices: tuple[DeviceMetrics, ...] = ()
    ranges: tuple[RangeMetrics, ...] = ()
    kernels: tuple[KernelMetrics, ...] = ()


def measure_metrics(trace: Trace, attribution: Attribution, paths: Paths) -> TraceMetrics:
    """Credit the samples of every device to the ranges and kernels that worked on it."""
    ranges: list[RangeMetrics] = []
    kernels: list[KernelMetrics] = []
    pairs = _credited_pairs(attribution, paths) if trace.samples else None
    for samples in trace.samples:
        pieces = cut_work(trace, samples)
        info = trace.gpus.get(samples.device)
        bandwidth = info.bandwidth_bytes_per_s if info else None

        def credit(activity: Codes, group: Ints, groups: int) -> list[Figures]:
            return credit_samples(samples, pieces, activity, group, groups, bandwidth)  # noqa: B023

        here = ints(trace.activities, "device") == samples.device
        if pairs is not None:
            mine = here[pairs[0]]
            activity, path = pairs[0][mine], pairs[1][mine]
            ranges += _range_rows(
                trace, paths, samples, activity, path, credit(activity, path.astype(np.int64), len(paths))
            )
        is_mine = here & (ints(trace.activities, "layer") == KERNEL)
        rows = trace.by_start[is_mine[trace.by_start]]
        kernels += _kernel_rows(trace, attribution, paths, samples, rows, credit)
    return TraceMetrics(
        devices=tuple(_describe(samples) for samples in trace.samples),
        ranges=tuple(ranges),
        kernels=tuple(kernels),
    )


def _describe(samples: GpuSamples) -> DeviceMetrics:
    return DeviceMetrics(
        device=known_device(samples.device),
        source=samples.source,
        set=samples.set,
        frequency_hz=1e9 / samples.period_ns,
        samples=len(samples.time_ns),
        names=samples.names,
    )


def _credited_pairs(attribution: Attribution, paths: Paths) -> tuple[Codes, Ints]:
    """(activity, path) for every path open at the activity's call, each pair once, but for others' work.

    What another thread did beside a range is in none of its figures, which are rates.
    """
    others = attribution.foreign | attribution.unsure
    by_site = np.argsort(attribution.site, kind="stable")
    site = attribution.site[by_site]
    activities, of_path = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for chain in attribution.chains:
        for credit in walk_chain(chain, attribution.sites.time):
            own = ~others[credit.site] if chain.kind == BY_PROCESS else slice(None)
            at, ranges = credit.site[own], credit.range[own]
            low, high = (np.searchsorted(site, at, side=side) for side in ("left", "right"))
            count = high - low
            within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
            activities.append(by_site[np.repeat(low, count) + within])
            of_path.append(np.repeat(paths.of_range[ranges].astype(np.int64), count))
    activity, path = np.concatenate(activities), np.concatenate(of_path)
    width = np.int64(max(len(paths), 1))
    pair = np.unique(activity * width + path)
    return pair // width, pair % width


def _range_rows(
    trace: Trace, paths: Paths, samples: GpuSamples, activity: Codes, path: Ints, figures: list[Figures]
) -> Iterator[RangeMetrics]:
    instances = np.bincount(paths.of_range, minlength=len(paths))
    names = PathNames(trace, paths)
    worked = np.bincount(path, minlength=len(paths)) if len(activity) else np.zeros(len(paths))
    for at in np.argsort(paths.first, kind="stable").tolist():
        if worked[at]:
            name = names[at]
            yield RangeMetrics(
                range=name.range,
                path=name.path,
                domain=name.domain,
                domains=name.domains,
                pid=name.pid,
                tid=name.tid,
                device=known_device(samples.device),
                instances=int(instances[at]),
                figures=figures[at],
            )


def _kernel_rows(
    trace: Trace,
    attribution: Attribution,
    paths: Paths,
    samples: GpuSamples,
    rows: Codes,
    credit: Callable[[Codes, Ints, int], list[Figures]],
) -> Iterator[KernelMetrics]:
    owner = attribution.owner[rows]
    path = np.where(owner >= 0, np.append(paths.of_range, NONE)[owner], NONE)
    names = PathNames(trace, paths)
    name = ints(trace.activities, "name")[rows]
    group = code_combinations(path.astype(np.int64), name.astype(np.int64))
    count = np.bincount(group) if len(group) else np.zeros(0, np.int64)
    first = np.zeros(len(count), np.int64)
    first[group[::-1]] = np.arange(len(group))[::-1]
    found = credit(rows, group, len(count))
    for at in np.argsort(first, kind="stable").tolist():
        of = names[int(path[first[at]])]
        yield KernelMetrics(
            kernel=trace.name(int(name[first[at]])),
            path=of.path,
            domain=of.domain,
            pid=of.pid,
            tid=of.tid,
            device=known_device(samples.device),
            instances=int(count[at]),
            figures=found[at],
        )


def _flat(row: RangeMetrics | KernelMetrics) -> dict[str, object]:
    plain = to_plain(row)
    return {**{key: value for key, value in plain.items() if key != "figures"}, **plain["figures"]}
