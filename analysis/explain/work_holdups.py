"""What of the device's own work holds a step up: its heaviest kernels, copies that nothing hides, collectives; and the
CUDA calls that it waits for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from ..arithmetic.arrays import Bools, Ints, distinct, ints
from ..arithmetic.grouped import code_combinations
from ..arithmetic.spans import join_spans, total_ns
from ..breakdown.analyze import Analysis, recorded_graph_mode
from ..breakdown.kernels import FILL, copy_rows
from ..breakdown.rows import CopyRow, KernelRow
from ..evidence.counters import Counters
from ..export.calls import WAITING
from ..hardware.data_sheets import ATTAINABLE
from ..ranks.families import family_of, name_families
from ..words import KERNEL, MEMCPY
from .holdups import (
    MOST_OF_IT,
    WORTH,
    Holdup,
    Stretch,
    WaitCode,
    choose_holdups,
    find_waits,
    name_parts,
    place_of,
    stretch_of_step,
    stretch_of_window,
)
from .kernel_causes import find_kernel_causes
from .own_times import list_own_times
from .subject import Part, Subject, heaviest_launch

_ALLOCATES = re.compile(
    r"cu(da)?(Malloc|Free|HostAlloc|HostRegister|HostUnregister|Mem(Alloc|Free|HostAlloc|Map|Create))"
)

_LOADS = re.compile(r"cu(da)?(Module|Library|Kernel|Func)(Load|Get|SetAttr)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heavy:
    """The kernel with most time in a stretch."""

    kernel: str
    share: float
    """Of the time in kernels."""


def find_holdups(analysis: Analysis) -> tuple[Holdup, ...]:
    """Of the first step, else of the first device's whole trace, those that take most; on the host its longest part."""
    stretch = choose_stretch(analysis)
    if stretch is None:
        return tuple(_find_longest(analysis))
    if not stretch.whole_ns:
        return ()
    found = [*find_waits(stretch), *_find_calls(analysis, stretch), *_find_copies(analysis, stretch)]
    collectives = list(_find_collectives(analysis, stretch))
    found += [*collectives, *_find_in_kernels(analysis, stretch, sum(one.share for one in collectives))]
    return choose_holdups([_mark_graphs(one, analysis) for one in found])


def choose_stretch(analysis: Analysis) -> Stretch | None:
    """What the first sentence of a report is about; None where no device's time line is divided."""
    if analysis.steps:
        return stretch_of_step(analysis, analysis.steps[0]) if analysis.steps[0].layers else None
    whole = takewhile(lambda row: row.kind == "trace", analysis.windows)
    first = next((row for row in whole if row.owners), None)
    return None if first is None else stretch_of_window(analysis, first)


def _find_longest(analysis: Analysis) -> Iterator[Holdup]:
    """Where to begin on the host: the longest part of a step, else the range with most time of its own."""
    own = _list_part_times(analysis) or list_own_times(analysis)
    whole = sum(ns for _, ns in own)
    place, ns = max(own, key=lambda one: one[1], default=(None, 0.0))
    if place is not None and len(own) > 1 and ns >= WORTH * whole:
        yield Holdup(code="longest_part", share=ns / whole, place=place)


def _list_part_times(analysis: Analysis) -> list[tuple[str | None, float]]:
    """The parts of the first step, the rest without a name."""
    if not analysis.steps:
        return []
    row = analysis.steps[0]
    return [(name, part.ns) for name, part in zip(name_parts(row), row.parts, strict=True)]


def list_heavy_kernels(analysis: Analysis, stretch: Stretch) -> list[Heavy]:
    """The kernels of a stretch without NCCL's, those with most time first."""
    if stretch.name[1]:
        mine = [row for row in analysis.range_kernels if (row.domains, row.path) == stretch.name]
        times = [(row.kernel, row.total_ns) for row in mine]
    else:
        times = [(row.kernel, row.total_ns) for row in analysis.kernels]
    whole = sum(ns for _, ns in times)
    sums: dict[str, int] = {}
    for kernel, ns in times:
        sums[kernel] = sums.get(kernel, 0) + ns
    order = sorted(sums, key=lambda kernel: -sums[kernel])
    return [Heavy(kernel=one, share=sums[one] / whole) for one in order if whole and family_of(one) is None]


def _find_in_kernels(analysis: Analysis, stretch: Stretch, elsewhere: float) -> Iterator[Holdup]:
    """What holds back each kernel that matters; where nothing is known of the heaviest, what would show it."""
    in_kernels = stretch.share("kernel")
    if (opaque := stretch.share("graph")) >= WORTH:
        yield Holdup(code="not_measured", share=opaque, evidence={"brings": "nodes"})
    known = False
    for heavy in list_heavy_kernels(analysis, stretch):
        share = heavy.share * in_kernels
        if share < WORTH:
            break
        for found in _judge_kernel(analysis, heavy.kernel):
            known = True
            yield replace(found, share=share)
    if not known and in_kernels - elsewhere >= WORTH and not analysis.metrics.devices:
        heavy = [one for one in list_heavy_kernels(analysis, stretch)[:1] if one.share * in_kernels >= WORTH]
        yield Holdup(
            code="not_measured",
            share=in_kernels - elsewhere,
            place=heavy[0].kernel if heavy else None,
            evidence={"brings": "profile", "kernel_share": heavy[0].share * in_kernels if heavy else None},
        )


def _judge_kernel(analysis: Analysis, kernel: str) -> Iterator[Holdup]:
    """By its launch, and by what was sampled of it: few warps are a cause only where the memory is known to idle."""
    row = max(
        (row for row in analysis.kernels if row.kernel == kernel), key=lambda row: row.total_ns, default=None
    )
    if row is None:
        return
    counters = _sampled(analysis, row)
    info = analysis.trace.gpus.get(row.device) if row.device is not None else None
    bandwidth = info.bandwidth_bytes_per_s if info is not None else None
    ns = row.total_ns / row.instances
    side = Subject(
        key=kernel,
        name=kernel,
        device="cuda",
        time_ns=ns,
        bytes_per_s=bandwidth,
        attainable_bytes_per_s=None if bandwidth is None else ATTAINABLE * bandwidth,
    )
    part = Part(op=kernel, kernel=kernel, launch=heaviest_launch([row])[1], ns=ns, counters=counters)
    for cause in find_kernel_causes(part, side):
        if cause.code != "low_occupancy" or cause.evidence.get("memory_share") is not None:
            yield Holdup(code=cause.code, share=0.0, place=kernel, evidence=cause.evidence)


def _sampled(analysis: Analysis, kernel: KernelRow) -> Counters | None:
    """The bytes and warps of an instance, as the samples of the owner with most instances say."""
    rows = [
        row for row in analysis.metrics.kernels if (row.kernel, row.device) == (kernel.kernel, kernel.device)
    ]
    row = max(rows, key=lambda row: row.instances, default=None)
    if row is None or row.figures.dram_read_bytes is None or row.figures.dram_write_bytes is None:
        return None
    return Counters(
        source="gpu_metrics",
        dram_read_bytes=row.figures.dram_read_bytes / row.instances,
        dram_write_bytes=row.figures.dram_write_bytes / row.instances,
        warps_pct=row.figures.warps_pct,
    )


def _find_collectives(analysis: Analysis, stretch: Stretch) -> Iterator[Holdup]:
    """NCCL's time that no other kernel hides, since the steady steps began."""
    families, of_name = name_families(analysis.trace.names)
    work = analysis.trace.activities
    if not families or not len(work):
        return
    mine = (ints(work, "layer") == KERNEL) & (ints(work, "start_ns") >= begin_of(analysis, stretch))
    nccl = mine & (of_name[ints(work, "name")] >= 0)
    if not nccl.any():
        return
    mine &= ints(work, "device") == ints(work, "device")[nccl][0]
    both, other = union_ns(analysis, mine), union_ns(analysis, mine & ~nccl)
    share = (both - other) / both * stretch.share("kernel")
    if share >= WORTH:
        yield Holdup(code="collectives", share=share, evidence={"exposed_ns": float(both - other)})


def union_ns(analysis: Analysis, rows: Bools) -> int:
    """How long any of some device records runs."""
    work = analysis.trace.activities
    chosen = analysis.trace.by_start[rows[analysis.trace.by_start]]
    return total_ns(*join_spans(ints(work, "start_ns")[chosen], ints(work, "end_ns")[chosen]))


def begin_of(analysis: Analysis, stretch: Stretch) -> int:
    """When the first steady step begins; a whole trace from its first record on."""
    trace = analysis.trace
    if stretch.instances is None:
        return trace.extent()[0]
    innermost = (part[-1] for part in stretch.name)
    wanted = [trace.names.index(text) if text in trace.names else -1 for text in innermost]
    rows = (ints(trace.ranges, "domain") == wanted[0]) & (ints(trace.ranges, "name") == wanted[1])
    starts = np.sort(ints(trace.ranges, "start_ns")[rows])
    return int(starts[-stretch.instances :].min(initial=np.iinfo(np.int64).max))


def _find_copies(analysis: Analysis, stretch: Stretch) -> Iterator[Holdup]:
    """Copies while no kernel runs, by the kind that takes most of them."""
    share = stretch.share("memcpy")
    if share < WORTH:
        return
    since = np.flatnonzero(ints(analysis.trace.activities, "start_ns") >= begin_of(analysis, stretch))
    copies = [row for row in copy_rows(analysis.trace, since) if row.kind != FILL]
    if not copies:
        return
    heaviest = max(copies, key=lambda row: row.total_ns)
    place, spread = place_of(stretch, "memcpy")
    evidence: dict[str, float | str | None] = {"kind": heaviest.kind}
    if _have_own_streams(analysis, since):
        evidence["own_stream"] = 1.0
    yield Holdup(code=_kind_of(heaviest), share=share, place=place, spread=spread, evidence=evidence)


def _have_own_streams(analysis: Analysis, rows: Ints) -> bool:
    """Whether no kernel runs in a stream of copies, so that these wait for none."""
    work = analysis.trace.activities
    stream = code_combinations(*(ints(work, column)[rows] for column in ("process", "context", "stream")))
    layers = ints(work, "layer")[rows]
    of_kernels, of_copies = (distinct(stream[layers == layer]) for layer in (KERNEL, MEMCPY))
    return not len(np.intersect1d(of_kernels, of_copies))


def _kind_of(copy: CopyRow) -> WaitCode:
    if copy.kind.startswith("unified"):
        return "managed_copies"
    if copy.kind == "device to device":
        return "device_copies"
    return "pageable_copies" if "pageable" in (copy.src_kind, copy.dst_kind) else "exposed_copies"


def _find_calls(analysis: Analysis, stretch: Stretch) -> Iterator[Holdup]:
    """Calls that neither launch nor wait, where those that take most of them allocate or load."""
    share = stretch.share("api")
    if share < WORTH:
        return
    calls = analysis.trace.calls
    rows = np.flatnonzero(ints(calls, "start_ns") >= begin_of(analysis, stretch))
    launching = distinct(ints(analysis.trace.activities, "call"))
    rows = rows[~np.isin(rows, launching)]
    times = _sum_by_name(analysis, rows)
    longest = max(times, key=lambda name: times[name][0], default=None)
    code = None if longest is None or _is_start_up(*times[longest]) else _judge_call(longest)
    if code is not None:
        place, spread = place_of(stretch, "api")
        yield Holdup(code=code, share=share, place=place, spread=spread, evidence={"call": longest})


def _is_start_up(total_ns: float, longest_ns: float) -> bool:
    """Whether one call took most: the first one makes the context, whatever it is called."""
    return longest_ns > MOST_OF_IT * total_ns


def _sum_by_name(analysis: Analysis, rows: Ints) -> dict[str, tuple[float, float]]:
    """(total, longest) of each call that does not wait."""
    calls = analysis.trace.calls
    spent = ints(calls, "end_ns")[rows] - ints(calls, "start_ns")[rows]
    names = ints(calls, "name")[rows]
    known = names >= 0
    sums = np.bincount(names[known], weights=spent[known])
    longest = np.zeros(len(sums), np.int64)
    np.maximum.at(longest, names[known], spent[known])
    times = {
        analysis.trace.name(int(at)): (float(sums[at]), float(longest[at])) for at in np.flatnonzero(sums)
    }
    return {name: ns for name, ns in times.items() if not WAITING.match(name)}


def _judge_call(name: str) -> WaitCode | None:
    if _ALLOCATES.match(name):
        return "allocating"
    return "loading" if _LOADS.match(name) else None


def _mark_graphs(found: Holdup, analysis: Analysis) -> Holdup:
    """Whether what waits for launches is a CUDA graph already."""
    if found.code != "launch_bound" or recorded_graph_mode(analysis.trace) is None:
        return found
    graphs = bool(ints(analysis.trace.activities, "graph_node").any())
    latency, launch = (found.evidence[name] for name in ("latency_share", "launch_share"))
    within = graphs and float(latency or 0.0) > float(launch or 0.0)
    return replace(found, evidence={**found.evidence, "within_graphs": float(within)})
