"""What is unsure, and what would decide it."""

from __future__ import annotations

from collections.abc import Iterable

from ...analysis.arithmetic.judgement import count_deciding, says_something
from ...analysis.compare.compare import Pair, read_samples
from ..document.names import name_pair
from ..document.numbers import count_noun, format_value

_MOST_SENTENCES = 3


def describe_undecided(pairs: Iterable[Pair]) -> list[str]:
    """One sentence for each unsure pair that was measured more than once, the most time first."""
    unsure = [pair for pair in pairs if pair.verdict == "unsure" and pair.samples and pair.interval]
    unsure.sort(key=lambda pair: -max(pair.ns_a or 0.0, pair.ns_b or 0.0) * (pair.a.reps or 1))
    return [_describe(pair) for pair in unsure[:_MOST_SENTENCES]]


def _describe(pair: Pair) -> str:
    assert pair.interval is not None and pair.samples is not None
    have = min(len(read_samples(thing, pair.samples)) for thing in (pair.a, pair.b))
    need = count_deciding(pair.ratio, pair.interval, have) if pair.ratio is not None else None
    name = name_pair(pair.label)
    if not says_something(pair.interval):
        return f"{name}: unsure; {have} samples a side that differ this much say nothing of the ratio."
    low, high = (format_value(end, "ratio") for end in pair.interval)
    lies = f"{name}: unsure; the ratio lies between {low} and {high}"
    if pair.between_runs_hides:
        return f"{lies}; its runs differ by so much from one to the next that more samples would not decide."
    if need is None:
        return f"{lies}: too near what would decide for a number of samples to be told."
    more = count_noun(need - have, "more sample")
    return f"{lies}, and about {more} a side ({need} in all) would decide."
