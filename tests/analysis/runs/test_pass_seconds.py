"""How long the passes of a run took: of all shards together, each by what it is for."""

from __future__ import annotations

from flopprof.analysis.runs.evidence import add_seconds
from flopprof.analysis.runs.records import CountersRecord, ShardRecord


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
