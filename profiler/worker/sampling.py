"""The sampled pass: each op over and over, while Nsight Systems samples the whole GPU.

A loop of one op is long enough for samples of its own, however short its kernels are.
"""

from __future__ import annotations

import math
import time
from typing import Any

from ...analysis.runs.records import StepRecord
from ...analysis.words import COUNTED_OP, STEP_PREFIX
from ...scenarios.libraries.backend import Backend
from ...scenarios.plan.step import Step
from .measure import build_program, refuse_without_memory, rep_function, timed_batch
from .range_writer import RangeWriter

SETTLE_SECONDS = 0.5
"""From the begin of the recording until the first step: samples do not come at once."""

MOST_SECONDS = 15.0
"""Of one recording, which at 10 kHz are 3.5 million rows; the steps that are left are another worker's."""

LOOP_SECONDS = 0.05

FEW_CALLS, MOST_CALLS = 5, 2000


def settle() -> None:
    """Let the sampling begin."""
    time.sleep(SETTLE_SECONDS)


def sample_step(backend: Backend, step: Step, ranges: RangeWriter, *, seed: int) -> StepRecord:
    """Every op of a step in a loop and a range of its own; `reps` are the calls in each. Raises StepFailure."""
    refuse_without_memory(backend, step)
    program = build_program(backend, step, seed)
    run = rep_function(program)
    run()
    calls = decide_calls(timed_batch(backend, run, FEW_CALLS) / FEW_CALLS)
    given: Any = None
    with ranges.range(f"{STEP_PREFIX}{step.key}"):
        for index, call in enumerate(program.calls):
            value: Any = None
            with ranges.range(f"{COUNTED_OP}{index}"):
                for _ in range(calls):
                    value = call.run(given)
                backend.synchronize()
            given = value
    return StepRecord(key=step.key, status="done", reps=calls)


def decide_calls(rep_seconds: float) -> int:
    """As many as fill the time of a loop.

    >>> decide_calls(1e-3), decide_calls(1e-6), decide_calls(1.0)
    (50, 2000, 5)
    """
    fitting = math.ceil(round(LOOP_SECONDS / max(rep_seconds, 1e-9), 6))
    return min(max(fitting, FEW_CALLS), MOST_CALLS)
