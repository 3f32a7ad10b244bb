"""The picture of a comparison: both times of the pair that each sentence is about, and the ratios over the sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...analysis.compare.compare import Pair
from ...analysis.compare.measured import Measured
from ...analysis.words import PARTS, STEP_NAMES
from ..document.document import Bar, BarGroup, Picture, Series
from ..document.names import clean, name_pair
from .once import WITH_ARTICLE, find_once
from .pair_headlines import choose_lead, group_pairs

_MOST_GROUPS, _MOST_LINES = 3, 6


def draw_up_pair_picture(pairs: Sequence[Pair]) -> Picture | None:
    """None where no pair has two times."""
    timed = [pair for pair in pairs if pair.ns_a and pair.ns_b]
    if not timed:
        return None
    groups = group_pairs(timed)
    shown = dict(list(groups.items())[:_MOST_GROUPS])
    size = _find_size(timed)
    once = WITH_ARTICLE[find_once(timed)]
    return Picture(
        alt=f"Time of {once} of A beside that of B, divided into layers, of the pair that most time hangs on.",
        groups=tuple(_group(choose_lead(group)) for group in shown.values()),
        of=f" of {once}",
        lines=tuple(_ratio_lines(shown, size))[:_MOST_LINES] if size else (),
        size=clean(size or ""),
        reference=_name_reference(timed),
        left_out=len(groups) - len(shown),
    )


def _group(pair: Pair) -> BarGroup:
    names = (pair.value_a, pair.value_b) if pair.value_a != pair.value_b else ("A", "B")
    sides = ((pair.a, pair.ns_a, names[0]), (pair.b, pair.ns_b, names[1]))
    return BarGroup(
        title=name_pair(pair.label) or "A against B",
        bars=tuple(_bar(thing, ns or 0.0, clean(name)) for thing, ns, name in sides),
    )


def _bar(thing: Measured, ns: float, label: str) -> Bar:
    parts = tuple((part, float(length)) for part in PARTS if (length := thing.layers.get(part)))
    subject = thing.subject
    floor = (
        subject.least_bytes / subject.bytes_per_s * 1e9
        if subject is not None and subject.least_bytes and subject.bytes_per_s and not subject.in_cache
        else None
    )
    return Bar(label=label, time_ns=ns, parts=parts, floor_ns=floor)


def _find_size(pairs: Sequence[Pair]) -> str | None:
    """The parameter that has most values on both sides; None where nothing varies."""
    values: dict[str, set[str]] = {}
    for pair in pairs:
        for name, value in pair.a.names.items():
            if (
                name not in STEP_NAMES
                and pair.b.names.get(name) == value
                and value.isdecimal()
                and int(value)
            ):
                values.setdefault(name, set()).add(value)
    best = max(values, key=lambda name: (len(values[name]), name == "n"), default=None)
    return best if best is not None and len(values[best]) > 1 else None


def _name_reference(pairs: Sequence[Pair]) -> str:
    names = {clean(pair.value_a) for pair in pairs}
    return names.pop() if len(names) == 1 else "A"


def _ratio_lines(groups: Mapping[str, Sequence[Pair]], size: str) -> Iterator[Series]:
    """Ratios B / A against the size, of all pairs that differ in nothing else."""
    lines: dict[str, list[Pair]] = {}
    for group in groups.values():
        for pair in group:
            if pair.ratio and size in pair.a.names:
                rest = " ".join(part for part in pair.label.split() if not part.startswith(f"{size}="))
                lines.setdefault(f"{rest} {pair.value_b}".strip(), []).append(pair)
    drawn = {label: pairs for label, pairs in lines.items() if len({p.a.names[size] for p in pairs}) > 1}
    for colour, (label, pairs) in enumerate(drawn.items()):
        ordered = sorted(pairs, key=lambda pair: int(pair.a.names[size]))
        bounds = [pair.interval or (pair.ratio or 1.0, pair.ratio or 1.0) for pair in ordered]
        yield Series(
            label=clean(label),
            x=tuple(float(pair.a.names[size]) for pair in ordered),
            y=tuple(pair.ratio or 1.0 for pair in ordered),
            low=tuple(low for low, _ in bounds),
            high=tuple(high for _, high in bounds),
            colour=colour,
        )
