"""A few of the kills of bench/crash_runs.py; docs/reliability.md has a hundred."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from drawing.crashes import Laboratory

KILLS = 3


@pytest.mark.parametrize("recorder", ["embedded", pytest.param("nsys", marks=pytest.mark.nsys)])
def test_a_killed_run_loses_nothing_and_leaves_nothing(recorder: str) -> None:
    # Short, unlike tmp_path: Nsight Systems makes sockets below it.
    with tempfile.TemporaryDirectory(prefix="fc-") as folder:
        laboratory = Laboratory(folder=Path(folder), recorder=recorder, backends="numpy")
        takes = laboratory.time_a_run()
        moments = random.Random(recorder)
        while laboratory.seen.total() < KILLS:
            laboratory.kill_a_run(moments.uniform(0.2, 0.95) * takes)
        assert len(laboratory.digests) >= 2
