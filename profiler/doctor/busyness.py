"""Whether the machine is quiet enough to measure on: a busy one makes timings differ, not fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...analysis.runs.noise import describe_surroundings
from ...analysis.runs.records import Surroundings
from ..machine.surroundings import look_around
from .findings import Finding, ok, warning

REMEDY = "wait until they are done, or measure elsewhere: what runs beside a measurement is in its times"


def examine_load(look: Callable[[], Surroundings] = look_around) -> Iterator[Finding]:
    """One line: what others do on this machine now."""
    seen = look()
    busy = describe_surroundings(seen)
    load = "" if seen.load is None else f" (load {seen.load:.1f} over the last minute)"
    if busy:
        yield warning("load", f"{' and '.join(busy)}{load}", REMEDY)
    elif seen.others_cores is None:
        yield ok("load", f"the system does not say what other processes do{load}")
    else:
        yield ok("load", f"other processes keep {seen.others_cores:.1f} cores busy{load}")
