"""Steps made without a scenario file, and running them."""

from __future__ import annotations

from typing import Any

from flopprof.scenarios.language.schema import Reps
from flopprof.scenarios.libraries.program import Program
from flopprof.scenarios.operations.ops import Op
from flopprof.scenarios.plan.step import Step, step_key


def make_step(
    *ops: Op,
    backend: Any = "numpy",
    device: Any = "cpu",
    dtype: Any = "float32",
    mode: Any = "eager",
    **params: Any,
) -> Step:
    """One step of these ops; sizes and other sweep values by name."""
    place = {"backend": backend, "device": device, "dtype": dtype, "mode": mode}
    key = step_key(ops=ops, params=params, **place)
    return Step(key=key, variant="drawn", ops=ops, params=params, reps=Reps(), **place)


def run_rep(program: Program) -> Any:
    """One rep, as the worker makes it."""
    value = None
    for call in program.calls:
        value = call.run(value)
    return value
