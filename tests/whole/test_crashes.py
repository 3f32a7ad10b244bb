"""Killed runs lose nothing and leave nothing; docs/reliability.md has a hundred kills of bench/crash_runs.py."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from running.crashes import Laboratory

KILLS = 3


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, unlike tmp_path: Nsight Systems makes sockets below it."""
    with tempfile.TemporaryDirectory(prefix="fc-") as name:
        yield Path(name)


@pytest.mark.slow
def test_a_run_killed_while_it_is_traced_loses_nothing_and_leaves_nothing(folder: Path) -> None:
    laboratory = Laboratory(folder=folder, recorder="embedded", backends="numpy")
    (folder / "tmp").mkdir()
    laboratory.flopprof(*laboratory.run_command())
    while laboratory.kill_a_traced_run() is None:
        continue
    assert (laboratory.seen.total(), len(laboratory.digests)) == (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("recorder", ["embedded", pytest.param("nsys", marks=pytest.mark.nsys)])
def test_a_run_killed_at_any_moment_loses_nothing_and_leaves_nothing(folder: Path, recorder: str) -> None:
    laboratory = Laboratory(folder=folder, recorder=recorder, backends="numpy")
    takes = laboratory.time_a_run()
    moments = random.Random(recorder)
    while laboratory.seen.total() < KILLS:
        laboratory.kill_a_run(moments.uniform(0.2, 0.95) * takes)
    assert len(laboratory.digests) >= 2
