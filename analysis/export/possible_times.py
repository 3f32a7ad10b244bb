"""Which recorded times, sizes and launches can be true, and which rows are dropped because their times cannot."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..arithmetic.arrays import Bools, Ints
from .raw_tables import Table

FARTHEST_NS = 1 << 62
"""No clock reads later than this (year 2116 in ns since 1970): beyond it, sums would overflow."""

LONGEST_NS = 1 << 50
"""No record lasts longer than this: 13 days."""

MOST_DEVICE_NS, MOST_NS = 1 << 56, 1 << 60
"""All records of a device, or all calls or ranges, do not take longer together (2 and 36 years): sums must hold."""

MOST_BYTES = 1 << 50
"""No copy moves more than this, a pebibyte."""

LAUNCH_LIMITS = {
    "grid_x": (1, (1 << 31) - 1),
    "grid_y": (1, (1 << 16) - 1),
    "grid_z": (1, (1 << 16) - 1),
    "block_x": (1, 1024),
    "block_y": (1, 1024),
    "block_z": (1, 64),
    "registers": (0, 1 << 16),
    "static_shared_bytes": (0, 1 << 30),
    "dynamic_shared_bytes": (0, 1 << 30),
}
"""What the CUDA C++ Programming Guide has for all GPUs, and what no SM will have soon."""

MOST_THREADS = 1024
"""Of a block."""


def possible_times(table: Table, *, of_device: bool = False) -> Bools:
    """Rows whose start and end are there, in order, and not absurd.

    A device record of 0 to 0 is one that CUPTI could not time; elsewhere small and negative starts are fine.
    """
    start, end = table.values("start", 0), table.values("end", 0)
    good = (end >= start) & table.known("start") & table.known("end")
    if not len(good) or _unremarkable(start, end, good, of_device=of_device):
        return good
    good &= is_within_reach(start) & is_within_reach(end)
    good[good] = end[good] - start[good] <= LONGEST_NS
    if of_device:
        good &= (start != 0) | (end != 0)
    rows = np.flatnonzero(good)
    good[rows] = fit_sum(end[rows] - start[rows], MOST_DEVICE_NS if of_device else MOST_NS)
    return good


def fit_sum(amount: Ints, most: int) -> Bools:
    """Which amounts may stay so that their sum is not beyond `most`: the least of them."""
    if float(amount.sum(dtype=np.float64)) < most / 2:
        return np.ones(len(amount), np.bool_)
    order = np.argsort(amount, kind="stable")
    kept = np.zeros(len(amount), np.bool_)
    kept[order] = np.cumsum(amount[order], dtype=np.float64) < most
    return kept


def possible_bytes(amount: Ints, known: Bools) -> Bools:
    """Byte counts that can be true: not negative, not absurd, alone and together."""
    good = known & (amount >= 0) & (amount <= MOST_BYTES)
    rows = np.flatnonzero(good)
    good[rows] = fit_sum(amount[rows], MOST_NS)
    return good


def possible_launches(values: Mapping[str, Ints], known: Mapping[str, Bools]) -> dict[str, Bools]:
    """By column which values of launch geometries can be, or are not there; a block is judged by its threads, too."""
    good = {}
    for name, column in values.items():
        least, most = LAUNCH_LIMITS[name]
        good[name] = ~known[name] | ((column >= least) & (column <= most))
    blocks = [name for name in values if name.startswith("block")]
    threads = np.prod([np.where(good[name], values[name], 1) for name in blocks], axis=0)
    for name in blocks:
        good[name] &= threads <= MOST_THREADS
    return good


def is_within_reach(time: Ints) -> Bools:
    """Times that a clock can read; not by their absolute values, for that of the least integer is negative."""
    return (time > -FARTHEST_NS) & (time < FARTHEST_NS)


def _unremarkable(start: Ints, end: Ints, good: Bools, *, of_device: bool) -> bool:
    """Whether a look at the extremes is enough, as in almost every trace."""
    least = int(start.min())
    return (
        bool(good.all())
        and least > (0 if of_device else -FARTHEST_NS)
        and int(end.max()) < FARTHEST_NS
        and int(end.max()) - least <= LONGEST_NS
        and float((end - start).sum(dtype=np.float64)) < MOST_DEVICE_NS / 2
    )
