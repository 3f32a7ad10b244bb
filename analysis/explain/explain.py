"""The explanation of two reps' times: factors that close, and the causes on the slower side.

::

    step, range -subject_of_…-> Subject ×2 -explain-> Explanation{[Factor], [Cause]}
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..arithmetic.judgement import THRESHOLD
from .cause import Cause
from .causes import find_causes
from .factors import Factor, measure_factors
from .subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why B takes ``ratio`` the time of A."""

    a: Subject
    b: Subject
    ratio: float
    factors: tuple[Factor, ...]
    """Their product is the ratio."""
    causes: tuple[Cause, ...]
    """Of the slower side; none where the two take as long as far as can be told."""
    unexplained: bool = False
    """Whether there is a difference, everything was measured, and no cause was found."""

    def side_of(self, cause: Cause) -> Literal["a", "b"]:
        """Which of the two a cause is of."""
        return "b" if (self.ratio > 1) != cause.of_faster else "a"


def explain(a: Subject, b: Subject, interval: tuple[float, float] | None = None) -> Explanation | None:
    """B against A; ``interval`` is that of the ratio. None where a time is not above zero."""
    if not all(math.isfinite(side.time_ns) and side.time_ns > 0 for side in (a, b)):
        return None
    ratio = b.time_ns / a.time_ns
    slow, fast = (b, a) if ratio > 1 else (a, b)
    differ = _differ(ratio, interval)
    causes = find_causes(slow, fast) if differ else ()
    factors = measure_factors(a, b)
    return Explanation(
        a=a, b=b, ratio=ratio, factors=factors, causes=causes, unexplained=differ and not causes
    )


def _differ(ratio: float, interval: tuple[float, float] | None) -> bool:
    """Whether there is a difference to explain: beyond 2 %, and beyond what the interval leaves open."""
    if interval is not None and interval[0] <= 1 <= interval[1]:
        return False
    return not 1 / (1 + THRESHOLD) <= ratio <= 1 + THRESHOLD
