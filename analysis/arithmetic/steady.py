"""How many of the first instances of something that repeats are start-up and warm-up.

The times are split where they lie closest to the medians of the two parts (least sum of absolute deviations of
logarithms, as change_point.py places a change). The part before is warm-up if it is at most half and its median is
over 5 % above the median of the part after and beyond its noise (five median absolute deviations), and if at most a
quarter of the part after is about as slow, as half of it is where steps of two kinds take turns; then the rest is
looked at in the same way, for warming up has several stages. Where that finds nothing, as in a long series that
drifts, a first instance is start-up that takes over three times the median and no less than any other. At least half of
the instances, and three, stay. Of a long series the first 2,000 are looked at, half of them the most that warm-up may
last. Single slow instances later on are no warm-up, and neither is a beginning that was faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush, heappushpop

import numpy as np
from numpy.typing import NDArray

FEWEST_STEADY = 3

MOST_LOOKED_AT = 2000

LEAST_EXCESS = 1.05

DEVIATIONS = 5.0

FAR_SLOWER = 3.0

MOST_AS_SLOW = 0.25
ABOUT_AS_SLOW = 0.75
"""The share of what comes after that may be about as slow as warm-up, and how far up towards it that begins."""

Floats = NDArray[np.float64]


def count_warm_up(times: Sequence[float] | Floats) -> int:
    """The number of first instances that are not steady yet.

    >>> count_warm_up([30.0, 30.0, *[1.0, 1.01] * 7]), count_warm_up([30.0, 2.0, 1.2, *[1.0] * 13])
    (2, 3)
    >>> count_warm_up([1.0, 1.01] * 8), count_warm_up([1.0] * 8 + [9.0] + [1.0] * 7)
    (0, 0)
    """
    series = np.log(np.maximum(np.asarray(times[:MOST_LOOKED_AT], dtype=np.float64), 1e-9))
    most = min(len(series) // 2, len(series) - FEWEST_STEADY)
    start = 0
    while start < most:
        found = _split(series[start:], most - start) or _starts_up(series[start:])
        if not found:
            break
        start += found
    return start


def _split(series: Floats, most: int) -> int:
    """The length of the warm-up before the likeliest split; 0 where that is none."""
    before, after = list(running_spreads(series)), list(running_spreads(series[::-1]))[::-1]
    at = min(range(1, len(series) - FEWEST_STEADY + 1), key=lambda at: before[at - 1] + after[at])
    if at > most:
        return 0
    first, rest = series[:at], series[at:]
    level = float(np.median(rest))
    noise = DEVIATIONS * float(np.median(np.abs(rest - level)))
    slow = float(np.median(first))
    as_slow = float(np.mean(rest > level + ABOUT_AS_SLOW * (slow - level)))
    return at if slow > level + max(np.log(LEAST_EXCESS), noise) and as_slow <= MOST_AS_SLOW else 0


def _starts_up(series: Floats) -> int:
    """1 where the first one is by far the slowest, else 0."""
    first = float(series[0])
    return int(first > float(np.median(series)) + np.log(FAR_SLOWER) and first >= float(series.max()))


def running_spreads(values: Iterable[float]) -> Iterator[float]:
    """Of the first one, two, three, … values: the sum of their distances from their median."""
    low: list[float] = []  # the lower half with its signs turned, its greatest first
    high: list[float] = []
    low_sum = high_sum = 0.0
    for value in map(float, values):
        moved = heappushpop(high, value)
        high_sum += value - moved
        heappush(low, -moved)
        low_sum += moved
        if len(low) > len(high) + 1:
            moved = -heappop(low)
            low_sum -= moved
            heappush(high, moved)
            high_sum += moved
        yield high_sum - low_sum + (-low[0] * (len(low) - len(high)))
