"""A store in which nothing can be written is read all the same, and nothing is said that is not true."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from drawing.stored_runs import copy_real_run
from flopprof.analysis.store.database import tag_run
from flopprof.analysis.store.listing import list_runs
from flopprof.analysis.store.place import DATABASE, STORE_VARIABLE
from running.full_disks import can_mount, read_only, small_disk

pytestmark = pytest.mark.skipif(not can_mount(), reason="a disk can be mounted read-only by root only")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store of one run on a disk of its own; it has no database yet."""
    with small_disk(8 * 1024) as disk:
        monkeypatch.setenv(STORE_VARIABLE, str(disk / "store"))
        copy_real_run(disk / "store", "tiny-1")
        yield disk / "store"


def flopprof(*arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "flopprof.profiler", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def names(store: Path) -> set[str]:
    return {entry.name for entry in store.iterdir()}


@pytest.mark.slow
def test_every_reading_command_reads_a_database_that_cannot_be_written(store: Path) -> None:
    run = list_runs(store).runs[0].id
    tag_run(store, run, "main")
    expected = {command: flopprof(*command) for command in (("show", run), ("history", "tiny"), ("runs",))}
    before = names(store)
    with read_only(store.parent):
        assert {command: flopprof(*command) for command in expected} == expected
        assert flopprof("show", "main") == flopprof("show", "tiny@latest") == expected["show", run]
        assert "matvec" in flopprof("report", "main")
        assert flopprof("compare", "latest", "main", "--fail-above", "5")
        assert "cannot be" in flopprof("tag", run, "other", code=2)
        assert names(store) == before == {DATABASE, "tiny-1"}


@pytest.mark.slow
def test_without_a_database_the_runs_are_read_from_their_folders(store: Path) -> None:
    with read_only(store.parent):
        shown, history = flopprof("show", "latest"), flopprof("history", "tiny")
        assert "matvec" in flopprof("report", "tiny@latest")
        assert "no run of it" in flopprof("history", "other", code=2)
        assert "there are runs of: tiny" in flopprof("history", "other", code=2)
        assert names(store) == {"tiny-1"}
    assert flopprof("show", "latest") == shown
    assert flopprof("history", "tiny") == history


@pytest.mark.slow
def test_a_run_that_the_database_does_not_know_is_read_beside_those_it_knows(store: Path) -> None:
    run = list_runs(store).runs[0].id
    tag_run(store, run, "main")
    other = Path(shutil.copytree(store / "tiny-1", store / "tiny-2"))
    plan = other / "plan.json"
    plan.write_text(plan.read_text().replace(run, "tiny-2"))
    with read_only(store.parent):
        assert "matvec" in flopprof("show", "tiny-2")
        assert "main" in flopprof("show", run)
        assert "2 runs" in flopprof("history", "tiny")


def test_what_a_killed_writer_left_is_read(store: Path) -> None:
    run = list_runs(store).runs[0].id
    with closing(sqlite3.connect(store / DATABASE)) as open_elsewhere:
        # As long as another connection is open, what is written stays in the file beside the database.
        open_elsewhere.execute("SELECT count(*) FROM runs").fetchone()
        tag_run(store, run, "main")
        left = {name: (store / name).read_bytes() for name in names(store) if name.startswith(DATABASE)}
    assert len(left) == 3
    for name, content in left.items():
        (store / name).write_bytes(content)
    with read_only(store.parent):
        assert flopprof("show", "main") == flopprof("show", run)
