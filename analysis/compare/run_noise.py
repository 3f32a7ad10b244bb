"""What a new start of the program changes, which no block of reps can show.

A process gets other addresses, neighbours and clocks than the one before; two runs of one step then differ by
more than their reps do. But a run measures every step in two processes, without and with the recorder, so two
runs give two ratios B / A of one step, and tracing's own price cancels in each. Their disagreement
d = log(untraced ratio) − log(traced ratio) has twice the variance that processes add to either, so |d| / √2 is
one estimate of its standard deviation. Each pair takes the greater of its own and of the median of all pairs on
its device (times 1.4826, which makes a median deviation a standard deviation). Steps that wait for the host and steps
that keep the device at work are told apart: how fast a process enqueues differs by tens of percent where its kernels
differ by none.

Only steps of two runs can be judged so: two different steps may pay tracing differently.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from ..arithmetic.statistics import RatioEstimate
from ..explain.causes import EXPOSED
from .measured import Measured

_NORMAL_95 = 1.959964

_DEVIATION_OF_MEDIAN = 1.4826

_ENOUGH_TO_TELL = 3
"""Fewer pairs say nothing of what is typical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNoise:
    """Standard deviation of a log ratio from process to process, and from how many pairs it is known."""

    deviation: float
    pairs: int
    typical: float = 0.0
    """Of the pairs that it is known from."""


def find_noise(pairs: Sequence[tuple[Measured, Measured]]) -> Mapping[int, RunNoise]:
    """The noise of each pair, by its place, that both passes of two runs measured."""
    own = {
        place: abs(math.log(_ratio(a, b, "untraced")) - math.log(_ratio(a, b, "traced"))) / math.sqrt(2)
        for place, (a, b) in enumerate(pairs)
        if _is_measured_twice(a, b)
    }
    found: dict[int, RunNoise] = {}
    for members in _group_alike({place: pairs[place] for place in own}):
        typical = _DEVIATION_OF_MEDIAN * median(own[place] for place in members)
        for place in members:
            found[place] = RunNoise(deviation=max(typical, own[place]), pairs=len(members), typical=typical)
    return found


def _group_alike(pairs: Mapping[int, tuple[Measured, Measured]]) -> list[list[int]]:
    """Pairs that one estimate serves: of a device, and of what they wait for where either kind has enough."""
    groups: list[list[int]] = []
    for device in dict.fromkeys(a.names.get("device") for a, _ in pairs.values()):
        members = [place for place, (a, _) in pairs.items() if a.names.get("device") == device]
        waiting = [place for place in members if any(_waits_for_host(side) for side in pairs[place])]
        working = [place for place in members if place not in waiting]
        apart = min(len(waiting), len(working)) >= _ENOUGH_TO_TELL
        groups += [waiting, working] if apart else [members]
    return groups


def _waits_for_host(side: Measured) -> bool:
    subject = side.subject
    return (
        subject is not None and bool(subject.busy_ns) and subject.time_ns > EXPOSED * (subject.busy_ns or 0.0)
    )


def widen(estimate: RatioEstimate, noise: RunNoise | None) -> RatioEstimate:
    """The estimate with the noise in its reach; degrees of freedom by Welch and Satterthwaite."""
    if noise is None or noise.deviation == 0:
        return estimate
    added = _NORMAL_95 * noise.deviation
    within = max(estimate.reach)
    freedom = (within**2 + added**2) ** 2 / (within**4 / estimate.freedom + added**4 / noise.pairs)
    below, above = (math.hypot(reach, added) for reach in estimate.reach)
    return replace(estimate, reach=(below, above), freedom=freedom)


def hides(ratio: float, noise: RunNoise, threshold: float) -> bool:
    """Whether a ratio stays undecided however well each run is measured: neither beyond the noise nor within 2 %.

    >>> hides(1.001, RunNoise(deviation=0.057, pairs=8), 0.02), hides(1.2, RunNoise(deviation=0.057, pairs=8), 0.02)
    (True, False)
    """
    size = abs(math.log(ratio))
    return _NORMAL_95 * noise.deviation >= max(size, math.log(1 + threshold) - size)


def _is_measured_twice(a: Measured, b: Measured) -> bool:
    passes = (a.untraced_samples_ns, b.untraced_samples_ns, a.traced_samples_ns, b.traced_samples_ns)
    return a.key == b.key and a is not b and all(min(samples, default=0) > 0 for samples in passes)


def _ratio(a: Measured, b: Measured, kind: str) -> float:
    if kind == "untraced":
        return median(b.untraced_samples_ns) / median(a.untraced_samples_ns)
    return median(b.traced_samples_ns) / median(a.traced_samples_ns)
