"""Why the slower of two sides is slow: a closed list of causes, each only with its evidence.

A cause is looked for in what makes the difference: in ops that take longer than their like on the other side, in
what no kernel hides if there is more of it, in the system's time if more of it is charged. So a cause that both
sides have alike is not named. Evidence that is missing is a cause of its own, ``not_measured``, and says which
pass brings it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from .cause import PART_OF_IT, Cause
from .cpu_causes import find_few_cores, find_page_faults
from .kernel_causes import find_kernel_causes
from .subject import Part, Subject

EXPOSED = 1.1
"""Time over busy time from which on what no device work hides is worth a word."""

LONGER = 1.02


def find_causes(slow: Subject, fast: Subject) -> tuple[Cause, ...]:
    """What holds the slower side back, what makes most of the difference first; what was not measured last."""
    found = [
        *_find_exposed(slow, fast),
        *find_page_faults(slow, fast),
        *find_few_cores(slow, fast),
        *_find_in_parts(slow, fast),
    ]
    ordered = sorted(found, key=lambda cause: -(cause.excess_ns or 0.0))
    return (*ordered, *_find_missing(slow, fast))


def _find_exposed(slow: Subject, fast: Subject) -> Iterator[Cause]:
    """Time of a rep in which nothing runs on the device, where it makes part of the difference."""
    if slow.busy_ns is None or slow.time_ns <= EXPOSED * slow.busy_ns:
        return
    exposed = slow.time_ns - slow.busy_ns
    more = exposed - (max(0.0, fast.time_ns - fast.busy_ns) if fast.busy_ns is not None else 0.0)
    if more < PART_OF_IT * (slow.time_ns - fast.time_ns):
        return
    evidence = {"exposed_ns": exposed, "time_ns": slow.time_ns}
    share = exposed / slow.time_ns
    yield Cause(code="launch_bound", side=slow.name, share=share, excess_ns=more, evidence=evidence)


def _find_in_parts(slow: Subject, fast: Subject) -> Iterator[Cause]:
    for part, like in pair_parts(slow.parts, fast.parts):
        if not _makes_a_difference(part, like, slow.time_ns - fast.time_ns):
            continue
        more = (part.ns or 0.0) - (like.ns or 0.0 if like is not None else 0.0)
        yield from (replace(cause, excess_ns=more) for cause in find_kernel_causes(part, slow))


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


def _makes_a_difference(part: Part, like: Part | None, difference_ns: float) -> bool:
    if part.ns is None:
        return False
    if like is None or like.ns is None:
        return part.ns >= PART_OF_IT * difference_ns
    return part.ns > LONGER * like.ns and part.ns - like.ns >= PART_OF_IT * difference_ns


def _find_missing(slow: Subject, fast: Subject) -> Iterator[Cause]:
    """Which side lacks which evidence, and why if that is known."""
    for side in (slow, fast):
        evidence: dict[str, float | str | None] | None = None
        if side.device == "cpu" and side.cpu is None and not side.traced_only:
            evidence = {"lacks": "cpu", "brings": "auto"}
        elif side.device != "cpu" and side.counters is None and side.limit != "copy":
            brings = "profile" if side.traced_only else "counters"
            evidence = {"lacks": "counters", "brings": brings, "why": side.note}
        if evidence is not None:
            yield Cause(code="not_measured", side=side.name, of_faster=side is fast, evidence=evidence)
            return
