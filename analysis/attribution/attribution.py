"""Which range each piece of device work belongs to.

A device record belongs to the range in which its API call was made. Its *owner* is the innermost range of an
owner domain open on the call's thread at the call's start; every range of any domain open then is *credited*
with it too. A call on a thread without such a range (PyTorch's backward runs on a thread of its own) is
attributed within its process, when that is certain: see `_own_by_process`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, ints
from ..arithmetic.nesting import Nest, build_nest
from ..export.frames import CROSS_THREAD
from ..export.graph_nodes import match_nodes
from ..trace.quality import count_notes
from ..trace.trace import Trace
from ..words import GraphRanges, QualityNote
from .credits import Chain

BY_NONE, BY_THREAD, BY_PROCESS = 0, 1, 2
"""How a record came to its range; index into ATTRIBUTIONS."""

ATTRIBUTIONS = ("none", "thread", "process")

LIBRARY_DOMAINS = frozenset(
    {
        "cublas",
        "cublaslt",
        "cudnn",
        "cusparse",
        "cusolver",
        "cusolverdn",
        "cufft",
        "curand",
        "cutensor",
        "nccl",
        "nvshmem",
        "cccl",
        "cub",
        "thrust",
        "torch.operators",
        "torch.python",
    }
)
"""Domains in which libraries mark their own work; compared without case. Their ranges own nothing by default."""

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Where device work was asked for: one per launching call (and per captured graph node, if so attributed)."""

    call: Codes
    """Row of trace.calls; -1 for a graph node's capture, which is no launch."""
    thread: Codes
    time: Ints
    owner: Codes
    """Row of trace.ranges, -1 for none."""
    kind: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The result for every row of trace.activities."""

    owner: Codes
    """Row of trace.ranges that owns each activity, -1 for none."""
    kind: NDArray[np.int8]
    """BY_NONE, BY_THREAD or BY_PROCESS."""
    site: Codes
    """Where each activity was asked for, -1 for none."""
    sites: Sites
    owners: Nest
    """Ranges of the owner domains on their threads: who owns the host's time."""
    owner_rows: Bools
    """Which rows of trace.ranges may own."""
    chains: tuple[Chain, ...]
    quality: tuple[QualityNote, ...]


def is_library(domain: str) -> bool:
    """Whether a library marks its own work in a domain of this name."""
    return domain.casefold() in LIBRARY_DOMAINS


def attribute(
    trace: Trace, owner_domains: Sequence[str] | None = None, *, graph_ranges: GraphRanges = "launch"
) -> Attribution:
    """Attribute every activity of a trace.

    `owner_domains` are the domains whose ranges may own work; by default all but LIBRARY_DOMAINS. With
    `graph_ranges="capture"` the nodes of CUDA graphs go to the range in which they were recorded.
    """
    own = _owning_ranges(trace, owner_domains)
    cross = ints(trace.ranges, "style") == CROSS_THREAD
    process = ints(trace.threads, "process")
    everyone = _nest_of_all(trace, ~cross)
    owners = everyone if (own | cross).all() else _nest(trace, own & ~cross)
    process_wide, crossing = _process_nest(trace, own & cross), _process_nest(trace, cross)

    call, thread, time, site = _find_sites(trace, graph_ranges)
    of_process = process[thread] if len(thread) else thread
    leaf = _innermost(everyone, thread, time)
    place = leaf if owners is everyone else _innermost(owners, thread, time)
    owner, kind = owners.rows_of(place), np.where(place >= 0, BY_THREAD, BY_NONE).astype(np.int8)
    found = _own_by_process(owners, process, thread, of_process, time, np.flatnonzero(place < 0), call >= 0)
    owner[found.site] = owners.rows_of(found.place)
    homeless = owner < 0
    homeless[found.ambiguous] = False
    free = np.flatnonzero(homeless)
    wide = _innermost(process_wide, of_process[free], time[free])
    owner[free] = process_wide.rows_of(wide)
    kind[owner >= 0] = np.where(place[owner >= 0] >= 0, BY_THREAD, BY_PROCESS)

    sites = Sites(call=call, thread=thread, time=time, owner=owner.astype(np.int32), kind=kind)
    every = np.arange(len(call))
    chains = (
        Chain(nest=everyone, kind=BY_THREAD, site=every, place=leaf, along_paths=True),
        Chain(
            nest=everyone,
            kind=BY_PROCESS,
            site=found.site,
            place=_innermost(everyone, found.thread, time[found.site]),
            along_paths=True,
        ),
        Chain(nest=crossing, kind=BY_PROCESS, site=every, place=_innermost(crossing, of_process, time)),
    )
    return Attribution(
        owner=_of_site(sites.owner, site, NONE),
        kind=_of_site(sites.kind, site, BY_NONE),
        site=site,
        sites=sites,
        owners=owners,
        owner_rows=own,
        chains=chains,
        quality=tuple(count_notes({"ambiguous_thread": len(found.ambiguous)})),
    )


def _owning_ranges(trace: Trace, domains: Sequence[str] | None) -> Bools:
    names = trace.names
    owning = np.array(
        [(not is_library(n)) if domains is None else n in domains for n in names] + [False], np.bool_
    )
    return owning[ints(trace.ranges, "domain")]


def _nest_of_all(trace: Trace, on_threads: Bools) -> Nest:
    """All ranges that stay on their thread: their parents are those that the trace knows."""
    rows, parent = np.flatnonzero(on_threads), ints(trace.ranges, "parent")[on_threads]
    place = np.append(np.cumsum(on_threads) - 1, NONE)  # the last entry is for -1, no parent
    return _nest_by(trace, rows, ints(trace.ranges, "thread"), len(trace.threads), place[parent])


def _nest(trace: Trace, wanted: Bools) -> Nest:
    return _nest_by(trace, np.flatnonzero(wanted), ints(trace.ranges, "thread"), len(trace.threads))


def _process_nest(trace: Trace, wanted: Bools) -> Nest:
    """Ranges that cross threads, as if a process were one thread."""
    rows = np.flatnonzero(wanted)
    process = ints(trace.threads, "process")
    group = process[ints(trace.ranges, "thread")] if len(trace.ranges) else np.zeros(0, np.int32)
    start, end = ints(trace.ranges, "start_ns"), ints(trace.ranges, "end_ns")
    order = np.lexsort((rows, -end[rows], start[rows], group[rows]))
    return _nest_by(trace, rows[order], group, len(trace.processes))


def _nest_by(trace: Trace, rows: Ints, group: Codes, groups: int, parent: Ints | None = None) -> Nest:
    start, end = ints(trace.ranges, "start_ns")[rows], ints(trace.ranges, "end_ns")[rows]
    return build_nest(rows, group[rows], start, end, groups, parent)


def _find_sites(trace: Trace, graph_ranges: GraphRanges) -> tuple[Codes, Codes, Ints, Codes]:
    """(call, thread, time) of every site, and the site of every activity."""
    call = ints(trace.activities, "call")
    launching = np.zeros(len(trace.calls), np.bool_)
    launching[call[call >= 0]] = True
    calls = np.flatnonzero(launching).astype(np.int32)
    number = np.append(np.cumsum(launching) - 1, NONE).astype(np.int32)
    site = number[call]  # -1 takes the last entry
    thread = ints(trace.calls, "thread")[calls]
    time = ints(trace.calls, "start_ns")[calls]
    if graph_ranges == "launch" or not len(trace.graph_nodes):
        return calls, thread, time, site
    process = ints(trace.threads, "process")[ints(trace.graph_nodes, "thread")]
    node, wanted = ints(trace.graph_nodes, "node"), ints(trace.activities, "graph_node")
    place = match_nodes(process, node, ints(trace.activities, "process"), wanted)
    return (
        np.append(calls, np.full(len(node), NONE, np.int32)),
        np.append(thread, ints(trace.graph_nodes, "thread")),
        np.append(time, ints(trace.graph_nodes, "start_ns")),
        np.where(place >= 0, len(calls) + place, site).astype(np.int32),
    )


def _innermost(nest: Nest, group: Codes, time: Ints) -> Ints:
    """The innermost range open at each time in each group (thread or process), by its place in the nest."""
    place = np.full(len(time), NONE, np.int64)
    if not len(nest.row) or not len(time):
        return place
    order = slice(None) if (np.diff(group) >= 0).all() else np.argsort(group, kind="stable")
    sorted_group, sorted_time = group[order], time[order]
    sorted_place = place.copy()
    for one in nest.threads():
        low, high = np.searchsorted(sorted_group, [one, one + 1])
        if high > low:
            sorted_place[low:high] = nest.innermost(one, sorted_time[low:high])
    place[order] = sorted_place
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Sites that another thread's ranges own, and those for which several threads compete."""

    site: Ints
    thread: Ints
    place: Ints
    ambiguous: Ints


def _own_by_process(
    owners: Nest,
    process: Codes,
    thread: Codes,
    of_process: Codes,
    time: Ints,
    homeless: Ints,
    launches: Bools,
) -> _Found:
    """Give sites on threads without an open range to another thread of their process, when it is certain.

    Candidates are the threads with a range open at that moment. One candidate owns; of several, the one that
    launched device work itself inside its outermost open range, if it is the only one.
    """
    open_threads = np.zeros(len(homeless), np.int32)
    working_threads = np.zeros(len(homeless), np.int32)
    only, worker = np.full(len(homeless), NONE, np.int64), np.full(len(homeless), NONE, np.int64)
    for one in owners.threads() if len(homeless) else ():
        near = np.flatnonzero(of_process[homeless] == process[one])
        times = time[homeless[near]]
        outer = owners.outermost(one, times)
        near, outer = near[outer >= 0], outer[outer >= 0]
        if not len(near):
            continue
        works = _launches_inside(owners, np.sort(time[(thread == one) & launches]), outer)
        open_threads[near] += 1
        only[near] = one
        working_threads[near[works]] += 1
        worker[near[works]] = one
    sure = np.where(open_threads == 1, only, np.where(working_threads == 1, worker, NONE))
    chosen = np.flatnonzero(sure >= 0)
    site = homeless[chosen]
    owner_thread = sure[chosen]
    return _Found(
        site=site,
        thread=owner_thread,
        place=_innermost(owners, owner_thread.astype(np.int32), time[site]),
        ambiguous=homeless[(open_threads > 1) & (sure < 0)],
    )


def _launches_inside(owners: Nest, launch_times: Ints, place: Ints) -> Bools:
    """Whether any of a thread's launches lies inside each range."""
    first = np.searchsorted(launch_times, owners.start[place])
    return np.searchsorted(launch_times, owners.end[place]) > first


def _of_site(values: NDArray[_T], site: Codes, none: int) -> NDArray[_T]:
    return np.append(values, np.array([none], values.dtype))[site]
