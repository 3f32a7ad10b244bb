"""FLOPs and bytes that a program declared for its ranges: profiler/annotation put them there.

A range of domain `flopprof` carries its FLOPs as an integer payload, or, where they are known only at its end, in
marks `flops` inside it, one for each kind of arithmetic (`flops:bfloat16`), with a mark `elements` of what was
computed element by element beside: where that is over LEFT_OUT of them, they are not the FLOPs of the range. Its
bytes are the payload of a mark `bytes`. A mark `no flops: …` says why there is none. A mark belongs to the innermost
range of the domain that is open then on its thread; those that begin with `step ` to the innermost start/end range,
which is the step. flopprof's own workers number their reps by the same means; those are no FLOPs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Bools, Ints, distinct, ints
from ..arithmetic.grouped import sum_by_group
from ..arithmetic.nesting import build_nest
from ..export.frames import CROSS_THREAD, INT_PAYLOAD, NO_PAYLOAD, START_END
from ..trace.trace import Trace
from ..words import (
    BYTES_MARK,
    ELEMENTS_MARK,
    FLOPS_MARK,
    LEFT_OUT,
    MEASURE,
    NO_FLOPS_MARK,
    OWN_DOMAIN,
    REP,
    STEP_MARK,
)
from .paths import Paths

LOW_BITS = 32

Amounts = list[int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Per path the sum over its instances; None when an instance of it declares nothing."""

    flops: Amounts
    elements: Amounts
    """What was computed element by element, where that is known."""
    bytes: Amounts
    rates: list[Mapping[str, int]]
    """The FLOPs whose kind of arithmetic is known, by that kind."""
    no_flops: list[tuple[str, ...]]
    """Why there are none, each reason once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Amount:
    """A number for each range, also beyond 64 bits, and whether it declares one."""

    high: Ints
    low: Ints
    """The number is high << LOW_BITS, plus low."""
    known: Bools

    def __add__(self, other: _Amount) -> _Amount:
        return _Amount(high=self.high + other.high, low=self.low + other.low, known=self.known | other.known)


def find_declared(trace: Trace, paths: Paths) -> Declared:
    """What the ranges of a trace declare."""
    nothing: Amounts = [None] * len(paths)
    if OWN_DOMAIN not in trace.names or not len(trace.ranges):
        return Declared(
            flops=nothing,
            elements=nothing,
            bytes=nothing,
            rates=[{}] * len(paths),
            no_flops=[()] * len(paths),
        )
    own = ints(trace.ranges, "domain") == trace.names.index(OWN_DOMAIN)
    marks = _Marks(trace, own)
    by_rate, elements = marks.flops(), marks.amount(ELEMENTS_MARK)
    for amount in by_rate.values():
        elements = replace(elements, known=elements.known | amount.known)
    flops = sum(by_rate.values(), start=_payloads(trace, own))
    known = flops.known | elements.known
    beside = _sum(paths, elements)
    sums = {rate: _sum(paths, replace(amount, known=known)) for rate, amount in by_rate.items() if rate}
    return Declared(
        flops=[
            products if products is None or (left_out or 0) <= LEFT_OUT * products else None
            for products, left_out in zip(_sum(paths, replace(flops, known=known)), beside, strict=True)
        ],
        elements=beside,
        bytes=_sum(paths, marks.amount(BYTES_MARK)),
        rates=[
            {rate: amount for rate, each in sums.items() if (amount := each[path])}
            for path in range(len(paths))
        ],
        no_flops=marks.reasons(paths),
    )


def _payloads(trace: Trace, own: Bools) -> _Amount:
    numbered = own & _has_amount(trace.ranges) & ~_is_rep(trace)
    high, low = _split(np.where(numbered, ints(trace.ranges, "payload"), 0))
    return _Amount(high=high, low=low, known=numbered)


def _split(value: Ints) -> tuple[Ints, Ints]:
    return value >> LOW_BITS, value & ((1 << LOW_BITS) - 1)


def _has_amount(frame: pd.DataFrame) -> Bools:
    return (ints(frame, "payload_kind") == INT_PAYLOAD) & (ints(frame, "payload") >= 0)


def _is_rep(trace: Trace) -> Bools:
    """Reps of flopprof's own workers: `rep` directly in `measure`."""
    if REP not in trace.names or MEASURE not in trace.names:
        return np.zeros(len(trace.ranges), np.bool_)
    names, parent = ints(trace.ranges, "name"), ints(trace.ranges, "parent")
    inside = (parent >= 0) & (names[parent] == trace.names.index(MEASURE))
    return inside & (names == trace.names.index(REP))


class _Marks:
    """The marks of domain `flopprof`, and the range that each belongs to."""

    def __init__(self, trace: Trace, own: Bools) -> None:
        rows = np.flatnonzero(ints(trace.marks, "domain") == trace.names.index(OWN_DOMAIN))
        marks = trace.marks.iloc[rows]
        self._name, self._payload = ints(marks, "name"), ints(marks, "payload")
        self._texts = {code: trace.name(code) for code in distinct(self._name).tolist()}
        self._numbered = _has_amount(marks)
        self._silent = ints(marks, "payload_kind") == NO_PAYLOAD
        style = ints(trace.ranges, "style")
        self._range = _find_ranges(trace, marks, own & (style != CROSS_THREAD))
        steps = np.isin(
            self._name, [code for code, text in self._texts.items() if text.startswith(STEP_MARK)]
        )
        self._range[steps] = _find_ranges(trace, marks[steps], own & (style == START_END))
        self._ranges = len(trace.ranges)

    def amount(self, kind: str) -> _Amount:
        """What marks of one kind say of each range."""
        return self._add_up([code for code, text in self._texts.items() if _kind(text) == kind])

    def flops(self) -> dict[str, _Amount]:
        """What ranges compute, by the kind of arithmetic, "" where that is not told."""
        codes: dict[str, list[int]] = defaultdict(list)
        for code, text in self._texts.items():
            if _kind(text) == FLOPS_MARK:
                codes[text.partition(":")[2]].append(code)
        return {rate: self._add_up(some) for rate, some in codes.items()}

    def reasons(self, paths: Paths) -> list[tuple[str, ...]]:
        """Why ranges have no FLOPs, by path."""
        told: list[dict[str, None]] = [{} for _ in range(len(paths))]
        for code, text in self._texts.items():
            reason = text.removeprefix(STEP_MARK)
            if not reason.startswith(NO_FLOPS_MARK):
                continue
            rows = self._range[(self._name == code) & self._silent & (self._range >= 0)]
            for path in distinct(paths.of_range[rows]).tolist():
                told[path][reason.removeprefix(NO_FLOPS_MARK)] = None
        return [tuple(each) for each in told]

    def _add_up(self, codes: list[int]) -> _Amount:
        wanted = np.isin(self._name, codes) & self._numbered & (self._range >= 0)
        high, low = np.zeros((2, self._ranges), np.int64)
        for part, values in zip((high, low), _split(self._payload[wanted]), strict=True):
            np.add.at(part, self._range[wanted], values)
        known = np.zeros(self._ranges, np.bool_)
        known[self._range[wanted]] = True
        return _Amount(high=high, low=low, known=known)


def _kind(text: str) -> str:
    """What a mark is about: a rate may follow, and `step ` precede."""
    return text.partition(":")[0].removeprefix(STEP_MARK)


def _find_ranges(trace: Trace, marks: pd.DataFrame, among: Bools) -> Ints:
    """Rows of the innermost of some ranges at each mark, on its thread; -1 for none."""
    rows = np.flatnonzero(among)
    columns = (ints(trace.ranges, name)[rows] for name in ("thread", "start_ns", "end_ns"))
    nest = build_nest(rows, *columns, threads=len(trace.threads))
    thread, time = ints(marks, "thread"), ints(marks, "start_ns")
    found = np.full(len(marks), NONE, np.int64)
    for each in nest.threads():
        here = np.flatnonzero(thread == each)
        found[here] = nest.rows_of(nest.innermost(each, time[here]))
    return found


def _sum(paths: Paths, amount: _Amount) -> Amounts:
    """Exact sums by path, also beyond 64 bits: a long training is more than 2**63 FLOPs."""
    if not amount.known.any():
        return [None] * len(paths)
    of_range, count = paths.of_range, len(paths)
    high = sum_by_group(of_range, count, amount.high)
    low = sum_by_group(of_range, count, amount.low)
    unknown = np.bincount(of_range[~amount.known], minlength=count)
    return [
        None if missing else (int(above) << LOW_BITS) + int(below)
        for above, below, missing in zip(high, low, unknown, strict=True)
    ]
