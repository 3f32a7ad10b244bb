"""What is unsure, and what would decide it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ...analysis.arithmetic.statistics import FEWEST_SAMPLES, THRESHOLD
from ...analysis.compare.compare import Pair, read_samples
from ..document.names import clean
from ..document.numbers import format_value

_WIDEST = 100.0

_MOST_SENTENCES = 3

_MOST_SAMPLES = 1_000_000


def says_something(interval: tuple[float, float]) -> bool:
    """Whether an interval is worth showing: its ends are less than a factor of 100 apart."""
    low, high = interval
    return low > 0 and high / low < _WIDEST


def describe_undecided(pairs: Iterable[Pair]) -> list[str]:
    """One sentence for each unsure pair that was measured more than once, the most time first."""
    unsure = [pair for pair in pairs if pair.verdict == "unsure" and pair.samples and pair.interval]
    unsure.sort(key=lambda pair: -max(pair.ns_a or 0.0, pair.ns_b or 0.0) * (pair.a.reps or 1))
    return [_describe(pair) for pair in unsure[:_MOST_SENTENCES]]


def count_deciding(pair: Pair) -> int | None:
    """How many samples a side, as noisy as these, would about decide; None where that cannot be said."""
    if (
        pair.interval is None
        or pair.samples is None
        or pair.ratio is None
        or not says_something(pair.interval)
    ):
        return None
    have = min(len(read_samples(thing, pair.samples)) for thing in (pair.a, pair.b))
    low, high = (math.log(end) for end in pair.interval)
    size = abs(math.log(pair.ratio))
    wanted = max(size, math.log(1 + THRESHOLD) - size)
    need = math.ceil(have * ((high - low) / 2 / wanted) ** 2 * 1.1)
    found = max(need, FEWEST_SAMPLES, have + 1)
    return found if found <= _MOST_SAMPLES else None


def _describe(pair: Pair) -> str:
    assert pair.interval is not None and pair.samples is not None
    have = min(len(read_samples(thing, pair.samples)) for thing in (pair.a, pair.b))
    need = count_deciding(pair)
    name = clean(pair.label)
    if not says_something(pair.interval) or need is None:
        return f"{name}: unsure; {have} samples a side that differ this much say nothing of the ratio."
    low, high = (format_value(end, "ratio") for end in pair.interval)
    return (
        f"{name}: unsure; the ratio lies between {low} and {high}, and about {need - have} more samples a side "
        f"({need} in all) would decide."
    )
