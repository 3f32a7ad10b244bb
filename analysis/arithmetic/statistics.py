"""How sure a measured time, or a difference of two, is.

Reps that follow each other are alike, so nothing here treats them as independent draws: intervals come from a
bootstrap of *blocks* of neighbouring samples, wrapped at the ends so that each sample counts alike (Künsch
1989; Politis and Romano 1992). A block holds

    max(n^(1/3), (3/2 · n)^(1/3) · |2ρ / (1 − ρ²)|^(2/3))

samples (Andrews 1991 for an AR(1) process), ρ being the first autocorrelation of "above the median", which
is what moves a median; at most a third of the samples. Percentiles of 1000 replicates give the 95 % interval;
other levels, which 1000 replicates cannot resolve, stretch it by Student's t, whose degrees of freedom are
the blocks less one.

Everything is symmetric: the random numbers of a side come from its own samples, so exchanging the sides
inverts a ratio and its interval and nothing else, and a side against itself is exactly 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .student import NORMAL, quantile, two_sided_tail

Floats = NDArray[np.float64]

REPLICATES = 1000

LEVEL = 0.95

_SEED = b"flopprof"

_MOST_DRAWN = 8 << 20
"""Samples drawn at once, so that a range of a million instances needs no gigabytes."""

_WIDEST = 100.0
"""Of an interval's reach as a logarithm: beyond any ratio of times, and still a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioEstimate:
    """How the medians of two sides compare; B / A.

    ``reach`` is how far the ratio's logarithm may lie below and above, at 95 % and for many samples;
    ``rank_p`` the two-sided p-value of the Mann–Whitney test, ``rank_sign`` whose samples it ranks higher
    (+1: B's).
    """

    ratio: float
    reach: tuple[float, float]
    freedom: float
    rank_p: float
    rank_sign: int
    samples: int
    """Of the side that has fewer."""
    apart: float = 1.0
    """Between the nearest samples of both sides, B / A, where no two of them overlap; else 1."""
    identical: bool = False
    """Both sides are the same measurement, not two alike ones."""

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """The interval of the ratio at a level."""
        stretch = _stretch(level, self.freedom)
        below, above = self.reach
        below, above = (min(reach * stretch, _WIDEST) for reach in (below, above))
        return self.ratio * math.exp(-below), self.ratio * math.exp(above)

    @property
    def p(self) -> float:
        """The least 1 − level whose interval reaches 1."""
        log_ratio = math.log(self.ratio)
        reach = self.reach[0] if log_ratio > 0 else self.reach[1]
        if log_ratio == 0:
            return 1.0
        return _tail(abs(log_ratio) / reach, self.freedom) if reach > 0 else 0.0


def median_interval(samples: ArrayLike, level: float = LEVEL) -> tuple[float, float] | None:
    """The interval of the median of samples in their order, None of under two; of positive ones a ratio each way.

    Few blocks stretch it, but of samples that are not negative never beyond 0.

    >>> median_interval([5.0] * 20)
    (5.0, 5.0)
    """
    values = np.asarray(samples, dtype=np.float64)
    if len(values) < 2:
        return None
    centre = float(np.median(values))
    low, high = np.quantile(_bootstrap_medians(values), [0.025, 0.975]).tolist()
    stretch = _stretch(level, _blocks(values) - 1)
    if low > 0:
        below, above = max(math.log(centre / low), 0.0), max(math.log(high / centre), 0.0)
        below, above = (min(reach * stretch, _WIDEST) for reach in (below, above))
        return centre * math.exp(-below), centre * math.exp(above)
    least = 0.0 if values.min() >= 0 else -math.inf
    return max(centre - max(centre - low, 0.0) * stretch, least), centre + max(high - centre, 0.0) * stretch


def ratio_interval(a: ArrayLike, b: ArrayLike) -> RatioEstimate:
    """The ratio of the medians of two sides' samples (positive, in their order, two at least), B / A."""
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if min(len(left), len(right)) < 2 or min(left.min(), right.min()) <= 0:
        raise ValueError("a ratio needs at least two positive samples on each side")
    centre = math.log(np.median(right)) - math.log(np.median(left))
    replicates = np.log(_bootstrap_medians(right)) - np.log(_bootstrap_medians(left))
    low, high = np.quantile(replicates, [0.025, 0.975])
    rank_p, rank_sign = rank_test(left, right)
    return RatioEstimate(
        ratio=float(np.median(right) / np.median(left)),
        reach=(max(centre - float(low), 0.0), max(float(high) - centre, 0.0)),
        freedom=_blocks(left) + _blocks(right) - 2,
        rank_p=rank_p,
        rank_sign=rank_sign,
        samples=min(len(left), len(right)),
        apart=_measure_gap(left, right),
        identical=np.array_equal(left, right),
    )


def _measure_gap(a: Floats, b: Floats) -> float:
    if b.min() > a.max():
        return float(b.min() / a.max())
    return float(b.max() / a.min()) if b.max() < a.min() else 1.0


def rank_test(a: Floats, b: Floats) -> tuple[float, int]:
    """Mann–Whitney's two-sided p-value, and +1 where B's samples rank higher, −1 where A's do."""
    from scipy.stats import mannwhitneyu

    statistic, p = mannwhitneyu(b, a, alternative="two-sided")
    excess = float(statistic) - len(a) * len(b) / 2
    return float(p), (excess > 0) - (excess < 0)


def _bootstrap_medians(samples: Floats) -> Floats:
    """Medians of REPLICATES resamples in blocks, drawn on the samples' ranks, which are small integers."""
    count, length = len(samples), _block_length(samples)
    order = np.argsort(samples, kind="stable")
    ranks = np.empty(count, dtype=np.uint16 if count <= 0xFFFF else np.uint32)
    ranks[order] = np.arange(count)
    circle = np.concatenate([ranks, ranks[: length - 1]])
    windows = np.lib.stride_tricks.sliding_window_view(circle, length)
    starts = _random(samples).integers(0, count, size=(REPLICATES, -(-count // length)))
    at_once = max(1, _MOST_DRAWN // count)
    drawn = (
        windows[part].reshape(len(part), -1)[:, :count]
        for part in np.split(starts, range(at_once, REPLICATES, at_once))
    )
    ordered = samples[order]
    return np.concatenate([_take_medians(resamples, ordered) for resamples in drawn])


def _take_medians(resamples: NDArray[np.unsignedinteger], ordered: Floats) -> Floats:
    """The median of each row of ranks, as the sample of that rank."""
    count = len(ordered)
    middle = count // 2
    halves = np.partition(resamples, middle, axis=1)
    upper = ordered[halves[:, middle]]
    return upper if count % 2 else (ordered[halves[:, :middle].max(axis=1)] + upper) / 2


def _random(samples: Floats) -> np.random.Generator:
    """Random numbers that depend on the samples, not on the side they stand on."""
    digest = blake2b(np.ascontiguousarray(samples).tobytes(), digest_size=8, key=_SEED).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def _block_length(samples: Floats) -> int:
    count = len(samples)
    above = np.sign(samples - np.median(samples))
    power = float(above @ above)
    rho = min(abs(float(above[1:] @ above[:-1])) / power, 0.99) if power else 0.0
    alike = (1.5 * count) ** (1 / 3) * (2 * rho / (1 - rho * rho)) ** (2 / 3)
    return max(1, min(math.ceil(max(count ** (1 / 3), alike)), count // 3))


def _blocks(samples: Floats) -> int:
    return max(2, len(samples) // _block_length(samples))


def _stretch(level: float, freedom: float) -> float:
    """How much wider an interval of this level is than the normal 95 % one."""
    return quantile(level, freedom) / NORMAL


def _tail(reaches: float, freedom: float) -> float:
    """The two-sided tail beyond so many 95 % reaches; what ``_stretch`` inverts."""
    return two_sided_tail(reaches * NORMAL, freedom)
