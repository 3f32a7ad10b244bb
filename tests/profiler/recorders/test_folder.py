"""The run folder while it is written."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flopprof.analysis.runs.lock import hold_folder, is_held
from flopprof.analysis.runs.records import ShardRecord
from flopprof.analysis.runs.writing import write_record
from flopprof.analysis.store.cleaning import collect_garbage
from flopprof.profiler.errors import OutputFolderError
from flopprof.profiler.recorders import folders as folder_module
from flopprof.profiler.recorders.folders import (
    hold_new_run,
    make_run_folder,
    new_run_id,
    publish_shard,
    staging_folder,
    temporary_folder,
)
from running.patience import PATIENCE_SECONDS

NEVER_A_PID = 2**22 + 1


def test_run_ids_sort_by_time_and_differ() -> None:
    first = new_run_id("outer", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert first.startswith("outer-20260102-030405-")
    assert first != new_run_id("outer", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def test_a_file_in_place_of_the_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        OutputFolderError, match=r"file: is a file, not a folder; choose another with --out DIR"
    ):
        make_run_folder(tmp_path / "file", "id")


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(OutputFolderError, match="is not empty"):
        make_run_folder(tmp_path, "id")
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputFolderError, match="cannot be written"):
        make_run_folder(tmp_path / "run", "id")


def test_a_folder_under_a_read_only_file_system_is_one_clear_error() -> None:
    with pytest.raises(OutputFolderError, match="cannot be written"):
        make_run_folder(Path("/proc/flopprof-run"), "id")


def test_a_run_that_gc_takes_for_a_killed_one_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[str]] = []

    def make_and_collect(out: Path | None, run_id: str, store: Path) -> Path:
        folder = make_run_folder(out, run_id, store)
        if not told:
            told.append(collect_garbage(store))
        return folder

    monkeypatch.setattr(folder_module, "make_run_folder", make_and_collect)
    with hold_new_run(None, "run", tmp_path) as run:
        assert len(told[0]) == 1 and "a run that was killed before it began" in told[0][0]
        assert is_held(run)
        assert collect_garbage(tmp_path) == []
        assert (run / "shards").is_dir()


def test_a_folder_that_its_holder_took_away_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    lock, waits = fcntl.flock, threading.Event()

    def tell_and_lock(descriptor: int, operation: int) -> None:
        waits.set()
        lock(descriptor, operation)

    with ThreadPoolExecutor() as threads:
        with hold_folder(tmp_path / "run"):
            monkeypatch.setattr(fcntl, "flock", tell_and_lock)
            waiting = threads.submit(hold_folder(tmp_path / "run", wait=True).__enter__)
            assert waits.wait(PATIENCE_SECONDS)
            assert not waiting.done()
            (tmp_path / "run").rename(tmp_path / "removed")
            (tmp_path / "run").mkdir()
        with pytest.raises(FileNotFoundError):
            waiting.result(PATIENCE_SECONDS)


def test_staging_is_private_and_gone_afterwards_also_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), staging_folder(tmp_path) as staging:
        assert stat.S_IMODE(staging.stat().st_mode) == 0o700
        (staging / "raw.nsys-rep").write_text("secret")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    dead = tmp_path / "old-run" / f".staging-{NEVER_A_PID}"
    living = tmp_path / "other-run" / f".staging-{os.getppid()}"
    for folder in (dead, living, tmp_path / "new-run"):
        folder.mkdir(parents=True)
    with staging_folder(tmp_path / "new-run"):
        assert not dead.exists()
        assert living.exists()


def test_the_staging_of_a_run_that_is_held_stays_whatever_its_process_id_says(tmp_path: Path) -> None:
    """In another container, whose process ids are not those of here."""
    elsewhere = tmp_path / "other-run" / f".staging-{NEVER_A_PID}"
    for folder in (elsewhere, tmp_path / "new-run"):
        folder.mkdir(parents=True)
    with hold_folder(tmp_path / "other-run"), staging_folder(tmp_path / "new-run"):
        assert elsewhere.exists()


def test_the_recorders_temporary_folder_is_short_private_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead, stranger = tmp_path / f"flopprof-{NEVER_A_PID}-x", tmp_path / "flopprof-notes"
    dead.mkdir()
    stranger.mkdir()
    with temporary_folder() as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o700
        assert len(temporary.name) < 40
        assert not dead.exists()
    assert list(tmp_path.iterdir()) == [stranger]


def test_a_shard_is_published_whole(tmp_path: Path) -> None:
    run = make_run_folder(tmp_path / "run", "id")
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    record = ShardRecord(backend="numpy", device="cpu", recorder="embedded")
    write_record(prepared / "control.json", record)
    publish_shard(run, prepared, "numpy-cpu")
    published = run / "shards" / "numpy-cpu"
    assert [entry.name for entry in published.iterdir()] == ["control.json"]
    assert ShardRecord.model_validate_json((published / "control.json").read_text()) == record
