"""Why one rep takes longer than another, as factors whose product is the ratio of their times.

On a device, where memory bounds both sides::

    time = least bytes × (moved / least) ÷ (moved / kernel time) × (time / kernel time)

and each factor is B's term over A's: ``least_bytes``, ``excess``, ``bandwidth`` (turned over, as more of it takes
less time) and ``exposure``. Where arithmetic bounds both, the same of FLOPs: ``flops``, ``executed``, ``rate``,
``exposure``. On the CPU user time stands for kernel time, and then come ``system`` (CPU time over user time),
``cores`` at work, and ``passes`` (the time that is told over that of the pass that was charged). Sides that
different floors bound are held against those: ``least_time``, ``roof_share``; where none is known, working time
is a factor itself, or the whole of the time where a side has no kernels. Every term cancels one before it, so the
product is the ratio whatever was measured; a term that is unknown on one side is left out of both, and its factor
is 1 without values. What the memory moved is left out as well where both working sets stay in the L2, which it
says nothing of.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .subject import Subject

FactorName = Literal[
    "least_bytes",
    "excess",
    "moved_bytes",
    "bandwidth",
    "flops",
    "executed",
    "rate",
    "least_time",
    "roof_share",
    "working_time",
    "whole_time",
    "user_time",
    "exposure",
    "system",
    "cores",
    "passes",
]

ONE_ORDER = 10
"""Without a roof, least bytes that differ by more are no sign of what bounds both sides."""

INVERSE: frozenset[FactorName] = frozenset(("bandwidth", "rate", "roof_share", "cores"))
"""More of these takes less time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One term of both sides and what it makes of the ratio; 1 without values where it was not measured."""

    name: FactorName
    ratio: float
    a: float | None = None
    b: float | None = None

    @property
    def measured(self) -> bool:
        """Whether both sides have it."""
        return self.a is not None


Term = tuple[FactorName, float | None]


def measure_factors(a: Subject, b: Subject) -> tuple[Factor, ...]:
    """The factors of B's time over A's; their product is the ratio."""
    basis, known = _basis(a, b), _Known.of(a, b)
    for chain in (_charged_chain, _device_chain):
        terms = [chain(side, basis, known) for side in (a, b)]
        if all(terms):
            return tuple(_factor(mine, its) for mine, its in zip(*terms, strict=True))
    raise AssertionError("the last chain takes any two sides")


def bound_alike(a: Subject, b: Subject) -> bool:
    """Whether one memory bounds both sides; where no roof says so, bytes of one order may."""
    if not (a.least_bytes and b.least_bytes):
        return False
    if a.limit is None and b.limit is None:
        return 1 / ONE_ORDER <= a.least_bytes / b.least_bytes <= ONE_ORDER
    if a.least_bytes == b.least_bytes and a.in_cache == b.in_cache:
        return "compute" not in (a.limit, b.limit)
    return a.limit == b.limit and a.limit in ("memory", "copy") and a.in_cache == b.in_cache


Basis = Literal["bytes", "flops", "floor", "moved", "time"]


def _basis(a: Subject, b: Subject) -> Basis:
    """What both sides' times are taken to be made of."""
    if a.limit == b.limit == "compute" and a.flops and b.flops:
        return "flops"
    if bound_alike(a, b):
        return "bytes"
    if all(side.roof_share and side.working_ns for side in (a, b)):
        return "floor"
    if all(not side.least_bytes and moved_bytes(side) for side in (a, b)):
        return "moved"
    return "time"


def moved_bytes(side: Subject) -> float | None:
    """What a rep moved to and from the device's memory, as counted."""
    return side.counters.moved_bytes if side.counters is not None else None


def executed_flops(side: Subject) -> float | None:
    """What a rep computed, as counted."""
    return side.counters.executed_flops if side.counters is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What both sides have, and whether either has a GPU."""

    on_gpu: bool
    working: bool
    moved: bool
    executed: bool
    charged: bool

    @classmethod
    def of(cls, a: Subject, b: Subject) -> _Known:
        return cls(
            on_gpu={a.device, b.device} != {"cpu"},
            working=_both(a.working_ns, b.working_ns),
            moved=_both(moved_bytes(a), moved_bytes(b)) and not (a.in_cache and b.in_cache),
            executed=_both(executed_flops(a), executed_flops(b)),
            charged=all(_is_charged(side) for side in (a, b)),
        )


def _both(a: float | None, b: float | None) -> bool:
    return all(value is not None and value > 0 and math.isfinite(value) for value in (a, b))


def _is_charged(side: Subject) -> bool:
    use = side.cpu
    return use is not None and use.cores is not None and min(use.user_ns, use.wall_ns) > 0


def _charged_chain(side: Subject, basis: Basis, known: _Known) -> list[Term]:
    """Of a side whose CPU time was charged; nothing where either's was not."""
    use = side.cpu
    if use is None or not known.charged:
        return []
    spent = use.user_ns + use.system_ns
    return [
        *_work_terms(side, basis if basis in ("bytes", "flops") else "time", known, use.user_ns, "user_time"),
        ("system", spent / use.user_ns),
        ("cores", spent / use.wall_ns),
        ("passes", side.time_ns / use.wall_ns),
    ]


def _device_chain(side: Subject, basis: Basis, known: _Known) -> list[Term]:
    """Of any side: the work done in working time, and the time around it."""
    if not known.working or side.working_ns is None:
        bare: FactorName = "whole_time" if known.on_gpu else "working_time"
        return [*_work_terms(side, basis, known, side.time_ns, bare), ("exposure", None)]
    exposure = side.time_ns / side.working_ns
    return [*_work_terms(side, basis, known, side.working_ns, "working_time"), ("exposure", exposure)]


def _work_terms(
    side: Subject, basis: Basis, known: _Known, spent_ns: float, bare: FactorName
) -> Iterable[Term]:
    """Terms whose product is the time that was spent working."""
    moved, executed = moved_bytes(side), executed_flops(side)
    if basis == "bytes" and side.least_bytes:
        done = moved if known.moved and moved else side.least_bytes
        excess = done / side.least_bytes if known.moved else None
        return ("least_bytes", side.least_bytes), ("excess", excess), ("bandwidth", done / spent_ns)
    if basis == "flops" and side.flops:
        done = executed if known.executed and executed else side.flops
        more = done / side.flops if known.executed else None
        return ("flops", side.flops), ("executed", more), ("rate", done / spent_ns)
    if basis == "floor" and side.roof_share:
        return ("least_time", side.roof_share * spent_ns), ("roof_share", side.roof_share)
    if basis == "moved" and moved:
        return ("moved_bytes", moved), ("bandwidth", moved / spent_ns)
    return ((bare, spent_ns),)


def _factor(a: Term, b: Term) -> Factor:
    (name, mine), (_, its) = a, b
    if mine is None or its is None:
        return Factor(name=name, ratio=1.0)
    ratio = mine / its if name in INVERSE else its / mine
    return Factor(name=name, ratio=ratio, a=mine, b=its)
