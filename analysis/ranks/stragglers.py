"""Who made the others wait in each step, what that cost, and in which part of the step it was slower.

straggler   the rank that waited least, if the others' mean wait exceeds 5 % of the step and ten residuals
lost        the others' mean wait
cause       the range and layer in which the straggler exceeds the median of the other ranks most

In layers of the host's making the device of a rank that waits shows less than its host took, for its waiting hides
them. So there an excess counts only as far as the host itself was longer in that range. Runs of steps are made of
causes that exceed 5 % of their step, as the straggler's waits do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from ..arithmetic.arrays import Ints
from .clocks import Clock
from .summaries import STEP_LAYERS, WAIT, StepSums

LEAST_SHARE = 0.05

RESIDUALS = 10

OF_HOST = tuple(STEP_LAYERS.index(layer) for layer in ("launch", "api", "host"))
"""What the device's idle time is called when the steps' thread, or one that works for it, was not quick enough."""

LEAST_RUN = 3
"""So many steps in a row make a run; fewer are noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Where a straggler's time went that the others did not need."""

    rank: int
    """The place in the list of ranks."""
    path: tuple[str, ...]
    """Messages from the step's own inwards; empty for what no range owns."""
    layer: str
    excess_ns: int
    steps: int = 1
    """2 where the straggler was late before the step began, so that the step before it counts, too."""

    @property
    def range(self) -> str:
        """The innermost message."""
        return self.path[-1] if self.path else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step over all ranks, these by their places in the list of ranks."""

    range: str
    instance: int
    wall_ns: dict[int, int]
    wait_ns: dict[int, int | None]
    layers: dict[int, dict[str, int | None]]
    straggler: int | None
    lost_ns: int | None
    cause: Cause | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Steps in a row with one straggler and one cause, or with none that lasts."""

    first: int
    last: int
    straggler: int | None
    cause: Cause | None
    """Its excess is the steps' median."""
    lost_ns: int | None
    rotates: bool | None
    """Whether being late passes from rank to rank in these steps; None where none was late."""


def judge_steps(
    ranks: Mapping[int, StepSums],
    first: Mapping[int, int],
    count: int,
    known: Sequence[bool],
    clocks: Sequence[Clock],
) -> list[Step]:
    """The steps that all ranks have: step i of the job is step ``first[rank] + i`` of a rank.

    `known` says of which steps every collective was matched; in the others who waited is not known.
    """
    cells = {rank: np.searchsorted(sums.step, np.arange(len(sums) + 1)) for rank, sums in ranks.items()}
    return [
        _judge(
            {
                rank: _Own(sums=sums, first=cells[rank], at=first[rank] + at, clock=clocks[rank])
                for rank, sums in ranks.items()
            },
            known[at],
            max((c.residual_ns for c in clocks if c.residual_ns is not None), default=None),
        )
        for at in range(count)
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Own:
    """One rank's part of a step: its sums, where the cells of each of its steps begin, which step it is."""

    sums: StepSums
    first: Ints
    at: int
    clock: Clock

    @property
    def wall_ns(self) -> int:
        """How long the step took."""
        return int(self.sums.end_ns[self.at] - self.sums.start_ns[self.at])

    @property
    def begin_ns(self) -> int:
        """When it began, on the common clock."""
        return self.clock.place(int(self.sums.start_ns[self.at]))

    def time_host(self, steps: int) -> dict[tuple[str, ...], int]:
        """path -> ns of the host in the ranges of this step and those right before it."""
        host = self.sums.host
        found: dict[tuple[str, ...], int] = {}
        rows = slice(*np.searchsorted(host.step, [max(self.at + 1 - steps, 0), self.at + 1]).tolist())
        for path, ns in zip(host.path[rows].tolist(), host.ns[rows].tolist(), strict=True):
            found[self.sums.paths[path]] = found.get(self.sums.paths[path], 0) + ns
        return found

    def tabulate(self, steps: int) -> dict[_Cell, int]:
        """(path, layer) -> ns of this step and those right before it; waiting is nobody's cause."""
        found: dict[_Cell, int] = {}
        rows = slice(int(self.first[max(self.at + 1 - steps, 0)]), int(self.first[self.at + 1]))
        columns = (c[rows].tolist() for c in (self.sums.path, self.sums.layer, self.sums.ns))
        for path, layer, ns in zip(*columns, strict=True):
            if layer != WAIT:
                key = (self.sums.paths[path], layer)
                found[key] = found.get(key, 0) + ns
        return found


_Cell = tuple[tuple[str, ...], int]


def _judge(ranks: Mapping[int, _Own], known: bool, residual_ns: int | None) -> Step:
    reference = ranks[min(ranks)]
    walls = {rank: own.wall_ns for rank, own in ranks.items()}
    waits = {rank: int(own.sums.layers[own.at, WAIT]) if known else None for rank, own in ranks.items()}
    straggler, lost = find_straggler(walls, waits, residual_ns)
    return Step(
        range=reference.sums.names[reference.at],
        instance=reference.at,
        wall_ns=walls,
        wait_ns=waits,
        layers={rank: _layers(own.sums, own.at, known) for rank, own in ranks.items()},
        straggler=straggler,
        lost_ns=lost,
        cause=None if straggler is None else find_cause(ranks, straggler, comparable=residual_ns is not None),
    )


def _layers(sums: StepSums, at: int, known: bool) -> dict[str, int | None]:
    """The step's eleven layers; idle ones unknown without API calls, the last without the other ranks' collectives."""
    unsplit = () if sums.split else STEP_LAYERS[4:WAIT]
    values = dict(zip(STEP_LAYERS, sums.layers[at].tolist(), strict=True))
    return {
        layer: None if layer in unsplit or (layer == "wait" and not known) else ns
        for layer, ns in values.items()
    }


def find_straggler(
    walls: Mapping[int, int], waits: Mapping[int, int | None], residual_ns: int | None
) -> tuple[int | None, int | None]:
    """(straggler, lost): the rank that waited least, None where that is no more than noise; the others' mean wait."""
    told = {rank: wait for rank, wait in waits.items() if wait is not None}
    if len(told) < 2 or len(told) < len(waits):
        return None, None
    least = min(told, key=lambda rank: (told[rank], rank))
    lost = round(sum(wait for rank, wait in told.items() if rank != least) / (len(told) - 1))
    enough = max(LEAST_SHARE * median(walls.values()), RESIDUALS * (residual_ns or 0))
    return (least if lost > enough else None), lost


def find_cause(ranks: Mapping[int, _Own], straggler: int, *, comparable: bool) -> Cause | None:
    """Where the straggler exceeds the others; `comparable` tells whether clocks can be held against each other."""
    cause = _exceed(ranks, straggler, 1)
    others = [own.begin_ns for rank, own in ranks.items() if rank != straggler]
    late = ranks[straggler].begin_ns - median(others)
    if not comparable or late <= (0 if cause is None else cause.excess_ns):
        return cause
    earlier = _exceed(ranks, straggler, 2)
    return cause if earlier is None or (cause and earlier.excess_ns <= cause.excess_ns) else earlier


def _exceed(ranks: Mapping[int, _Own], straggler: int, steps: int) -> Cause | None:
    mine = ranks[straggler].tabulate(steps)
    others = [own.tabulate(steps) for rank, own in ranks.items() if rank != straggler]
    excess = {key: ns - median(other.get(key, 0) for other in others) for key, ns in mine.items()}
    on_host = ranks[straggler].time_host(steps)
    others_host = [own.time_host(steps) for rank, own in ranks.items() if rank != straggler]
    for path, layer in excess:
        if layer in OF_HOST and path in on_host:
            longer = on_host[path] - median(other.get(path, 0) for other in others_host)
            excess[path, layer] = min(excess[path, layer], longer)
    if not excess:
        return None
    path, layer = min(excess, key=lambda key: (-excess[key], key))
    most = round(excess[path, layer])
    if most <= 0:
        return None
    return Cause(rank=straggler, path=path, layer=STEP_LAYERS[layer], excess_ns=most, steps=steps)


def group_steps(steps: Sequence[Step]) -> tuple[Run, ...]:
    """Runs of steps with one straggler and cause; what lies between them has none that lasts.

    One step of another kind does not end a run that goes on after it. Steps of which it is not known who waited are
    runs of their own, however few.
    """
    labels = [_label(step) for step in steps]
    least = min(LEAST_RUN, len(steps))
    for at in range(1, len(labels) - 1):
        if labels[at - 1] == labels[at + 1] != labels[at] and _UNKNOWN not in labels[at - 1 : at + 1]:
            labels[at] = labels[at - 1] if _extends(labels, at, least) else labels[at]
    runs = _runs(labels)
    kept = [
        label if label == _UNKNOWN or end - begin >= least else None
        for label, begin, end in runs
        for _ in range(begin, end)
    ]
    return tuple(
        _describe_run(steps[begin:end], None if label == _UNKNOWN else label)
        for label, begin, end in _runs(kept)
    )


_Label = tuple[int, tuple[str, ...], str] | None

_UNKNOWN: _Label = (-1, (), "")


def _label(step: Step) -> _Label:
    """Who was late and why, as far as that is more than noise."""
    if step.lost_ns is None:
        return _UNKNOWN
    clear = step.cause is not None and step.cause.excess_ns > LEAST_SHARE * median(step.wall_ns.values())
    return None if step.cause is None or not clear else (step.cause.rank, step.cause.path, step.cause.layer)


def _extends(labels: Sequence[_Label], at: int, least: int) -> bool:
    """Whether a run on one side of a step is long enough to be one by itself."""
    label = labels[at - 1]
    before = labels[max(at - least, 0) : at]
    after = labels[at + 1 : at + 1 + least]
    return any(len(side) == least and all(one == label for one in side) for side in (before, after))


def _runs(labels: Sequence[_Label]) -> list[tuple[_Label, int, int]]:
    edges = [at for at in range(len(labels)) if at == 0 or labels[at] != labels[at - 1]]
    ends = [*edges[1:], len(labels)] if labels else []
    return [(labels[begin], begin, end) for begin, end in zip(edges, ends, strict=True)]


def _describe_run(steps: Sequence[Step], label: _Label) -> Run:
    lost = [step.lost_ns for step in steps if step.lost_ns is not None]
    return Run(
        first=steps[0].instance,
        last=steps[-1].instance,
        straggler=None if label is None else label[0],
        cause=None if label is None else _sum_up(steps, label),
        lost_ns=sum(lost) if lost else None,
        rotates=is_rotating(steps),
    )


def _sum_up(steps: Sequence[Step], label: tuple[int, tuple[str, ...], str]) -> Cause:
    """The cause of most of these steps, with the median of its excess."""
    rank, path, layer = label
    excess = [step.cause.excess_ns for step in steps if step.cause is not None and _label(step) == label]
    return Cause(rank=rank, path=path, layer=layer, excess_ns=round(median(excess)))


def is_rotating(steps: Sequence[Step]) -> bool | None:
    """Whether being late passes from rank to rank: most steps have a straggler, and mostly not the last step's.

    None where no step has one.
    """
    late = [step.straggler for step in steps if step.straggler is not None]
    if not late:
        return None
    changes = sum(one != other for one, other in pairwise(late))
    return len(late) > len(steps) / 2 and changes > (len(late) - 1) / 2
