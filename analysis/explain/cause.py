"""One cause of a slow side, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Code = Literal[
    "launch_bound",
    "memory_bound",
    "compute_bound",
    "underfilled",
    "low_occupancy",
    "uncoalesced",
    "narrow_loads",
    "extra_traffic",
    "cache_hits",
    "extra_arithmetic",
    "page_faults",
    "few_cores",
    "not_measured",
]

Limiter = Literal["registers", "shared memory", "block size"]

PART_OF_IT = 0.05
"""What makes less of the difference is no cause of it."""

Evidence = Mapping[str, float | str | None]


BESIDE = 0.25
"""What explains so much of what the first cause does is told beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What holds of an op of a side, or of the side itself (``op`` is None)."""

    code: Code
    side: str
    """The subject's name."""
    of_faster: bool = False
    """Whether that is the faster of the two, which may be not measured either."""
    op: str | None = None
    kernel: str | None = None
    share: float | None = None
    """The part of the side's rep that it concerns; None where that is not known."""
    excess_ns: float | None = None
    """What of the difference it explains at most: what the side would save without it, and no more than it takes longer
    than its like on the other side. Causes are ordered by it."""
    of_difference: float | None = None
    """The same over the difference of the two times."""
    evidence: Evidence = field(default_factory=dict)
    """The numbers that the sentence is made of."""


def choose_leading(causes: Sequence[Cause], codes: Collection[str]) -> tuple[Cause, ...]:
    """The first cause of these codes, and beside it those of other ops that explain a good part of what it does."""
    known = [cause for cause in causes if cause.code in codes]
    leading: dict[str | None, Cause] = {}
    for cause in known:
        if (cause.excess_ns or 0.0) >= BESIDE * (known[0].excess_ns or 0.0):
            leading.setdefault(cause.op, cause)
    return tuple(leading.values())
