"""What made a traced pass slower than the untraced one: tracing, as far as its calls can cost that; the rest is noise.

A range or a CUDA call costs microseconds more where it is recorded, and the worker measures how many. The calls of a
rep times that is the most tracing can be blamed for; a difference beyond it has another cause, which what was seen
around the passes may name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .records import CallCosts, Surroundings

SLOWDOWN_FLAG = 1.1
"""A pass that takes this many times as long as the other is no measure of it."""

ASSUMED = CallCosts(range_ns=10_000, call_ns=10_000)
"""For runs that did not measure it: more than any recorder was seen to add."""

BUSY_CORES, STOLEN = 0.25, 0.01
"""From here on other processes, or a hypervisor, are worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Of a rep's traced time less its untraced time: what tracing can explain, and the rest, which may be negative."""

    tracing_ns: float
    noise_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCalls:
    """The calls of one rep that a recorder slows."""

    ranges: float
    cuda: float


def split_excess(
    untraced_ns: float, traced_ns: float, calls: RecordedCalls, costs: CallCosts | None
) -> Excess:
    """The difference of two passes, split.

    >>> split_excess(1e6, 801e6, RecordedCalls(ranges=1, cuda=0), CallCosts(range_ns=2000))
    Excess(tracing_ns=2000.0, noise_ns=799998000.0)
    """
    known = costs or ASSUMED
    most = calls.ranges * known.range_ns + calls.cuda * (known.call_ns or 0.0)
    excess = traced_ns - untraced_ns
    tracing = min(max(excess, 0.0), most)
    return Excess(tracing_ns=tracing, noise_ns=excess - tracing)


def is_noisy(untraced_ns: float, excess: Excess) -> bool:
    """Whether one pass took over a tenth longer than the other for no reason of tracing's."""
    expected, traced = untraced_ns + excess.tracing_ns, untraced_ns + excess.tracing_ns + excess.noise_ns
    return min(expected, traced) > 0 and max(expected, traced) / min(expected, traced) > SLOWDOWN_FLAG


def merge_surroundings(seen: Sequence[Surroundings]) -> Surroundings | None:
    """The worst of what was seen around several passes; None where nothing was looked at."""
    if not seen:
        return None
    limits = [one.gpu_limits for one in seen if one.gpu_limits is not None]
    return Surroundings(
        others_cores=_highest([one.others_cores for one in seen]),
        steal_share=_highest([one.steal_share for one in seen]),
        load=_highest([one.load for one in seen]),
        cpu_mhz=_lowest([one.cpu_mhz for one in seen]),
        gpu_mhz=_lowest([one.gpu_mhz for one in seen]),
        gpu_limits=list(dict.fromkeys(name for names in limits for name in names)) if limits else None,
        gpu_processes=max((one.gpu_processes for one in seen if one.gpu_processes is not None), default=None),
    )


def describe_surroundings(seen: Surroundings) -> tuple[str, ...]:
    """What may have disturbed a measurement, in words; empty where nothing that was looked at did.

    >>> describe_surroundings(Surroundings(others_cores=1.0, steal_share=0.0, load=2.1, gpu_processes=1))
    ('other processes kept 1.0 cores busy',)
    """
    found = []
    if (seen.others_cores or 0) >= BUSY_CORES:
        found.append(f"other processes kept {seen.others_cores:.1f} cores busy")
    if (seen.steal_share or 0) >= STOLEN:
        found.append(
            f"{(seen.steal_share or 0) * 100:.1f} % of the CPUs' time was stolen by other machines of the host"
        )
    if seen.gpu_limits:
        found.append(f"the GPU's clock was held down by {', '.join(seen.gpu_limits)}")
    if (seen.gpu_processes or 0) > 1:
        found.append(f"{seen.gpu_processes} processes computed on the GPU")
    return tuple(found)


def _highest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _lowest(values: Sequence[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
