"""What one recorded call costs, measured where it is recorded: a range, and the smallest operation of a device.

Every call is timed by itself after a quarter of a megabyte was written, because between two calls a program computes:
a range of Nsight Systems takes under 1 µs in a tight loop, 3 µs after 64 KB, 9 µs after 256 KB, 18 µs after 1 MB.
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

_COLD = bytearray(256 << 10)


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
