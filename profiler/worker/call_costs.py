"""What one recorded call costs, measured where it is recorded: a range, and the smallest operation of a device.

Every call is timed by itself after a megabyte was written, because in a program a recorder's code and buffers are as
cold as that; in a tight loop a call costs a half or less.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from statistics import median

from ...analysis.words import CALL_COSTS
from ...scenarios.libraries.backend import Backend
from .range_writer import NoRanges, RangeWriter

TIMES = 48

_COLD = bytearray(1 << 20)


def measure_range(ranges: RangeWriter) -> float | None:
    """Nanoseconds of an empty range; None where none is written."""
    if isinstance(ranges, NoRanges):
        return None
    with ranges.range(CALL_COSTS):
        empty = ranges.range(CALL_COSTS)
        return _median_ns(lambda: _pass_through(empty))


def measure_call(backend: Backend, ranges: RangeWriter) -> float | None:
    """Nanoseconds in which the host enqueues the smallest operation; None on a CPU, which enqueues nothing."""
    if backend.device != "cuda":
        return None
    number = backend.allocator("float32", 0)((1,), None)
    operator.iadd(number, 1)
    backend.synchronize()
    with ranges.range(CALL_COSTS):
        cost = _median_ns(lambda: operator.iadd(number, 1))
    backend.synchronize()
    return cost


def _pass_through(empty: AbstractContextManager[object]) -> None:
    with empty:
        pass


def _median_ns(call: Callable[[], object]) -> float:
    samples: list[int] = []
    for turn in range(TIMES):
        _COLD[:] = bytes([turn]) * len(_COLD)
        start = time.perf_counter_ns()
        call()
        samples.append(time.perf_counter_ns() - start)
    return float(median(samples))
