"""Copies that run beside kernels: where they take nearly as long as a step, faster kernels alone save little of it."""

from __future__ import annotations

import numpy as np

from ..arithmetic.arrays import Bools, distinct, ints
from ..breakdown.analyze import Analysis
from ..words import MEMCPY
from .holdups import WORTH, Holdup, Stretch
from .work_holdups import begin_of, choose_stretch, union_ns

KERNEL_CODES = (
    *("memory_bound", "compute_bound", "underfilled", "low_occupancy"),
    *("uncoalesced", "narrow_loads", "extra_traffic", "extra_arithmetic"),
)
"""What holds kernels back, and nothing else."""


def find_floor(analysis: Analysis, holdups: tuple[Holdup, ...]) -> float | None:
    """The share of a step (of a whole trace) in which copies run, beside kernels or not, where a remedy for kernels is
    against more than the rest of it; else None, as of several devices, on which they run side by side.
    """
    stretch = choose_stretch(analysis)
    against = sum(one.share for one in holdups if _is_of_kernels(one))
    if stretch is None or not against or _has_several(analysis) or _has_hiccups(analysis):
        return None
    mine = ints(analysis.trace.activities, "layer") == MEMCPY
    if stretch.instances is not None:
        mine &= _is_within(analysis, stretch)
    copies = union_ns(analysis, mine) / (stretch.instances or 1) / stretch.whole_ns
    hidden = copies - stretch.share("memcpy")
    return copies if hidden >= WORTH and against > max(1.0 - copies, 0.0) + WORTH else None


def _is_of_kernels(holdup: Holdup) -> bool:
    """Whether its remedy is a faster kernel: kernels are named by what holds them back, or are yet to be measured."""
    if holdup.code == "not_measured":
        return holdup.evidence.get("brings") == "profile"
    return holdup.code in KERNEL_CODES


def _has_several(analysis: Analysis) -> bool:
    return len(distinct(ints(analysis.trace.activities, "device"))) > 1


def _has_hiccups(analysis: Analysis) -> bool:
    """Whether some steps are in none of the layers."""
    return bool(analysis.steps) and analysis.steps[0].hiccups > 0


def _is_within(analysis: Analysis, stretch: Stretch) -> Bools:
    """Which device records belong to a steady step, or to a range inside one."""
    ranges, names = analysis.trace.ranges, analysis.trace.names
    texts = (part[-1] for part in stretch.name)
    domain, name = (names.index(text) if text in names else -1 for text in texts)
    step = (ints(ranges, "domain") == domain) & (ints(ranges, "name") == name)
    step &= ints(ranges, "start_ns") >= begin_of(analysis, stretch)
    parent = ints(ranges, "parent")
    rows = analysis.attribution.owner.astype(np.int64)
    within = np.zeros(len(rows), np.bool_)
    while (open_ := np.flatnonzero(rows >= 0)).size:
        within[open_] |= step[rows[open_]]
        rows = np.where(rows >= 0, parent[rows], -1)
    return within
