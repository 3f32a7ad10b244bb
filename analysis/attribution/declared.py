"""FLOPs and bytes that a program declared for its ranges: `annotate` of profiler/annotation/ranges.py put them there.

A range of domain `flopprof` carries its FLOPs as an integer payload. Its bytes are the payload of a mark `bytes`
of the same domain and thread, which belongs to the innermost such range open then. flopprof's own workers number
their reps by the same means; those are no FLOPs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import Bools, Ints, ints
from ..arithmetic.grouped import sum_by_group
from ..arithmetic.nesting import build_nest
from ..export.frames import CROSS_THREAD, INT_PAYLOAD
from ..trace.trace import Trace
from ..words import BYTES_MARK, MEASURE, OWN_DOMAIN, REP
from .paths import Paths

LOW_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Per path the sum over its instances; None when an instance of it declares nothing."""

    flops: list[int | None]
    bytes: list[int | None]


def find_declared(trace: Trace, paths: Paths) -> Declared:
    """What the ranges of a trace declare."""
    if OWN_DOMAIN not in trace.names or not len(trace.ranges):
        return Declared(flops=[None] * len(paths), bytes=[None] * len(paths))
    own = ints(trace.ranges, "domain") == trace.names.index(OWN_DOMAIN)
    numbered = own & _has_amount(trace.ranges) & ~_is_rep(trace)
    payload = np.where(numbered, ints(trace.ranges, "payload"), 0)
    moved, marked = _bytes_of_ranges(trace, own)
    return Declared(flops=_sum(paths, payload, numbered), bytes=_sum(paths, moved, marked))


def _has_amount(frame: pd.DataFrame) -> Bools:
    return (ints(frame, "payload_kind") == INT_PAYLOAD) & (ints(frame, "payload") >= 0)


def _is_rep(trace: Trace) -> Bools:
    """Reps of flopprof's own workers: `rep` directly in `measure`."""
    if REP not in trace.names or MEASURE not in trace.names:
        return np.zeros(len(trace.ranges), np.bool_)
    names, parent = ints(trace.ranges, "name"), ints(trace.ranges, "parent")
    inside = (parent >= 0) & (names[parent] == trace.names.index(MEASURE))
    return inside & (names == trace.names.index(REP))


def _bytes_of_ranges(trace: Trace, own: Bools) -> tuple[Ints, Bools]:
    """Bytes of each range, and whether it has a mark at all."""
    moved, marked = np.zeros(len(trace.ranges), np.int64), np.zeros(len(trace.ranges), np.bool_)
    marks = trace.marks
    if BYTES_MARK not in trace.names or not len(marks):
        return moved, marked
    wanted = (ints(marks, "domain") == trace.names.index(OWN_DOMAIN)) & _has_amount(marks)
    wanted &= ints(marks, "name") == trace.names.index(BYTES_MARK)
    rows = np.flatnonzero(own & (ints(trace.ranges, "style") != CROSS_THREAD))
    columns = (ints(trace.ranges, name)[rows] for name in ("thread", "start_ns", "end_ns"))
    nest = build_nest(rows, *columns, threads=len(trace.threads))
    thread, time, payload = (ints(marks, name) for name in ("thread", "start_ns", "payload"))
    for each in nest.threads():
        here = np.flatnonzero(wanted & (thread == each))
        range_of = nest.rows_of(nest.innermost(each, time[here]))
        inside = range_of >= 0
        np.add.at(moved, range_of[inside], payload[here[inside]])
        marked[range_of[inside]] = True
    return moved, marked


def _sum(paths: Paths, value: Ints, known: Bools) -> list[int | None]:
    """Exact sums by path, also beyond 64 bits: a long training is more than 2**63 FLOPs."""
    if not known.any():
        return [None] * len(paths)
    of_range, count = paths.of_range, len(paths)
    high = sum_by_group(of_range, count, value >> LOW_BITS)
    low = sum_by_group(of_range, count, value & ((1 << LOW_BITS) - 1))
    unknown = np.bincount(of_range[~known], minlength=count)
    return [
        None if missing else (int(above) << LOW_BITS) + int(below)
        for above, below, missing in zip(high, low, unknown, strict=True)
    ]
