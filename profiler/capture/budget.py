"""What of a run is still without evidence: which steps, in which order, and how long gathering it may take.

The passes of evidence take less than half of a run's time: of every shard they may take a little less than its timed
passes did. So where not every step can be counted, the first are those that a report leads with (the variants of the
last point of a plan), then those of the first point, and then always of one in the middle of the widest gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ...analysis.runs.folder import RunFolder
from ...analysis.words import OUT_OF_TIME
from ...scenarios.plan.step import Step
from ..worker.interleave import points_of
from .worker_process import Shard

SHARE_OF_TIMED = 0.85
"""Of the time of the timed passes; what a step takes beyond its end still leaves the evidence under half of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """Steps of a shard, those that matter most first; `parts` of the shard are the files of evidence there are."""

    shard: Shard
    seconds: float | None
    """What gathering may take; None where nothing bounds it."""


def find_uncounted(folder: RunFolder, *, bounded: bool = True) -> list[Uncounted]:
    """The measured steps of devices that have no evidence; without a bound also those that had no time for it."""
    reasons = {step.key: step.reason for record in folder.counters for step in record.steps}
    last = {step.key: step.status for shard in folder.shards for step in shard.record.steps}
    todo = [
        step
        for step in folder.steps
        if step.device == "cuda"
        and last.get(step.key) == "done"
        and (step.key not in reasons or (not bounded and reasons[step.key] == OUT_OF_TIME))
    ]
    grouped = groupby(todo, key=lambda step: (step.backend, step.device))
    shards = [
        Shard(
            backend=backend,
            device=device,
            steps=spread(list(steps)),
            parts=max(
                (r.part for r in folder.counters if (r.backend, r.device) == (backend, device)), default=0
            ),
        )
        for (backend, device), steps in grouped
    ]
    return [
        Uncounted(shard=shard, seconds=_find_budget(folder, shard) if bounded else None) for shard in shards
    ]


def _find_budget(folder: RunFolder, shard: Shard) -> float | None:
    """What is left of it; None of a run that did not keep how long its passes took."""
    place = (shard.backend, shard.device)
    timed = [
        seconds
        for one in folder.shards
        if (one.record.backend, one.record.device) == place
        for seconds in one.record.seconds.values()
    ]
    spent = sum(one.seconds for one in folder.counters if (one.backend, one.device) == place)
    return max(0.0, SHARE_OF_TIMED * sum(timed) - spent) if timed else None


def spread(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Steps so ordered that however few of the first are counted, they are of sizes far apart."""
    points = points_of(steps)
    return tuple(step for index in _bisect(len(points)) for step in points[index])


def _bisect(count: int) -> Iterator[int]:
    """Every index below `count` once: the last, the first, and then the middle of the widest gap.

    >>> list(_bisect(7))
    [6, 0, 3, 1, 4, 2, 5]
    """
    if not count:
        return
    yield count - 1
    if count > 1:
        yield 0
    gaps = [(0, count - 1)]
    while gaps:
        low, high = gaps.pop(0)
        if high - low > 1:
            middle = (low + high) // 2
            yield middle
            gaps += [(low, middle), (middle, high)]
