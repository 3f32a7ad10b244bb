"""Where a series changed its level, if it did: Pettitt's test with a permutation p-value.

A. N. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979) 126–135. With
R the ranks of n values, the statistic of a split after the t-th value is

    U(t) = 2 Σ R(i ≤ t) − t (n + 1),

twice the Mann–Whitney statistic of the two parts, centred. Under "no change" all orders of the values are equally
likely, so p is the share of orders whose largest |U| is at least as large: all n! of them have few distinct values for
small n, hence a seeded sample of them, counting the order at hand.

That says whether there is a change. It does not say well where: ranks cannot tell a split between two levels from one
before the highest of the lower values, and the largest |U| lies too near the middle. The change is named where the
values lie closest to the medians of the two parts (least sum of absolute deviations), of at least three values each:
neither its place nor its p-value is made by one outlier, and times need not be normal. Values must be comparable and
independent of each other, as medians of different runs are. Below eight values even the clearest change has p over
0.05: none is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_VALUES = 8

ORDERS = 9999

FEWEST_SIDE = 3
"""Values on each side of a change: the median of three takes no notice of one outlier."""

_SEED = 19790126

_MOST_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """The most likely change of a series."""

    index: int
    """Of the first value after it."""
    before: float
    """Median of the values before it."""
    after: float
    p: float
    """Of this one series, for "no change at all"."""

    @property
    def ratio(self) -> float:
        """After / before."""
        return self.after / self.before


def find_change(values: Sequence[float]) -> ChangePoint | None:
    """The likeliest split and the p-value of Pettitt's test; None for under eight values.

    >>> change = find_change([10.0, 10.1, 9.9, 10.0, 10.2, 12.0, 12.1, 11.9, 12.2, 12.0])
    >>> change.index, change.p < 0.02
    (5, True)
    """
    if len(values) < FEWEST_VALUES:
        return None
    series = np.asarray(values, dtype=np.float64)
    ranks = mid_ranks(series)
    index = _place_change(series)
    return ChangePoint(
        index=index,
        before=float(np.median(series[:index])),
        after=float(np.median(series[index:])),
        p=_permutation_p(ranks, float(np.abs(split_statistics(ranks[np.newaxis, :])).max())),
    )


def _place_change(series: NDArray[np.float64]) -> int:
    splits = range(FEWEST_SIDE, len(series) - FEWEST_SIDE + 1)
    return min(splits, key=lambda index: _spread(series[:index]) + _spread(series[index:]))


def _spread(values: NDArray[np.float64]) -> float:
    return float(np.abs(values - np.median(values)).sum())


def mid_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of theirs."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[where]


def split_statistics(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """U(1) … U(n − 1) of each row."""
    n = ranks.shape[1]
    t = np.arange(1, n)
    return 2 * np.cumsum(ranks, axis=1)[:, :-1] - t * (n + 1)


def _permutation_p(ranks: NDArray[np.float64], largest: float) -> float:
    random = np.random.default_rng(_SEED)
    rows = max(1, _MOST_CELLS // len(ranks))
    as_large = 0
    for first in range(0, ORDERS, rows):
        count = min(rows, ORDERS - first)
        orders = random.permuted(np.tile(ranks, (count, 1)), axis=1)
        # Sums of half-integers are exact, so equality needs no tolerance.
        as_large += int((np.abs(split_statistics(orders)).max(axis=1) >= largest).sum())
    return (as_large + 1) / (ORDERS + 1)
