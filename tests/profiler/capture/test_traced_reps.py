"""A trace holds as many reps as half its time allows: only the untraced pass has ten whatever they take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.scenario_steps import make_step
from flopprof.analysis.runs.records import Pass, StepRecord
from flopprof.profiler.capture.shard import decide_traced_reps
from flopprof.scenarios.language.schema import Reps
from flopprof.scenarios.operations.ops import Matvec


def control_of(reps: int, rep_ns: float, *, rounds: int = 1) -> StepRecord:
    """An untraced pass that was repeated so often."""
    timed = Pass(clock="host", total_ns=rounds * reps * rep_ns, reps=rounds * reps)
    return StepRecord(key="s", status="done", reps=reps, control=timed)


@pytest.mark.parametrize(
    ("control", "traced"),
    [
        (control_of(1000, 1e5), 1000),  # all of them take a fifth of the time
        (control_of(500, 1e6), 250),  # half of the time
        (control_of(20, 2.5e7), 10),
        (control_of(12, 4e7), 10),  # half of the time is less than a verdict on them would need
        (control_of(10, 9e7), 5),  # which the whole time has no room for
        (control_of(10, 1e9), 3),
        (control_of(2, 1e9), 2),  # the scenario asks for no more
        (control_of(10, 1e6, rounds=4), 10),
        (StepRecord(key="s", status="done", reps=10), None),
        (StepRecord(key="s", status="failed"), None),
    ],
)
def test_long_reps_are_traced_three_times_and_short_ones_for_half_the_time(
    control: StepRecord, traced: int | None
):
    step = replace(make_step(Matvec(), n=8), reps=Reps(count=1000, warmup=1, max_seconds=0.5))
    assert decide_traced_reps(step, control) == traced
