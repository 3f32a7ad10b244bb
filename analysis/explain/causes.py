"""Why the slower of two sides is slow: a closed list of causes, each only with its evidence.

A cause is looked for in what makes the difference: in ops that take longer than their like on the other side, in
what no kernel hides if there is more of it, in the system's time if more of it is charged. So a cause that both
sides have alike is not named, nor one that could explain no more than a twentieth of the difference; and what makes
a side fast is told of the faster one. Evidence that is missing is a cause of its own, ``not_measured``, and says
which pass brings it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..words import OUT_OF_TIME
from .cause import PART_OF_IT, Cause, Code
from .cpu_causes import find_few_cores, find_page_faults
from .kernel_causes import (
    compare_bytes,
    compare_fill,
    compare_flops,
    compare_warps,
    find_cache_hits,
    find_kernel_causes,
    find_narrow_loads,
)
from .subject import Part, Subject

EXPOSED = 1.1
"""Time over busy time from which on what no device work hides is worth a word."""

LONGER = 1.02


def find_causes(slow: Subject, fast: Subject) -> tuple[Cause, ...]:
    """Why the slower side is slower, what explains most of the difference first; what was not measured last."""
    difference = slow.time_ns - fast.time_ns
    found = [
        *_find_exposed(slow, fast),
        *find_page_faults(slow, fast),
        *find_few_cores(slow, fast),
        *_find_in_parts(slow, fast),
    ]
    worth = [
        replace(cause, of_difference=cause.excess_ns / difference if cause.excess_ns is not None else None)
        for cause in found
        if cause.excess_ns is None or cause.excess_ns >= PART_OF_IT * difference
    ]
    ordered = sorted(worth, key=lambda cause: -(cause.excess_ns or 0.0))
    return (*ordered, *_find_missing(slow, fast))


def _find_exposed(slow: Subject, fast: Subject) -> Iterator[Cause]:
    """Time of a rep in which nothing runs on the device, where it makes part of the difference."""
    if not slow.busy_ns or slow.time_ns <= EXPOSED * slow.busy_ns:
        return  # what has nothing to run waits for no launch
    exposed = slow.time_ns - slow.busy_ns
    more = exposed - (max(0.0, fast.time_ns - fast.busy_ns) if fast.busy_ns is not None else 0.0)
    evidence = {"exposed_ns": exposed, "time_ns": slow.time_ns}
    share = exposed / slow.time_ns
    yield Cause(code="launch_bound", side=slow.name, share=share, excess_ns=more, evidence=evidence)


def _find_in_parts(slow: Subject, fast: Subject) -> Iterator[Cause]:
    pairs = pair_parts(slow.parts, fast.parts)
    alone = _compare_unpaired(pairs, fast.parts)
    for part, like in pairs:
        more = (part.ns or 0.0) - (like.ns or 0.0) if like is not None else min(part.ns or 0.0, alone)
        if (
            more < PART_OF_IT * (slow.time_ns - fast.time_ns)
            or (part.ns or 0.0) - more > (part.ns or 0.0) / LONGER
        ):
            continue
        found = [*find_kernel_causes(part, slow)]
        if like is not None:
            hits = find_cache_hits(like, part, fast)
            narrow = None if found or hits else find_narrow_loads(part, like, slow)
            found += [cause for cause in (hits, narrow) if cause is not None]
        for cause in found:
            yield replace(cause, excess_ns=_bound_by_like(cause, part, like, more))


def _bound_by_like(cause: Cause, part: Part, like: Part | None, more_ns: float) -> float:
    """What a cause explains at most: the time of what the like does not move, compute or leave idle.

    A like that does as much in less time shows that the roof is not the reason, and one with as few warps that these
    are not.
    """
    saves = more_ns if cause.excess_ns is None else min(more_ns, cause.excess_ns)
    compare = _OF_THE_LIKE.get(cause.code)
    ratio = compare(part, like) if compare is not None and like is not None else None
    return saves if ratio is None else min(saves, (part.ns or 0.0) * max(0.0, 1 - ratio))


_OF_THE_LIKE: Mapping[Code, Callable[[Part, Part], float | None]] = {
    "memory_bound": compare_bytes,
    "compute_bound": compare_flops,
    "underfilled": compare_fill,
    "low_occupancy": compare_warps,
}


def _compare_unpaired(pairs: Sequence[tuple[Part, Part | None]], its: Sequence[Part]) -> float:
    """How much longer the ops without a like take together than those of the other side: a graph replays the same."""
    paired = [like for _, like in pairs if like is not None]
    others = sum(part.ns or 0.0 for part in its if not any(part is like for like in paired))
    return sum(part.ns or 0.0 for part, like in pairs if like is None) - others


def pair_parts(mine: Sequence[Part], its: Sequence[Part]) -> list[tuple[Part, Part | None]]:
    """Each op with its like on the other side: of the same name, in their order, or the only one."""
    if len(mine) == len(its) == 1:  # ranges, whatever each is called
        return [(mine[0], its[0])]
    left = list(its)
    pairs: list[tuple[Part, Part | None]] = []
    for part in mine:
        like = next((other for other in left if other.op == part.op), None)
        if like is not None:
            left.remove(like)
        pairs.append((part, like))
    return pairs


def _find_missing(slow: Subject, fast: Subject) -> Iterator[Cause]:
    """Which side lacks which evidence, and why if that is known."""
    for side in (slow, fast):
        evidence: dict[str, float | str | None] | None = None
        if side.device == "cpu" and side.cpu is None and not side.traced_only:
            evidence = {"lacks": "cpu", "brings": "auto"}
        elif side.device != "cpu" and side.busy_ns != 0 and side.counters is None and side.limit != "copy":
            brings = "profile" if side.traced_only else "resume" if side.note == OUT_OF_TIME else "counters"
            evidence = {"lacks": "counters", "brings": brings, "why": side.note}
        if evidence is not None:
            yield Cause(code="not_measured", side=side.name, of_faster=side is fast, evidence=evidence)
            return
