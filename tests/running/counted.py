"""Running something under the mode that counts."""

from __future__ import annotations

from collections.abc import Callable

from flopprof.profiler.flops.counting import CountingMode, Current
from flopprof.profiler.flops.tally import Tally


def count(work: Callable[[], object]) -> Tally:
    """What some work computes on this thread."""
    return _count(work, fake=False)


def count_fake(work: Callable[[], object]) -> Tally:
    """What it would compute on tensors that had contents."""
    return _count(work, fake=True)


def _count(work: Callable[[], object], *, fake: bool) -> Tally:
    current = Current()
    current.tally = tally = Tally()
    mode = CountingMode(current, fake=fake)
    mode.begin()
    try:
        work()
    finally:
        mode.end()
    return tally


def products(work: Callable[[], object]) -> int:
    """FLOPs of the products in it, nothing of which may be unknown."""
    tally = count(work)
    assert not tally.unknown
    return sum(tally.products.values())
