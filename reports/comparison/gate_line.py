"""What a gate did, in one line: for a terminal, and for a pull request."""

from __future__ import annotations

from ...analysis.compare.compare import Comparison, Pair
from ...analysis.compare.gate import Gate
from ..document.names import clean, name_pair
from ..document.numbers import format_value
from .sentences import format_change

_MOST_NAMED = 3


def describe_gate(gate: Gate) -> str:
    """``gate: FAIL: 1 pair slower by more than 5 % (step); 1 decided, 0 undecided, 0 lost``."""
    counts = f"{gate.decided} decided, {_count(gate.undecided)} undecided, {_count(gate.lost)} lost"
    nothing = "" if gate.decided else "; nothing was decided, so this says nothing of a regression"
    return clean(f"gate: {'FAIL' if gate.fails else 'pass'}: {_describe_slower(gate)}{counts}{nothing}")


def annotate_pull_request(comparison: Comparison, gate: Gate) -> str:
    """One line that GitHub shows on a pull request (a workflow command)."""
    unsaid = not gate.decided or gate.undecided or gate.lost
    level = "error" if gate.fails else "warning" if unsaid else "notice"
    told = sorted(
        (pair for pair in comparison.pairs if pair.verdict in ("slower", "faster")),
        key=lambda pair: pair.stake_ns,
        reverse=True,
    )
    changes = "; ".join(_describe_change(pair) for pair in told[:_MOST_NAMED]) or _tell_no_change(gate)
    more = f"; {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    text = f"{describe_gate(gate).removeprefix('gate: ')}. {changes}{more}."
    return f"::{level} title=flopprof compare::{_escape(text)}"


def _tell_no_change(gate: Gate) -> str:
    """Pairs that were decided and are alike are no slower and no faster; others may be."""
    return "None is slower or faster" if gate.decided and not gate.undecided else "No change was decided"


def _describe_slower(gate: Gate) -> str:
    if gate.percent is None:
        return ""
    count = len(gate.slower)
    names = f" ({', '.join(name_pair(pair.label) for pair in gate.slower[:_MOST_NAMED])})" if count else ""
    return f"{count} {'pair' if count == 1 else 'pairs'} slower by more than {gate.percent:g} %{names}; "


def _count(labels: tuple[str, ...]) -> str:
    return (
        f"{len(labels)} ({', '.join(labels[:_MOST_NAMED])}{', …' * (len(labels) > _MOST_NAMED)})"
        if labels
        else "0"
    )


def _describe_change(pair: Pair) -> str:
    times = f"{format_value(pair.ns_a, 'time')} → {format_value(pair.ns_b, 'time')}"
    return clean(f"{name_pair(pair.label)} {format_change(pair.ratio or 1.0)}, {times}")


def _escape(text: str) -> str:
    """As workflow commands want it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
