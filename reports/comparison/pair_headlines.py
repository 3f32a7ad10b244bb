"""The first sentence of a comparison: for each backend the pair that most time hangs on, by how much and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...analysis.compare.compare import Pair
from ...analysis.compare.pair_reasons import explain_pair
from ..document.main_cause import tell_main_cause
from ..document.names import clean, name_pair
from ..document.numbers import format_value
from .sentences import format_change

PLACE = ("backend", "device", "dtype")
"""What says where a step ran."""

_VERDICTS = ("slower", "faster", "same", "unsure")


def compose_pair_headlines(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """One sentence for each backend, device and dtype; of traces one for all ranges."""
    return tuple(_tell(choose_lead(group), group) for group in group_pairs(pairs).values())


def group_pairs(pairs: Sequence[Pair]) -> Mapping[str, list[Pair]]:
    """Pairs by where they ran, in their own order: ``cupy cuda float32``; ranges of traces are one group."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(name_place_of(pair), []).append(pair)
    return groups


def name_place_of(pair: Pair) -> str:
    """Where both sides ran: what differs between them is not of the place."""
    names = [pair.a.names[name] for name in PLACE if name in pair.a.names]
    return clean(" ".join(name for name in names if name in pair.b.names.values()))


def choose_lead(group: Sequence[Pair]) -> Pair:
    """Of those that are decided, else of all, the one with most time at stake."""
    decided = [pair for pair in group if pair.verdict in ("faster", "slower")]
    return max(decided, key=lambda pair: pair.stake_ns) if decided else max(group, key=_longest)


def _longest(pair: Pair) -> float:
    return max(pair.ns_a or 0.0, pair.ns_b or 0.0) * (pair.a.reps or 1)


def _tell(lead: Pair, group: Sequence[Pair]) -> str:
    times = f"{format_value(lead.ns_a, 'time')} → {format_value(lead.ns_b, 'time')}"
    cause = tell_main_cause(explain_pair(lead) if lead.verdict in ("faster", "slower") else None)
    label = f"{name_pair(lead.label)}: " if lead.label else ""
    text = f"{label}{_tell_change(lead)} ({times})"
    text += f", {cause.why}" if cause.why else ""
    text += f"{_tell_others([pair for pair in group if pair is not lead])}."
    return f"{text} {cause.remedy}".rstrip()


def _tell_others(others: Sequence[Pair]) -> str:
    """How the other pairs were decided."""
    counts = Counter(pair.verdict for pair in others)
    if len(counts) == 1:
        verdict = others[0].verdict
        return (
            f"; the other pair is {verdict}"
            if len(others) == 1
            else f"; the {len(others)} others are {verdict}"
        )
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _VERDICTS if counts[verdict])
    return f"; of the {len(others)} others {told}" if told else ""


def _tell_change(pair: Pair) -> str:
    a, b = clean(pair.value_a), clean(pair.value_b)
    if pair.verdict in ("faster", "slower") and pair.ratio is not None:
        return f"{b} is {format_change(pair.ratio)} than {a}"
    if pair.verdict == "same":
        return f"{b} takes as long as {a}"
    ratio = (
        f": {b} took {format_value(pair.ratio, 'ratio')} the time of {a}" if pair.ratio is not None else ""
    )
    return f"no verdict between {b} and {a}{ratio}"
