"""A part of a trace to look at: all of it, one instance of a range with its device work, one steady step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import ints
from ..attribution.nearest import tell_nearest
from ..breakdown.window_cuts import match_ranges
from ..errors import TraceError
from ..trace.trace import Trace

_NO_RANGES = "it has no ranges at all; without --range all of it is written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An interval on the trace's clock, and what it is."""

    title: str
    start_ns: int
    end_ns: int
    row: int | None = None
    """Of trace.ranges, where it is an instance of one."""


def whole_moment(trace: Trace) -> Moment:
    """From the first record to the last."""
    start, end = trace.extent()
    return Moment(title="the whole trace", start_ns=start, end_ns=end)


def has_range(trace: Trace, name: str, domain: str) -> bool:
    """Whether there is any of this very name."""
    return bool(len(match_ranges(trace, name, [domain])))


def find_moment(trace: Trace, glob: str, instance: int | None, *, domain: str | None = None) -> Moment:
    """The instance of the ranges that a pattern matches, counted from 1 in the order of time; by default the middle.

    Raises TraceError where there is none.
    """
    rows = match_ranges(trace, glob, None if domain is None else [domain])
    if not len(rows):
        raise TraceError(trace.path, f"has no range {glob!r}; {tell_nearest(trace, glob) or _NO_RANGES}")
    rows = rows[np.argsort(ints(trace.ranges, "start_ns")[rows], kind="stable")]
    number = (len(rows) + 1) // 2 if instance is None else instance
    if not 1 <= number <= len(rows):
        count = "one instance" if len(rows) == 1 else f"{len(rows)} instances"
        raise TraceError(trace.path, f"has {count} of {glob!r}; --instance is 1 to {len(rows)}, not {number}")
    row = int(rows[number - 1])
    name = trace.name(int(ints(trace.ranges, "name")[row]))
    return moment_of_range(trace, row, f"{name}, instance {number} of {len(rows)}")


def moment_of_range(trace: Trace, row: int, title: str) -> Moment:
    """A range's own time, and on until the device work that its thread asked for in it has ended."""
    ranges, calls = trace.ranges, trace.calls
    start, end = (int(ints(ranges, column)[row]) for column in ("start_ns", "end_ns"))
    asked = ints(trace.activities, "call")
    begun = np.append(ints(calls, "start_ns"), -1)[asked]
    thread = np.append(ints(calls, "thread"), -1)[asked]
    mine = (asked >= 0) & (thread == int(ints(ranges, "thread")[row])) & (begun >= start) & (begun <= end)
    last = int(ints(trace.activities, "end_ns")[mine].max(initial=end))
    return Moment(title=title, start_ns=start, end_ns=max(end, last), row=row)
