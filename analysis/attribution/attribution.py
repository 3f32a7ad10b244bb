"""Which range each piece of device work belongs to.

A device record belongs to the range in which its API call was made. Its *owner* is the innermost range of an
owner domain open on the call's thread at the call's start; every range of any domain open then is *credited*
with it too. A call on a thread without such a range (PyTorch's backward runs on a thread of its own) is
attributed within its process, when that is certain: see ownership.py.
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
from .helper_threads import judge_helpers
from .ownership import BY_NONE, BY_PROCESS, BY_THREAD, Ownership, find_innermost
from .sites import Sites

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
class Attribution:
    """The result for every row of trace.activities."""

    owner: Codes
    """Row of trace.ranges that owns each activity, -1 for none."""
    kind: NDArray[np.int8]
    """BY_NONE, BY_THREAD or BY_PROCESS."""
    site: Codes
    """Where each activity was asked for, -1 for none."""
    sites: Sites
    ownership: Ownership
    """Who owns the host's time, too."""
    foreign: Bools
    """Work of sites of BY_PROCESS that is not the range's own: no rate of the range's may count it."""
    unsure: Bools
    """Work of which that cannot be told."""
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
    launched = call >= 0
    rule = Ownership(
        threads=owners,
        processes=process_wide,
        process_of=process,
        launches=(thread, time) if launched.all() else (thread[launched], time[launched]),
    )
    owned = rule.own(thread, time)
    found = owned.elsewhere
    leaf = find_innermost(everyone, thread, time).astype(np.int32)
    of_process = process[thread] if len(thread) else thread
    sites = Sites(call=call, thread=thread, time=time, owner=owned.row.astype(np.int32), kind=owned.kind)
    helped = judge_helpers(trace, sites, site, found)
    every = np.arange(len(call), dtype=np.int32)
    chains = [
        Chain(nest=everyone, kind=BY_THREAD, site=every, place=leaf, along_paths=True),
        Chain(
            nest=everyone,
            kind=BY_PROCESS,
            site=found.at,
            place=find_innermost(everyone, found.thread.astype(np.int32), time[found.at]),
            along_paths=True,
        ),
    ]
    if len(crossing.row):
        place = find_innermost(crossing, of_process, time)
        chains.append(Chain(nest=crossing, kind=BY_PROCESS, site=every, place=place))
    return Attribution(
        owner=_of_site(sites.owner, site, NONE),
        kind=_of_site(sites.kind, site, BY_NONE),
        site=site,
        sites=sites,
        ownership=rule,
        foreign=helped.foreign,
        unsure=helped.unsure,
        owner_rows=own,
        chains=tuple(chains),
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


def _of_site(values: NDArray[_T], site: Codes, none: int) -> NDArray[_T]:
    return np.append(values, np.array([none], values.dtype))[site]
