"""What a folder holds: runs, recorded programs, and traces of any recorder, from the least that must be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from ...analysis.errors import RunError
from ...analysis.programs.folder_kind import PLAN, PROFILE, is_program_folder, is_run_folder
from ...analysis.programs.record import ProfileRecord
from ...analysis.ranks.naming import is_trace
from ...analysis.runs.folder import AnyRecord, read_record
from ...analysis.runs.records import RunPlan
from ...analysis.trace.open import PACKED_SUFFIXES
from .served_folder import ServedFolder


def list_recordings(folder: ServedFolder, below: Path) -> list[dict[str, Any]]:
    """A record for each run and program, not of what lies in it, and for each other trace, in the order of paths."""
    return sorted(_find(folder, below), key=lambda record: Path(record["path"]))


def _find(folder: ServedFolder, below: Path) -> Iterator[dict[str, Any]]:
    runs: list[Path] = []
    programs: list[Path] = []
    for path in chain([below] if below.is_dir() else [], folder.walk(below)):
        if path.is_symlink() or path.parent in programs or any(path.is_relative_to(run) for run in runs):
            continue
        if path.is_dir() and is_program_folder(path):
            programs.append(path)
            yield _describe_program(folder, path)
        elif path.is_dir() and is_run_folder(path):
            runs.append(path)
            yield _describe_run(folder, path)
        elif path.is_file() and (is_trace(path) or _is_kineto(path)):
            yield _describe_trace(folder, path)


def _is_kineto(path: Path) -> bool:
    """Whether a file is called like a trace of torch.profiler; a plain .json is many things."""
    stem = path.name.removesuffix(path.suffix) if path.suffix in PACKED_SUFFIXES else path.name
    return stem.endswith(".json") and (stem != path.name or "trace" in stem)


def _describe_trace(folder: ServedFolder, path: Path) -> dict[str, Any]:
    stat = path.stat()
    at = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="seconds")
    return {"path": folder.name_of(path), "kind": "trace", "bytes": stat.st_size, "modified_at": at}


def _describe_run(folder: ServedFolder, path: Path) -> dict[str, Any]:
    name = {"path": folder.name_of(path), "kind": "run"}
    plan = _read(folder, path / PLAN, RunPlan)
    if isinstance(plan, str):
        return {**name, "problem": plan}
    run = plan.run
    return {
        **name,
        "id": run.id,
        "scenario": run.scenario,
        "started_at": run.started_at,
        "recorder": run.recorder,
        "status": run.status,
        "steps": len(plan.steps),
    }


def _describe_program(folder: ServedFolder, path: Path) -> dict[str, Any]:
    name = {"path": folder.name_of(path), "kind": "program"}
    record = _read(folder, path / PROFILE, ProfileRecord)
    if isinstance(record, str):
        return {**name, "problem": record}
    return {
        **name,
        "id": record.id,
        "name": record.group,
        "started_at": record.started_at,
        "recorder": record.recorder,
        "exit_code": record.exit_code,
    }


def _read(folder: ServedFolder, path: Path, kind: type[AnyRecord]) -> AnyRecord | str:
    """A record, or what is wrong with it."""
    if path.is_symlink():
        return f"{path.name} is a symbolic link"
    try:
        return read_record(path, kind)
    except RunError as error:
        return str(error).replace(f"{folder.root}/", "")
