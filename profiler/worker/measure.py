"""One step, measured: allocation, check, warm-up, the number of reps, then the reps under one clock.

The host only enqueues device work, so no clock can stop a loop: the number of reps is fixed before it starts,
from a synchronised batch.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from ...analysis.runs.records import CpuPass, Pass, StepRecord
from ...analysis.words import MEASURE, REP, STEP_PREFIX, WARMUP
from ...scenarios.checking.check import check_result
from ...scenarios.errors import StepFailure
from ...scenarios.libraries.backend import Backend
from ...scenarios.libraries.program import Program
from ...scenarios.plan.step import Step
from .cpu_use import charge_all, charge_reps
from .range_writer import NoRanges, RangeWriter
from .until_sure import IsOver, over_time, repeat_until_sure

LEAST_REPS = 10
"""Below ten samples no verdict is given, so no step has fewer, whatever its budget."""

MOST_BLOCKS = 50

LONG_SECONDS = 0.25
"""No library takes so long to begin on a CPU."""

CHARGED_SECONDS = 0.02
"""Reading clocks and counters between the ops of a rep takes some 10 µs (20 with 128 threads): a thousandth of it."""

MEMORY_SHARE = 0.8
"""A step that needs more of the free memory than this fails before it allocates."""


def measure_step(
    backend: Backend, step: Step, ranges: RangeWriter, *, reps: int | None, check: bool, seed: int
) -> tuple[StepRecord, Pass]:
    """Run one step whole; its record (without passes) and the pass that was timed.

    ``reps`` None: decided here, after warm-up. Raises StepFailure.
    """
    with ranges.range(f"{STEP_PREFIX}{step.key}"):
        refuse_without_memory(backend, step)
        program = build_program(backend, step, seed)
        run = rep_function(program)
        checked, looked_at = look_at_first_rep(backend, step, program, run) if check else (False, 0.0)
        charged = None
        # Collected before the warm-up: a collection right before the first rep leaves cold caches behind.
        with no_collection():
            with ranges.range(WARMUP):
                warmup, seconds = (
                    (1, looked_at) if is_long(backend, looked_at) else warm_up(backend, run, step)
                )
                reps = reps or decide_reps(backend, run, step, seconds)
            if isinstance(ranges, NoRanges):
                timed, charged = time_untraced(
                    backend, program, reps, step.reps.max_seconds, charge=is_charged(backend, seconds)
                )
            else:
                timed = time_in_ranges(backend, program, ranges, reps, step.reps.max_seconds)
        record = StepRecord(
            key=step.key,
            status="done",
            reps=min(reps, timed.reps),
            warmup=warmup,
            checked=checked,
            cpu=charged,
        )
    return record, timed


def look_at_first_rep(
    backend: Backend, step: Step, program: Program, run: Callable[[], Any]
) -> tuple[bool, float]:
    """Whether its result could be checked, and what it took. Raises StepFailure for a wrong one."""
    start = time.perf_counter()
    value = run()
    backend.synchronize()
    seconds = time.perf_counter() - start
    return check_result(step, program, backend, value), seconds


def is_long(backend: Backend, seconds: float) -> bool:
    """Whether a rep on the CPU takes so long that what comes before it is nothing to it."""
    return backend.device == "cpu" and seconds >= LONG_SECONDS


def is_charged(backend: Backend, seconds: float) -> bool:
    """Whether a rep on the CPU takes so long that what is read around its ops is nothing to it."""
    return backend.device == "cpu" and seconds >= CHARGED_SECONDS


def time_untraced(
    backend: Backend, program: Program, reps: int, max_seconds: float, *, charge: bool
) -> tuple[Pass, CpuPass | None]:
    """The untraced pass, and what reps on the CPU cost the system: with `charge` those that are timed."""
    charged: list[CpuPass] = []

    def measure() -> list[Pass]:
        if not charge:
            return [time_silently(backend, rep_function(program), reps, max_seconds)]
        samples, costs = charge_all(program, reps, is_over=over_time(max_seconds, LEAST_REPS))
        charged.append(costs)
        return [cpu_pass(samples)]

    (timed,) = repeat_until_sure(measure, max_seconds)
    if backend.device == "cpu" and not charged:
        charged.append(charge_reps(program, reps, max_seconds))
    return timed, charged[0] if charged else None


def refuse_without_memory(backend: Backend, step: Step) -> None:
    """Raise StepFailure for a step that would take nearly all free memory."""
    needed, free = backend.needed_bytes(step), backend.free_bytes()
    if needed > MEMORY_SHARE * free:
        raise StepFailure(
            f"needs {needed / 1e9:.1f} GB, over {100 * MEMORY_SHARE:.0f} % of the {free / 1e9:.1f} GB free on "
            f"{backend.device}"
        )


def build_program(backend: Backend, step: Step, seed: int) -> Program:
    """Inputs and calls of a step, ready on the device."""
    program = backend.build(step, seed)
    backend.synchronize()
    return program


def rep_function(program: Program) -> Callable[[], Any]:
    """The step's ops one after the other, each fed the output of the one before."""
    runs = tuple(call.run for call in program.calls)

    def rep() -> Any:
        value = None
        for run in runs:
            value = run(value)
        return value

    return rep


def warm_up(backend: Backend, run: Callable[[], Any], step: Step) -> tuple[int, float]:
    """Reps before measuring: ``warmup`` of them or a tenth of max_seconds, at least one; and the last one's seconds."""
    deadline = time.perf_counter() + step.reps.max_seconds / 10
    done, seconds = 0, 0.0
    while done < max(1, step.reps.warmup):
        seconds = timed_batch(backend, run, 1)
        done += 1
        if time.perf_counter() >= deadline:
            break
    return done, seconds


def decide_reps(backend: Backend, run: Callable[[], Any], step: Step, warm_seconds: float) -> int:
    """clamp(max_seconds / t, 10, count), t from a synchronised batch of about a twentieth of max_seconds.

    A warm-up rep so slow that even half its time leaves the least number of reps needs no batch.
    """
    budget, most = step.reps.max_seconds, max(step.reps.count, 1)
    if warm_seconds >= 2 * budget / LEAST_REPS:
        return min(LEAST_REPS, most)
    seconds, batch = timed_batch(backend, run, 1), 1
    while seconds < budget / 50 and batch < step.reps.count:
        batch = min(step.reps.count, batch * 4)
        seconds = timed_batch(backend, run, batch)
    fitting = math.floor(budget * batch / seconds) if seconds > 0 else most
    return min(max(fitting, LEAST_REPS), most)


def timed_batch(backend: Backend, run: Callable[[], Any], size: int) -> float:
    """Seconds for ``size`` reps, from idle device to idle device."""
    backend.synchronize()
    start = time.perf_counter()
    for _ in range(size):
        run()
    backend.synchronize()
    return time.perf_counter() - start


def time_silently(backend: Backend, run: Callable[[], Any], reps: int, max_seconds: float = math.inf) -> Pass:
    """The control pass: no recorder and no range between two clock readings."""
    backend.synchronize()
    if backend.device == "cpu":
        return cpu_pass(clocked_reps(run, reps, over_time(max_seconds, LEAST_REPS)))
    sizes = block_sizes(reps)
    events = [backend.record_event()]
    for size in sizes:
        for _ in range(size):
            run()
        events.append(backend.record_event())
    backend.synchronize()
    return device_pass(backend, events, sizes)


def time_block(backend: Backend, run: Callable[[], Any], size: int) -> Pass:
    """``size`` reps on an idle device, after one that is not timed, as one block; on the CPU every rep a sample."""
    backend.synchronize()
    run()
    if backend.device == "cpu":
        return cpu_pass([_clocked(run) for _ in range(size)])
    start = backend.record_event()
    for _ in range(size):
        run()
    end = backend.record_event()
    backend.synchronize()
    return device_pass(backend, [start, end], [size])


def time_in_ranges(
    backend: Backend, program: Program, ranges: RangeWriter, reps: int, max_seconds: float = math.inf
) -> Pass:
    """The traced pass: the same loop, every rep and every op call in a range, the window ``measure`` around it.

    The window includes the final synchronisation, so all device work of the reps ends inside it.
    """
    rep_ranges = [ranges.range(REP, payload=index) for index in range(reps)]
    calls = [(ranges.range(call.label), call.run) for call in program.calls]
    sizes: list[int] = []
    remaining = iter(rep_ranges)
    marks: list[Any] = []
    is_device = backend.device == "cuda"
    mark = backend.record_event if is_device else time.perf_counter_ns
    backend.synchronize()
    with ranges.range(MEASURE):
        is_over = over_time(max_seconds, LEAST_REPS)
        marks.append(mark())
        for size in block_sizes(reps):
            for _ in range(size):
                with next(remaining):
                    value = None
                    for op_range, run in calls:
                        with op_range:
                            value = run(value)
            marks.append(mark())
            sizes.append(size)
            if not is_device and is_over(sum(sizes), marks[-1]):
                break
        backend.synchronize()
    if is_device:
        return device_pass(backend, marks, sizes)
    return Pass(clock="host", total_ns=marks[-1] - marks[0], reps=sum(sizes))


def block_sizes(reps: int) -> list[int]:
    """``reps`` in at most 50 blocks whose sizes differ by at most one.

    >>> block_sizes(7), block_sizes(102)[:3], sum(block_sizes(102))
    ([1, 1, 1, 1, 1, 1, 1], [3, 3, 2], 102)
    """
    blocks = min(reps, MOST_BLOCKS)
    least, extra = divmod(reps, blocks)
    return [least + 1] * extra + [least] * (blocks - extra)


def device_pass(backend: Backend, events: Sequence[Any], sizes: Sequence[int]) -> Pass:
    """A pass from the events between blocks; a sample is a block's time divided by its reps."""
    blocks = [backend.elapsed_ns(a, b) for a, b in pairwise(events)]
    return Pass(
        clock="device_events",
        total_ns=backend.elapsed_ns(events[0], events[-1]),
        reps=sum(sizes),
        samples_ns=[block / size for block, size in zip(blocks, sizes, strict=True)],
    )


def cpu_pass(samples: Sequence[tuple[int, int]]) -> Pass:
    """A pass from each rep's two clock readings."""
    return Pass(
        clock="host",
        total_ns=samples[-1][1] - samples[0][0],
        reps=len(samples),
        samples_ns=[end - start for start, end in samples],
    )


def clocked_reps(run: Callable[[], Any], reps: int, is_over: IsOver) -> list[tuple[int, int]]:
    """When each rep began and ended; between them nothing is done but at the end of a block."""
    samples: list[tuple[int, int]] = []
    for size in block_sizes(reps):
        samples += [_clocked(run) for _ in range(size)]
        if is_over(len(samples), samples[-1][1]):
            break
    return samples


def _clocked(run: Callable[[], Any]) -> tuple[int, int]:
    start = time.perf_counter_ns()
    run()
    return start, time.perf_counter_ns()


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect garbage now, and keep the collector out of what follows."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
