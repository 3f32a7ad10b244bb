"""What the times of a comparison are of: a rep of a step, or an instance of a range."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.compare.compare import Pair
from ...analysis.explain.subject import Once

WITH_ARTICLE: dict[Once, str] = {"rep": "a rep", "instance": "an instance"}


def find_once(pairs: Sequence[Pair]) -> Once:
    """Instances where no side is a run's step."""
    return "rep" if any("rep" in (pair.a.once, pair.b.once) for pair in pairs) else "instance"
