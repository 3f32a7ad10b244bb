"""Why the sides of a comparison differ, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.compare.compare import Pair
from ...analysis.compare.pair_reasons import explain_pair
from ..document.cause_words import describe_causes, describe_missing
from ..document.document import Explanation
from ..document.factor_words import describe_factors
from ..document.names import clean, name_pair

_MOST_EXPLAINED = 12


def explain_pairs(pairs: Sequence[Pair]) -> tuple[Explanation, ...]:
    """The decided pairs, those with most time at stake first: the ratio's factors, then the slower side's causes."""
    decided = [pair for pair in pairs if pair.verdict in ("faster", "slower")]
    ordered = sorted(decided, key=_stake, reverse=True)[:_MOST_EXPLAINED]
    found = [(pair, reasons) for pair in ordered if (reasons := explain_pair(pair)) is not None]
    panels = [
        Explanation(
            title=_name(pair),
            sentences=(
                f"Ratio B / A: {describe_factors(reasons)}.",
                *describe_causes([reasons]),
            ),
        )
        for pair, reasons in found
    ]
    missing = describe_missing([reasons for _, reasons in found])
    return (*panels, *([Explanation(title="Not measured", sentences=tuple(missing))] if missing else ()))


def _stake(pair: Pair) -> float:
    return abs((pair.ns_b or 0.0) - (pair.ns_a or 0.0))


def _name(pair: Pair) -> str:
    sides = f"{pair.value_a} → {pair.value_b}"
    return clean(f"{name_pair(pair.label)}: {sides}" if pair.label else sides)
