"""The runs of a store: what lies in its folders and what its database says of them, brought together.

A run whose process was killed after its folder was complete, or before, is found here the next time anyone
asks: the database follows the folders.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SENSELESS, CeilingsError, RunError, StoreError, StoreUnwritable, TraceError
from ..programs.folder_kind import is_job_folder, is_program_folder, is_run_folder
from ..runs.lock import is_held
from .access import may_write
from .database import (
    check_writable,
    copy_database,
    read_store,
    record_damaged,
    record_job,
    record_program,
    record_run,
    record_unreadable_run,
)
from .place import DATABASE
from .plan_lines import line_of_plan, line_of_recorded
from .queries import KNOWN_RUNS, RunLine, RunStatus, list_rows

if TYPE_CHECKING:
    from ..runs.records import RunPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreListing:
    """The runs of a store, the latest first, and what could not be taken in."""

    runs: tuple[RunLine, ...]
    notes: tuple[str, ...] = ()
    unread: StoreUnwritable | None = None
    """Why the database could not be opened, not even for reading: the runs are those of the folders, without tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database says of the run in a folder."""

    id: str
    status: str
    shards: int


@dataclass(slots=True, kw_only=True)
class _Findings:
    """What a look at the folders gave."""

    plans: list[RunLine] = field(default_factory=list)
    """Runs that have no row: they are being written, or a row could not be written."""
    running: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    unread: StoreUnwritable | None = None


def list_runs(store: Path, scenario: str | None = None) -> StoreListing:
    """Every run of the store as it is now; rows of new and of changed runs are written on the way.

    A disk on which not even the database can be opened for reading does not hide the runs: they are listed from
    their folders, without tags. Raises StoreError when the database is damaged or not a store's.
    """
    folders = run_folders(store)
    try:
        findings = _take_in(store, folders)
        with read_store(store) as connection:
            rows = list_rows(connection, scenario) if connection else []
    except StoreUnwritable as error:
        rows, findings = [], _look_at_folders(store, folders)
        findings.notes.append(str(error))
        findings.unread = error
    lines = [_as_seen(line, folders, findings.running) for line in rows]
    new = [line for line in findings.plans if scenario in (None, line.scenario)]
    runs = sorted([*lines, *new], key=lambda line: (line.started_at, line.id), reverse=True)
    notes = tuple(dict.fromkeys(findings.notes))
    return StoreListing(runs=tuple(runs), notes=notes, unread=findings.unread)


@contextmanager
def numbers_of_runs(store: Path) -> Iterator[Path]:
    """A store that was listed, with the numbers of all its runs in its database; to be read, not to be written.

    Where nothing can be written that is a copy, whose runs are links to the store's. Raises StoreError.
    """
    if may_write(store / DATABASE):
        yield store
        return
    with tempfile.TemporaryDirectory(prefix=f"flopprof-{os.getpid()}-") as folder:
        copy = Path(folder)
        copy_database(store, copy)
        for name in run_folders(store):
            (copy / name).symlink_to((store / name).absolute(), target_is_directory=True)
        list_runs(copy)
        yield copy


def run_folders(store: Path) -> set[str]:
    """The names of the folders in which runs may lie."""
    try:
        with os.scandir(store) as entries:
            return {entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise StoreError(store, f"cannot be read ({error.strerror})") from error


def count_shards(folder: Path) -> int:
    """How many shards of a run were published."""
    return sum(1 for _ in (folder / "shards").glob("*/control.json"))


def stamp_files(folder: Path) -> int:
    """A number that is another when a file of the run is: by names, sizes and times of change."""
    digest = hashlib.sha256()
    for pattern in (
        "*.json",
        "trace.sqlite",
        "captures/*/*",
        "shards/*/*",
        "counters/*",
        "*rank*/profile.json",
    ):
        for file in sorted(folder.glob(pattern)):
            with suppress(OSError):
                found = file.stat()
                digest.update(
                    f"{file.relative_to(folder)}\0{found.st_size}\0{found.st_ctime_ns}\n".encode(
                        errors="replace"
                    )
                )
    return int.from_bytes(digest.digest()[:7], "big")


def record_folder(store: Path, folder: str) -> None:
    """Write the row of the run in a folder, or that it cannot be read. Raises RunError, StoreError, CeilingsError."""
    from ..runs.account import account_run
    from ..runs.folder import check_whole, read_record, read_run_folder
    from ..runs.records import RunPlan

    path = store / folder
    if is_program_folder(path):
        _record_program_folder(store, path)
        return
    if is_job_folder(path):
        from ..programs.job_folder import read_job_folder

        record_job(store, read_job_folder(path), stamp_files(path))
        return
    plan, shards, files = read_record(path / "plan.json", RunPlan), count_shards(path), stamp_files(path)
    try:
        check_whole(read_run_folder(path))
        result = account_run(path)
    except (RunError, TraceError) as error:
        record_unreadable_run(store, plan, folder, files, str(error))
    except SENSELESS as error:
        record_unreadable_run(store, plan, folder, files, _explain_senseless(path, error))
    else:
        record_run(store, result, folder, shards)


def _explain_senseless(path: Path, error: Exception) -> str:
    return f"{path}: its content makes no sense ({type(error).__name__}: {error})"


def _record_program_folder(store: Path, path: Path) -> None:
    from ..programs.folder import analyse_program, read_program_folder
    from .program_rows import program_row

    program = read_program_folder(path)
    row = program_row(program) | {"shards": stamp_files(path)}
    try:
        analysis = analyse_program(program)
    except TraceError as error:
        record_damaged(store, row, str(error))
    except SENSELESS as error:
        record_damaged(store, row, _explain_senseless(path, error))
    else:
        record_program(store, program, analysis)


def _take_in(store: Path, folders: set[str]) -> _Findings:
    known = _read_known(store)
    names = {run.id: folder for folder, run in known.items()}
    findings = _Findings()
    for folder in sorted(folders):
        old = known.get(folder)
        if old is not None and old.status == "complete":
            continue
        take_in = _choose_way(store / folder)
        if take_in is not None:
            try:
                take_in(store, folder, old, names, findings)
            except (RunError, StoreError, CeilingsError) as error:
                findings.notes.append(str(error))
    return findings


def _choose_way(path: Path) -> Callable[..., None] | None:
    if is_run_folder(path):
        return _take_in_folder
    return _take_in_recorded if is_program_folder(path) or is_job_folder(path) else None


def _take_in_recorded(
    store: Path, folder: str, old: _Known | None, names: dict[str, str], findings: _Findings
) -> None:
    """A recorded program is whole when its profile.json is there; one that was damaged may have been mended.

    So may a job of which a rank is missing; that of a launcher that still runs is held.
    """
    path = store / folder
    if old is not None and old.shards == stamp_files(path):
        return
    line = line_of_recorded(path)
    if line.kind == "job" and is_held(path):
        findings.running.add(folder)
        findings.plans += [] if old else [_with_status(line, "running")]
        return
    other = names.get(line.id, folder)
    if other != folder and (store / other).is_dir():
        findings.notes.append(f"{path}: is a copy of the run in {store / other}; only that one is listed")
        return
    try:
        check_writable(store)
        record_folder(store, folder)
    except StoreError:
        findings.plans += [] if old else [line]
        raise


def _look_at_folders(store: Path, folders: set[str]) -> _Findings:
    """The runs by what their folders alone say."""
    from ..runs.folder import read_record
    from ..runs.records import RunPlan

    findings = _Findings()
    for folder in sorted(folders):
        path = store / folder
        if is_run_folder(path):
            try:
                plan = read_record(path / "plan.json", RunPlan)
                status: RunStatus = "running" if is_held(path) else plan.run.status
                findings.plans.append(line_of_plan(plan, path, status))
            except RunError as error:
                findings.notes.append(str(error))
        elif is_program_folder(path) or is_job_folder(path):
            try:
                findings.plans.append(line_of_recorded(path))
            except RunError as error:
                findings.notes.append(str(error))
    return findings


def _take_in_folder(
    store: Path, folder: str, old: _Known | None, names: dict[str, str], findings: _Findings
) -> None:
    from ..runs.folder import read_record
    from ..runs.records import RunPlan

    path = store / folder
    plan = read_record(path / "plan.json", RunPlan)
    if is_held(path):
        findings.running.add(folder)
        if old is None:
            findings.plans.append(line_of_plan(plan, path, "running"))
        return
    other = names.get(plan.run.id, folder)
    if other != folder and (store / other).is_dir():
        findings.notes.append(f"{path}: is a copy of the run in {store / other}; only that one is listed")
    elif old is None or _has_changed(old, plan, path):
        try:
            check_writable(store)
            record_folder(store, folder)
        except (StoreError, CeilingsError):
            findings.plans += [] if old else [line_of_plan(plan, path, plan.run.status)]
            raise


def _has_changed(old: _Known, plan: RunPlan, path: Path) -> bool:
    """Whether a run that was not complete is another now; a damaged one is read again when its files have changed."""
    if old.status == "damaged":
        return old.shards != stamp_files(path)
    return old.shards != count_shards(path) or old.status != plan.run.status


def _read_known(store: Path) -> dict[str, _Known]:
    with read_store(store) as connection:
        rows = connection.execute(KNOWN_RUNS).fetchall() if connection else []
    return {row["folder"]: _Known(id=row["id"], status=row["status"], shards=row["shards"]) for row in rows}


def _as_seen(line: RunLine, folders: set[str], running: set[str]) -> RunLine:
    if line.folder not in folders:
        return _with_status(line, "missing")
    return _with_status(line, "running") if line.folder in running else line


def _with_status(line: RunLine, status: RunStatus) -> RunLine:
    return replace(line, status=status)
