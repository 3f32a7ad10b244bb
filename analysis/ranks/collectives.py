"""A rank's collectives: its NCCL kernels, and of which communicator and how large each one was."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..export.identity import TID_MASK, process_key
from ..export.nccl_payload import NcclRanges
from ..trace.trace import Trace
from ..words import KERNEL
from .families import name_families
from .summaries import Collectives


def find_collectives(trace: Trace) -> tuple[Ints, Codes, tuple[str, ...]]:
    """Rows of trace.activities that are NCCL's kernels, in the order of time, with their families."""
    families, of_name = name_families(trace.names)
    family = of_name[ints(trace.activities, "name")]
    wanted = (family >= 0) & (ints(trace.activities, "layer") == KERNEL)
    rows = trace.by_start[wanted[trace.by_start]]
    return rows, family[rows], families


def read_collectives(
    trace: Trace, rows: Ints, family: Codes, families: tuple[str, ...], ranges: NcclRanges
) -> Collectives:
    """The table of some of these rows, with what NCCL's own ranges say of each."""
    of_kernel, kernels = pd.factorize(ints(trace.activities, "name")[rows])
    stream, streams = _number_streams(trace, rows)
    place = _range_of(trace, rows, ranges)
    return Collectives(
        start_ns=ints(trace.activities, "start_ns")[rows],
        end_ns=ints(trace.activities, "end_ns")[rows],
        stream=stream,
        streams=streams,
        family=family,
        families=families,
        kernel=of_kernel.astype(np.int32),
        kernels=tuple(trace.name(int(code)) for code in kernels),
        communicator=np.append(ranges.communicator, NONE)[place],
        size=np.append(ranges.size, NONE)[place],
        bytes=np.append(ranges.bytes, NONE)[place],
    )


def _number_streams(trace: Trace, rows: Ints) -> tuple[Codes, tuple[tuple[int, int], ...]]:
    """A number for each stream, by the order of their first collective."""
    pairs = list(
        zip(
            ints(trace.activities, "context")[rows].tolist(),
            ints(trace.activities, "stream")[rows].tolist(),
            strict=True,
        )
    )
    streams = tuple(dict.fromkeys(pairs))
    number = {pair: at for at, pair in enumerate(streams)}
    return np.array([number[pair] for pair in pairs], np.int32), streams


def _range_of(trace: Trace, rows: Ints, ranges: NcclRanges) -> Ints:
    """The innermost range of NCCL's that was open on the thread of each kernel's call; -1 for none."""
    found = np.full(len(rows), NONE, np.int64)
    call = ints(trace.activities, "call")[rows]
    if not len(ranges) or not len(trace.calls):
        return found
    thread = np.where(call >= 0, ints(trace.calls, "thread")[call], NONE)
    time = ints(trace.calls, "start_ns")[call]
    of_range = _thread_codes(trace, ranges.global_tid)
    for one in np.unique(thread[thread >= 0]).tolist():
        mine, theirs = np.flatnonzero(thread == one), np.flatnonzero(of_range == one)
        found[mine] = _innermost(ranges.start[theirs], ranges.end[theirs], time[mine], theirs)
    return found


def _innermost(start: Ints, end: Ints, time: Ints, places: Ints) -> Ints:
    """The last range to begin that is open at each time; NCCL nests its ranges two or three deep."""
    order = np.argsort(start, kind="stable")
    start, end, places = start[order], end[order], places[order]
    at = np.searchsorted(start, time, side="right") - 1
    for _ in range(_DEEPEST):
        closed = (at >= 0) & (end[at] < time)
        at[closed] -= 1
    open_then = (at >= 0) & (end[at] >= time) if len(end) else at >= 0
    return np.where(open_then, places[np.maximum(at, 0)] if len(places) else NONE, NONE)


_DEEPEST = 4


def _thread_codes(trace: Trace, global_tid: Ints) -> Codes:
    """Codes of threads by their global ids, -1 for one that the trace does not know."""
    process, tid = ints(trace.threads, "process"), ints(trace.threads, "tid")
    known = {
        (trace.processes[int(p)], int(t)): code for code, (p, t) in enumerate(zip(process, tid, strict=True))
    }
    keys, tids = process_key(global_tid), global_tid & np.int64(TID_MASK)
    pairs = zip(keys.tolist(), tids.tolist(), strict=True)
    return np.array([known.get(pair, NONE) for pair in pairs], np.int32)
