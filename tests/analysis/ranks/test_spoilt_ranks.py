"""A real job, one of whose ranks is spoilt: it is said, nothing is matched that is not one, and nobody is blamed."""

from __future__ import annotations

import lzma
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.ranks.whole_job import JobAnalysis, RanksRequest, analyse_job
from running.engines import Inline

NCCL = "SELECT id FROM StringIds WHERE value LIKE 'nccl%'"
STEPS = "coalesce(text, (SELECT value FROM StringIds WHERE id = textId)) = 'step'"


def timed_tables(file: sqlite3.Connection) -> list[str]:
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [t for t in tables if {"start", "end"} <= {c[1] for c in file.execute(f"PRAGMA table_info({t})")}]


def lose_collectives(file: sqlite3.Connection) -> None:
    file.execute(f"DELETE FROM CUPTI_ACTIVITY_KIND_KERNEL WHERE demangledName IN ({NCCL})")


def stop_clock(file: sqlite3.Connection) -> None:
    for table in timed_tables(file):
        file.execute(f'UPDATE {table} SET start = 1000000, "end" = 1000000')


def set_clock_far_away(file: sqlite3.Connection) -> None:
    for table in timed_tables(file):
        file.execute(
            f'UPDATE {table} SET start = start + 9000000000000000000, "end" = "end" + 9000000000000000000'
        )


def lose_the_gpu(file: sqlite3.Connection) -> None:
    for (table,) in file.execute("SELECT name FROM sqlite_master WHERE name LIKE 'CUPTI%'").fetchall():
        file.execute(f"DROP TABLE {table}")


def lose_ranges(file: sqlite3.Connection) -> None:
    file.execute("DROP TABLE NVTX_EVENTS")


def lose_steps(file: sqlite3.Connection) -> None:
    last = f"SELECT rowid FROM NVTX_EVENTS WHERE {STEPS} ORDER BY start DESC LIMIT 7"
    file.execute(f"DELETE FROM NVTX_EVENTS WHERE rowid IN ({last})")


def job(folder: Path, spoil: Callable[[sqlite3.Connection], None]) -> JobAnalysis:
    paths = [folder / f"rank{rank}.sqlite" for rank in range(2)]
    for rank, path in enumerate(paths):
        path.write_bytes(lzma.decompress((DATA / "ranks" / f"ddp_rank{rank}.sqlite.xz").read_bytes()))
    with sqlite3.connect(paths[1]) as file:
        spoil(file)
    file.close()
    return analyse_job(paths, Inline(), RanksRequest())


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lose_collectives, "collectives_differ"),
        (stop_clock, "collectives_differ"),
        (set_clock_far_away, "collectives_differ"),
        (lose_the_gpu, "collectives_differ"),
        (lose_ranges, "steps_differ"),
    ],
)
def test_a_rank_that_cannot_be_compared_is_said_and_nobody_is_blamed(
    tmp_path: Path, spoil: Callable[[sqlite3.Connection], None], code: str
) -> None:
    found = job(tmp_path, spoil)
    assert len(found.done) == 2
    assert code in {note.code for note in found.quality}
    assert [step.straggler for step in found.steps if step.straggler is not None] == []
    assert all(step.lost_ns is None for step in found.steps)


def test_steps_that_one_rank_lacks_are_left_out_and_the_others_compared(tmp_path: Path) -> None:
    found = job(tmp_path, lose_steps)
    assert [note.code for note in found.quality] == ["steps_differ"]
    assert [step.straggler for step in found.steps] == [*[None] * 10, *[1] * 10, *[0] * 3]


def test_ranks_of_two_jobs_are_not_matched() -> None:
    paths = [DATA / "ranks" / "ddp_rank0.sqlite.xz", DATA / "ranks" / "fsdp_rank1.sqlite.xz"]
    found = analyse_job(paths, Inline(), RanksRequest())
    assert "ranks_apart" in {note.code for note in found.quality}
    assert {step.straggler for step in found.steps} == {None}
    assert not any(len(one.wait_ns) > 1 for one in found.collectives)
