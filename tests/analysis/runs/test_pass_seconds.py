"""How long the passes of a run took, of all shards together, and what of it went into timed reps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.report_samples import RUN, cpu_run
from flopprof.analysis.runs.evidence import add_seconds, add_timed
from flopprof.analysis.runs.records import CountersRecord, Pass, ShardRecord, StepRecord
from flopprof.reports.run.compose import compose


def test_passes_of_all_shards_are_added_by_their_name():
    shards = [
        ShardRecord(backend="torch", device="cpu", recorder="nsys", seconds={"untraced": 2.0, "traced": 3.0}),
        ShardRecord(backend="torch", device="cpu", part=2, recorder="nsys", seconds={"traced": 1.0}),
        ShardRecord(backend="cupy", device="cuda", recorder="nsys"),  # of a version that did not keep it
    ]
    counted = [
        CountersRecord(backend="torch", device="cuda", seconds=4.0),
        CountersRecord(backend="cupy", device="cuda", source="gpu_metrics", seconds=0.5),
    ]
    assert add_seconds(shards, counted) == {"untraced": 2.0, "traced": 4.0, "counters": 4.0, "metrics": 0.5}
    assert add_seconds(shards[2:], []) == {}


def timed(seconds: float) -> Pass:
    return Pass(clock="host", total_ns=seconds * 1e9, reps=10)


def test_timed_reps_are_added_by_their_pass():
    steps = [
        StepRecord(key="a", status="done", control=timed(2.0), traced=timed(0.5)),
        StepRecord(key="b", status="failed", control=timed(1.0)),
        StepRecord(key="c", status="failed"),
    ]
    assert add_timed(steps) == {"untraced": 3.0, "traced": 0.5}
    assert add_timed(steps[2:]) == {}


@pytest.mark.parametrize(
    ("seconds", "measured", "line"),
    [
        (10.0, {"untraced": 6.0, "traced": 1.5}, "75 % of 10 s in timed reps: untraced 6 s, traced 1.5 s"),
        (None, {"untraced": 6.0}, "timed reps: untraced 6 s"),  # a process of the run was killed
        (10.0, {}, None),
    ],
)
def test_the_report_says_what_share_of_the_time_was_measuring(
    seconds: float | None, measured: dict[str, float], line: str | None
):
    run = replace(cpu_run(), run=RUN.model_copy(update={"seconds": seconds}), measuring_seconds=measured)
    document = compose(run)
    assert dict(document.facts).get("measuring") == line
    share = sum(measured.values()) / seconds if seconds else None
    assert document.data["time"] == {
        "seconds": seconds, "pass_seconds": {}, "measuring_seconds": measured, "measuring_share": share,
    }  # fmt: skip
