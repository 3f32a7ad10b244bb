"""What ``--fail-above`` did: how many pairs were decided, which were not, and what could not be compared at all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from .compare import Comparison, Pair, find_slower


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The pairs of a comparison as a gate sees them."""

    percent: float | None
    """Slower by more fails; None without ``--fail-above``."""
    fail_undecided: bool
    slower: tuple[Pair, ...]
    """Slower by more than the percentage."""
    decided: int
    undecided: tuple[str, ...]
    """Labels of pairs of which nothing can be said."""
    lost: tuple[str, ...]
    """Labels of what only one side has."""

    @property
    def fails(self) -> bool:
        """Whether the command exits 1."""
        return bool(self.slower) or (self.fail_undecided and bool(self.undecided or self.lost))


def judge_gate(comparison: Comparison, percent: float | None, *, fail_undecided: bool) -> Gate:
    """Sort a comparison's pairs; a range that happened once and holds pairs of its own is judged by those."""
    keys = sorted(pair.a.key for pair in comparison.pairs)
    judged = [pair for pair in comparison.pairs if not _is_container(pair, keys)]
    undecided = tuple(pair.label for pair in judged if pair.verdict == "unsure")
    return Gate(
        percent=percent,
        fail_undecided=fail_undecided,
        slower=() if percent is None else find_slower(comparison, percent),
        decided=len(judged) - len(undecided),
        undecided=undecided,
        lost=(
            *(f"{label} (only in A)" for label in comparison.unmatched_a),
            *(f"{label} (only in B)" for label in comparison.unmatched_b),
        ),
    )


def _is_container(pair: Pair, keys: Sequence[str]) -> bool:
    """Whether one of the keys, which are in order, lies inside the pair's."""
    inside = f"{pair.a.key} / "
    at = bisect_left(keys, inside)
    return pair.interval is None and at < len(keys) and keys[at].startswith(inside)
