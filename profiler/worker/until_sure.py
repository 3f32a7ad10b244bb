"""More reps of an untraced pass while its median is not sure, and fewer of any where they take far too long.

The number of reps of one pass is fixed before it starts (measure.py). Where the median's 95 % interval of what came
out is still wider than 2 %, the pass is repeated, at most four times in all and within the step's ``max_seconds``.
On a CPU it ends early where reps take far longer than they did when their number was decided.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from ...analysis.runs.records import MOST_PASSES, Pass

WIDE = 0.02

PATIENCE = 2.0
"""Reps on a CPU end after so many times their ``max_seconds``."""

IsOver = Callable[[int, int], bool]
"""Asked, after so many reps and at an instant by `perf_counter_ns`, whether there is no time for another."""


def over_time(max_seconds: float, least: int) -> IsOver:
    """Whether reps that begin now take far longer than they were to; the `least` that are needed are left alone.

    Where another program takes a core, threads that wait for one another were seen to take a hundred times as long as
    a moment before.
    """
    ends_at = time.perf_counter_ns() + PATIENCE * max_seconds * 1e9
    return lambda done, now_ns: done >= least and now_ns > ends_at


def repeat_until_sure(measure: Callable[[], Sequence[Pass]], max_seconds: float) -> list[Pass]:
    """The passes of ``measure``, one for each step, each joined with its repetitions."""
    start = time.perf_counter()
    rounds = [measure()]
    for _ in range(MOST_PASSES - 1):
        elapsed = time.perf_counter() - start
        # Another is begun only where it ends within the time.
        if elapsed * (len(rounds) + 1) / len(rounds) > max_seconds:
            break
        if not any(
            is_wide([x for one in mine for x in one.samples_ns]) for mine in zip(*rounds, strict=True)
        ):
            break
        rounds.append(measure())
    return [join_passes(mine) for mine in zip(*rounds, strict=True)]


def is_wide(samples: Sequence[float]) -> bool:
    """Whether the median's 95 % interval, from one order statistic to another, is wider than 2 % of the median.

    >>> is_wide([100.0] * 12), is_wide([100.0, 120.0] * 50), is_wide([])
    (False, True, False)
    """
    if len(samples) < 2:
        return bool(samples)
    ordered = sorted(samples)
    half = 0.98 * math.sqrt(len(ordered))
    low = ordered[max(0, math.floor(len(ordered) / 2 - half))]
    high = ordered[min(len(ordered) - 1, math.ceil(len(ordered) / 2 + half))]
    return high - low > WIDE * ordered[len(ordered) // 2]


def join_passes(passes: Sequence[Pass]) -> Pass:
    """Passes of one step as one: what lay between them belongs to nobody, or to other steps."""
    return Pass(
        clock=passes[0].clock,
        total_ns=sum(one.total_ns for one in passes),
        reps=sum(one.reps for one in passes),
        samples_ns=[sample for one in passes for sample in one.samples_ns],
    )
