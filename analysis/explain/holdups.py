"""What holds up one step, or one trace, that nothing is compared with: each finding is a share of its own time.

A wait is blamed on the range in which most of it lies. Time of the program's own code between launches is the price
of launching while it is short for each of them; what takes longer, the program could do ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..attribution.range_names import NO_RANGE, RangeName, in_one_domain, name_apart
from ..breakdown.analyze import Analysis
from ..breakdown.trace_steps import StepPart, StepRow
from ..breakdown.window_rows import NOT_LISTED, WindowRow, sum_layers
from .cause import BESIDE, Code, Evidence

WaitCode = Literal[
    "launches_between",
    "late_host",
    "unmarked",
    "synchronising",
    "allocating",
    "loading",
    "pageable_copies",
    "exposed_copies",
    "device_copies",
    "managed_copies",
    "collectives",
    "longest_part",
]

HoldupCode = Code | WaitCode
WORTH = 0.1
"""Of the time: with less, nothing is to be won that is worth a sentence."""

MOST_HOLDUPS = 3

_A_LAUNCH_NS = 100_000
"""Of the program's own code for each launch: recorded PyTorch takes up to 70 µs, a loader or a sleep over 1 ms."""

MOST_OF_IT, NEARLY_ALL = 0.5, 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdup:
    """What takes a ``share`` of the time, where most of that lies, and the numbers that show it."""

    code: HoldupCode
    share: float
    place: str | None = None
    """A range by what tells it from others (see name_apart), or a kernel; None for all of it."""
    spread: bool = False
    """Whether a good part of the share lies elsewhere than in the place."""
    evidence: Evidence = field(default_factory=dict[str, "float | str | None"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A steady step, or a whole trace, in its parts: ranges by name, None for what lies in none of them."""

    name: RangeName
    """Of the step's range; without messages a whole trace."""
    layers: Mapping[str, float]
    parts: Sequence[tuple[str | None, Mapping[str, float], float]]
    """(name among the parts, its layers, launches in it, in the same unit: a step's mean, or a trace's total)."""
    instances: int | None = None
    """Steady steps; None for a whole trace."""

    @property
    def whole_ns(self) -> float:
        """All of its time."""
        return sum(self.layers.values())

    def share(self, *layers: str) -> float:
        """Of some layers in its time."""
        return sum(self.layers.get(layer, 0.0) for layer in layers) / (self.whole_ns or 1.0)

    def find_place(self, *layers: str) -> tuple[str | None, float, float]:
        """(name, ns, launches) of the part with most of some layers."""
        sums = [(name, sum(part.get(one, 0.0) for one in layers), count) for name, part, count in self.parts]
        return max(sums, key=lambda one: one[1], default=(None, 0.0, 0.0))


def stretch_of_step(analysis: Analysis, row: StepRow) -> Stretch:
    """A steady step on the devices' time line."""
    counts = _count_launches(analysis)
    names = name_parts(row)
    parts = [
        (name, part.layers, part.instances * counts.get(_name_inside(row, part), 0.0))
        for part, name in zip(row.parts, names, strict=True)
    ]
    name = row.domains, row.path
    return Stretch(
        name=name,
        layers=row.layers,
        parts=parts or [(None, row.layers, counts.get(name, 0.0))],
        instances=row.instances,
    )


def name_parts(row: StepRow) -> list[str | None]:
    """How the parts of a step are called, those of one message by their domains."""
    inside = [
        in_one_domain(part.domain, (part.range,)) if part.range is not None else None for part in row.parts
    ]
    names = name_apart(name for name in inside if name is not None)
    return [None if name is None else names[name] for name in inside]


def _name_inside(row: StepRow, part: StepPart) -> RangeName:
    return (
        (row.domains, row.path)
        if part.range is None
        else ((*row.domains, part.domain), (*row.path, part.range))
    )


def _count_launches(analysis: Analysis) -> dict[RangeName, float]:
    """Device records of an instance, by range."""
    records: dict[RangeName, list[int]] = {}
    for row in analysis.ranges:
        sums = records.setdefault((row.domains, row.path), [0, 0])
        sums[0] += row.activities
        sums[1] += row.instances
    return {name: activities / (instances or 1) for name, (activities, instances) in records.items()}


def stretch_of_window(analysis: Analysis, row: WindowRow) -> Stretch:
    """What ranges own of a whole trace; what lies in none of them is a part without a name."""
    times = row.sum_owners()
    counts = dict.fromkeys(times, 0.0)
    if NO_RANGE in counts:
        counts[NO_RANGE] = float((analysis.attribution.owner < 0).sum())
    for one in analysis.ranges:
        if (one.domains, one.path) in counts:
            counts[one.domains, one.path] += one.activities
    names = name_apart(name for name in times if name[1] not in ((), NOT_LISTED))
    return Stretch(
        name=NO_RANGE,
        layers=sum_layers(times.values()),
        parts=[(names.get(name), layers, counts[name]) for name, layers in times.items()],
    )


def find_waits(stretch: Stretch) -> Iterator[Holdup]:
    """What the device waits for, by layer."""
    yield from _find_launches(stretch)
    yield from _find_host(stretch)
    if (share := stretch.share("sync")) >= WORTH:
        place, spread = place_of(stretch, "sync")
        yield Holdup(code="synchronising", share=share, place=place, spread=spread)


def _find_launches(stretch: Stretch) -> Iterator[Holdup]:
    share = stretch.share("launch", "latency")
    if share >= WORTH:
        place, spread = place_of(stretch, "launch", "latency")
        evidence = {"launch_share": stretch.share("launch"), "latency_share": stretch.share("latency")}
        yield Holdup(code="launch_bound", share=share, place=place, spread=spread, evidence=evidence)


def _find_host(stretch: Stretch) -> Iterator[Holdup]:
    """The part with most of the program's own code: between launches, before them, or in no range."""
    share = stretch.share("host")
    if share < WORTH:
        return
    place, ns, launches = stretch.find_place("host")
    if place is None and stretch.parts and any(name is not None for name, _, _ in stretch.parts):
        yield Holdup(code="unmarked", share=ns / stretch.whole_ns, evidence={"steps": stretch.instances})
        return
    between = launches > 0 and ns <= _A_LAUNCH_NS * launches
    yield Holdup(
        code="launches_between" if between else "late_host",
        share=ns / stretch.whole_ns,
        place=place,
        evidence={"host_ns": ns, "launches": launches},
    )


def place_of(stretch: Stretch, *layers: str) -> tuple[str | None, bool]:
    """The part with most of some layers, where it has over half of them; and whether the others have some, too."""
    place, ns, _ = stretch.find_place(*layers)
    whole = sum(stretch.layers.get(layer, 0.0) for layer in layers)
    return (place if ns >= MOST_OF_IT * whole else None), ns < NEARLY_ALL * whole


def choose_holdups(found: Sequence[Holdup]) -> tuple[Holdup, ...]:
    """The largest, and beside it those that take a good part of that; what is yet to be measured comes last."""
    order = sorted(found, key=lambda one: -one.share)
    worth = [one for one in order if one.share >= max(WORTH, BESIDE * order[0].share)]
    known = [one for one in worth if one.code != "not_measured"][:MOST_HOLDUPS]
    return (*known, *(one for one in worth if one.code == "not_measured"))
