"""One cause of a slow side, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Code = Literal[
    "launch_bound",
    "memory_bound",
    "compute_bound",
    "underfilled",
    "low_occupancy",
    "uncoalesced",
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
    """How much longer that takes than its like on the other side; what causes are ordered by."""
    evidence: Evidence = field(default_factory=dict)
    """The numbers that the sentence is made of."""
