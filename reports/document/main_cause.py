"""The main cause of a ratio in a few words, for the sentence that a report begins with.

``mainly 2.43× by bandwidth (1669 GB/s against 2991 GB/s), as sum is underfilled``
"""

from __future__ import annotations

import math

from ...analysis.explain.cause import Cause, Code
from ...analysis.explain.explain import Explanation
from ...analysis.explain.factors import Factor
from .factor_words import WORTH_NAMING, format_term, name_factor, tell_together
from .names import clean
from .numbers import format_value

_PART_OF_IT = 0.25
"""Of the ratio's logarithm: a factor with less is not told beside the largest."""

_MOST_FACTORS = 2

_UNLIKE = 1.5
"""Reps that were timed and reps whose CPU time was charged differ by more: the factors are of another moment."""

_WORDS: dict[Code, str] = {
    "launch_bound": "launch-bound",
    "memory_bound": "memory-bound",
    "compute_bound": "compute-bound",
    "underfilled": "underfilled",
    "low_occupancy": "of few warps",
    "uncoalesced": "uncoalesced",
    "extra_traffic": "moving more than its least bytes",
    "extra_arithmetic": "busy with extra arithmetic",
    "page_faults": "slowed by page faults",
    "few_cores": "on few cores",
}


def tell_main_cause(explanation: Explanation | None) -> str:
    """What makes most of the ratio, and what is found of the slower side; empty where neither is known."""
    if explanation is None:
        return ""
    factors = _leading_factors(explanation)
    why = tell_together(explanation.causes, _WORDS, _name)
    told = (
        [f"mainly {' and '.join(_tell_factor(factor, explanation) for factor in factors)}"] if factors else []
    )
    told += [f"as {why}"] if why else []
    return ", ".join(told)


def _leading_factors(explanation: Explanation) -> list[Factor]:
    """Those that work in the ratio's direction, the largest first."""
    whole = math.log(explanation.ratio)
    if any(
        factor.name == "passes" and abs(math.log(factor.ratio)) > math.log(_UNLIKE)
        for factor in explanation.factors
    ):
        return []
    known = [factor for factor in explanation.factors if factor.measured and factor.name != "passes"]
    same = [
        f for f in known if math.log(f.ratio) * whole > 0 and abs(math.log(f.ratio)) > math.log(WORTH_NAMING)
    ]
    ordered = sorted(same, key=lambda factor: -abs(math.log(factor.ratio)))
    return [
        factor
        for at, factor in enumerate(ordered[:_MOST_FACTORS])
        if at == 0 or abs(math.log(factor.ratio)) >= _PART_OF_IT * abs(whole)
    ]


def _tell_factor(factor: Factor, explanation: Explanation) -> str:
    size = format_value(max(factor.ratio, 1 / factor.ratio), "ratio")
    values = f"{format_term(factor, factor.b)} against {format_term(factor, factor.a)}"
    return f"{size} by {name_factor(factor, explanation)} ({values})"


def _name(cause: Cause) -> str:
    of = f" of {clean(cause.side)}" if cause.op is not None and cause.op != cause.side else ""
    return f"{clean(cause.op or cause.side)}{of}"
