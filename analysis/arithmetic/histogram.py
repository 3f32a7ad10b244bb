"""How often values lie where: bins between round numbers, however far a few values lie from the others."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)

_MIDDLE, _REACH = (5.0, 95.0), 1.5
"""The percentiles between which most values lie, and how many times that far beyond them bins of one width go on."""

_DIGITS = 3
"""So many digits of an edge are read, so that edges differ in them."""

Floats = NDArray[np.float64]


def count_in_bins(values: Floats, bins: int) -> list[tuple[float, float, int]]:
    """(from, to, how many) of about so many bins of one width; what lies far from most values is in a first or a last
    one of its own. Values are positive, and not all the same.

    >>> count_in_bins(np.array([103.2, 104.9, 105.1, 105.4, 106.7]), 3)
    [(103.0, 104.0, 1), (104.0, 105.0, 1), (105.0, 106.0, 2), (106.0, 107.0, 1)]
    >>> count_in_bins(np.array([10.2, 10.4, 11.3, 11.9] * 9 + [609.0]), 3)
    [(10.0, 10.5, 18), (10.5, 11.0, 0), (11.0, 11.5, 9), (11.5, 12.0, 9), (12.0, 609.0, 1)]
    """
    least, most = float(values.min()), float(values.max())
    low, high = np.percentile(values, _MIDDLE).tolist()
    reach = _REACH * (high - low)
    near = values[(values >= low - reach) & (values <= high + reach)] if reach else values
    start, end = float(near.min()), float(near.max())
    width = max(_round_width((end - start) / bins), 10.0 ** (math.floor(math.log10(end)) - _DIGITS + 1))
    first, last = math.floor(start / width), max(math.ceil(end / width), math.floor(start / width) + 1)
    edges = [at * width for at in range(first, last + 1)]
    edges = [*([least] if least < edges[0] else []), *edges, *([most] if most > edges[-1] else [])]
    counts, _ = np.histogram(values, bins=edges)
    return list(zip(edges[:-1], edges[1:], counts.tolist(), strict=True))


def _round_width(width: float) -> float:
    """The round number that is nearest to a width, as a ratio."""
    power = 10.0 ** math.floor(math.log10(width))
    return min((power * one for one in _ROUND), key=lambda one: abs(math.log(one / width)))
