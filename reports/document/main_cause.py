"""The main cause of a ratio in a few words, for the sentence that a report begins with.

``mainly 2.43× by bandwidth (1669 GB/s against 2991 GB/s), as the sum of axis=0 is underfilled``
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ...analysis.explain.cause import Cause, choose_leading
from ...analysis.explain.explain import Explanation
from ...analysis.explain.factors import Factor
from .factor_words import PHRASES, compare_values, divide_ratio, name_factor, size_of, tell_together
from .names import clean
from .numbers import format_value
from .remedies import tell_remedies

_PART_OF_IT = 0.25
"""Of the ratio's logarithm: a factor with less is not told beside the largest."""

_MOST_FACTORS = 2

_TELLING_NOTHING = ("passes", "whole_time")
"""Factors that are no reason: how the two passes differ, and the ratio itself."""

_UNLIKE = 1.5
"""Reps that were timed and reps whose CPU time was charged differ by more: the factors are of another moment."""


class MainCause(NamedTuple):
    """What goes into the first sentence, and the one that follows it; each may be empty."""

    why: str = ""
    remedy: str = ""


def tell_main_cause(explanation: Explanation | None) -> MainCause:
    """What makes most of the ratio, what is found of the slower side, and what would help."""
    if explanation is None:
        return MainCause()
    factors = _leading_factors(explanation)
    why = tell_together(explanation, PHRASES, _name)
    told = (
        [f"mainly {' and '.join(_tell_factor(factor, explanation) for factor in factors)}"] if factors else []
    )
    told += [f"as {why}"] if why else []
    saves_bytes = bool(explanation.causes) and any(factor.name == "least_bytes" for factor in factors)
    slower = explanation.b if explanation.ratio > 1 else explanation.a
    leading = choose_leading(explanation.causes, PHRASES)
    return MainCause(
        ", ".join(told),
        tell_remedies(clean(slower.name), leading, saves_bytes=saves_bytes, ops=len(slower.parts)),
    )


def _leading_factors(explanation: Explanation) -> list[Factor]:
    """Those that work in the ratio's direction, the largest first."""
    whole = math.log(explanation.ratio)
    if any(
        factor.name == "passes" and size_of(factor.ratio) > math.log(_UNLIKE)
        for factor in explanation.factors
    ):
        return []
    known = [f for f in divide_ratio(explanation).named if f.measured and f.name not in _TELLING_NOTHING]
    same = [factor for factor in known if math.log(factor.ratio) * whole > 0]
    return [
        factor
        for at, factor in enumerate(same[:_MOST_FACTORS])
        if at == 0 or size_of(factor.ratio) >= _PART_OF_IT * abs(whole)
    ]


def _tell_factor(factor: Factor, explanation: Explanation) -> str:
    size = format_value(max(factor.ratio, 1 / factor.ratio), "ratio")
    return f"{size} by {name_factor(factor, explanation)} ({compare_values(factor)})"


def _name(cause: Cause) -> str:
    side = clean(cause.side)
    return side if cause.op is None or cause.op == cause.side else f"the {clean(cause.op)} of {side}"
