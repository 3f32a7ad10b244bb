"""Mann–Whitney's test, as SciPy makes it: by the normal approximation unless a side is small and no two are equal.

The approximation (with the corrections for ties and for continuity) is a few sums over ranks; loading `scipy.stats`
for it takes longer than all the rest of a comparison of small traces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .change_point import mid_ranks

Floats = NDArray[np.float64]

EXACT_BELOW = 9
"""Samples of the smaller side below which the distribution is counted out."""


def rank_test(a: Floats, b: Floats) -> tuple[float, int]:
    """Mann–Whitney's two-sided p-value, and +1 where B's samples rank higher, −1 where A's do."""
    together = np.concatenate([b, a])
    ties = np.unique(together, return_counts=True)[1].astype(np.float64)
    if min(len(a), len(b)) < EXACT_BELOW and len(ties) == len(together):
        statistic, p = _count_out(a, b)
    else:
        ranks = float(mid_ranks(together)[: len(b)].sum())
        statistic = ranks - len(b) * (len(b) + 1) / 2
        p = _approximate(statistic, len(b), len(a), ties)
    excess = statistic - len(a) * len(b) / 2
    return p, (excess > 0) - (excess < 0)


def _count_out(a: Floats, b: Floats) -> tuple[float, float]:
    from scipy.stats import mannwhitneyu

    statistic, p = mannwhitneyu(b, a, alternative="two-sided")
    return float(statistic), float(p)


def _approximate(statistic: float, n1: int, n2: int, ties: Floats) -> float:
    """The p-value of U; `ties` are how often each value occurs."""
    from scipy.special import ndtr

    n = n1 + n2
    tied = np.sum(ties**3 - ties)
    deviation = np.sqrt(n1 * n2 / 12 * ((n + 1) - tied / (n * (n - 1))))
    if not deviation:
        return 1.0
    above = max(statistic, n1 * n2 - statistic) - n1 * n2 / 2 - 0.5
    return min(2 * float(ndtr(-(above / deviation))), 1.0)
