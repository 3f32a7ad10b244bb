"""The counters pass: one rep of a step for Nsight Compute, whose kernels alone lie in ranges.

It counts the kernels in ranges of domain `flopprof`, and runs each of them several times to do so. Everything before
the rep, also the warm-up without which libraries would still be choosing kernels, is therefore in no range.
"""

from __future__ import annotations

from typing import Any

from ...analysis.runs.records import StepRecord
from ...analysis.words import COUNTED_OP, STEP_PREFIX
from ...scenarios.libraries.backend import Backend
from ...scenarios.plan.step import Step
from .measure import build_program, refuse_without_memory, rep_function
from .range_writer import RangeWriter


def count_step(backend: Backend, step: Step, ranges: RangeWriter, *, seed: int) -> StepRecord:
    """One rep in ranges that say which op each kernel is of. Raises StepFailure."""
    refuse_without_memory(backend, step)
    program = build_program(backend, step, seed)
    rep_function(program)()
    backend.synchronize()
    value: Any = None
    with ranges.range(f"{STEP_PREFIX}{step.key}"):
        for index, call in enumerate(program.calls):
            with ranges.range(f"{COUNTED_OP}{index}"):
                value = call.run(value)
        backend.synchronize()
    return StepRecord(key=step.key, status="done", reps=1)
