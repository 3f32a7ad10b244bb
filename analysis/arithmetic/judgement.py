"""What may be said of ratios: verdicts of those of one comparison together, and how many samples would decide one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .statistics import LEVEL, RatioEstimate

Verdict = Literal["same", "faster", "slower", "unsure"]

THRESHOLD = 0.02
"""A change under 2 % is no change worth acting on."""

FEWEST_SAMPLES = 10
"""Below this no verdict is given, but where the interval excludes 1 by a factor of ten."""

MOST_APART = 100.0
"""An interval whose ends are further apart, as a factor, says nothing."""

MOST_SAMPLES = 1_000_000
"""Nobody takes more."""

PLAIN = 10.0

FEWEST_APART = 5
"""Enough where every sample of one side lies beyond every one of the other, by more than the threshold."""

_SPARE = 1.1
"""Samples told beyond what would just decide: the next ones are not exactly as noisy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What may be said of one ratio among all those of a comparison."""

    ratio: float
    interval: tuple[float, float]
    p: float
    """Of the rank test, adjusted for the number of ratios judged together."""
    verdict: Verdict


def adjust_holm(p: Sequence[float]) -> list[float]:
    """P-values adjusted for being judged together (Holm 1979), in the order given; not capped at 1.

    >>> adjust_holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    factors = len(p) - np.arange(len(p))
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(np.asarray(p, dtype=np.float64)[order] * factors)
    return adjusted.tolist()


def judge(estimates: Sequence[RatioEstimate], threshold: float = THRESHOLD) -> list[Judgement]:
    """The verdicts of one comparison: ``same``, ``faster`` or ``slower`` than A, ``unsure``.

    An interval's level is adjusted as Holm adjusts its p-value, so that it excludes 1 exactly where the
    adjusted p-value is under 5 %. The threshold is symmetric: 2 % allows 1/1.02 … 1.02.
    """
    own = [estimate.p for estimate in estimates]
    together = adjust_holm(own)
    rank_p = adjust_holm([estimate.rank_p for estimate in estimates])
    judgements: list[Judgement] = []
    for estimate, p, adjusted, rank in zip(estimates, own, together, rank_p, strict=True):
        share = p / adjusted if adjusted > 0 else 1 / len(estimates)
        interval = estimate.interval(1 - (1 - LEVEL) * share)
        rank = min(rank, 1.0)
        verdict = _decide(estimate, interval, rank, threshold)
        judgements.append(Judgement(ratio=estimate.ratio, interval=interval, p=rank, verdict=verdict))
    return judgements


def _decide(
    estimate: RatioEstimate, interval: tuple[float, float], rank_p: float, threshold: float
) -> Verdict:
    low, high = interval
    if estimate.identical:
        return "same"
    is_apart = max(estimate.apart, 1 / estimate.apart) > 1 + threshold
    if estimate.samples < (FEWEST_APART if is_apart else FEWEST_SAMPLES):
        return _decide_plainly(interval)
    if 1 / (1 + threshold) <= low and high <= 1 + threshold:
        return "same"
    if rank_p >= 1 - LEVEL:
        return "unsure"
    if low > 1 and estimate.rank_sign > 0 and estimate.ratio > 1 + threshold:
        return "slower"
    if high < 1 and estimate.rank_sign < 0 and estimate.ratio < 1 / (1 + threshold):
        return "faster"
    return "unsure"


def _decide_plainly(interval: tuple[float, float]) -> Verdict:
    """Of few samples: only what no noise explains, an interval that excludes 1 by a factor of ten."""
    low, high = interval
    return "slower" if low > PLAIN else "faster" if high < 1 / PLAIN else "unsure"


def says_something(interval: tuple[float, float]) -> bool:
    """Whether an interval is worth showing: its ends are less than a factor of 100 apart."""
    low, high = interval
    return low > 0 and high / low < MOST_APART


def count_deciding(ratio: float, interval: tuple[float, float], have: int) -> int | None:
    """How many samples a side, as noisy as the ``have`` there are, would about decide; None where none can be said.

    A ratio beyond the threshold is decided once the interval's end on the side of 1 has passed 1, one within it once
    both ends are within it: none can be said where the ratio is so near the threshold, or only the ranks disagree.

    >>> count_deciding(1.03, (0.97, 1.09), 50), count_deciding(1.001, (0.999, 1.034), 50)
    (227, 164)
    """
    if ratio <= 0 or not says_something(interval):
        return None
    found = math.ceil(have * _count_widths(ratio, interval) ** 2 * _SPARE)
    if found <= have >= FEWEST_SAMPLES:
        return None
    found = max(found, FEWEST_SAMPLES, have + 1)
    return found if found <= MOST_SAMPLES else None


def _count_widths(ratio: float, interval: tuple[float, float]) -> float:
    """How many times narrower the interval has to be around its ratio to decide."""
    size, low, high = (math.log(number) for number in (ratio, *interval))
    if size < 0:
        size, low, high = -size, -high, -low
    allowed = math.log(1 + THRESHOLD)
    if size > allowed:
        return max(0.0, size - low) / size
    room = max(allowed - size, 1e-9)
    return max((high - size) / room, (size - low) / (allowed + size))
