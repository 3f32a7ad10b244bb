"""What a folder holds: runs, and traces of Nsight Systems and torch.profiler, from the least that must be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...analysis.errors import RunError
from ...analysis.ranks.naming import is_trace
from ...analysis.runs.folder import read_record
from ...analysis.runs.records import RunPlan
from ...analysis.trace.open import PACKED_SUFFIXES
from .served_folder import ServedFolder

PLAN = "plan.json"


def list_recordings(folder: ServedFolder, below: Path) -> list[dict[str, Any]]:
    """A record for each run, without what lies in it, and for each other trace, in the order of their paths."""
    return list(_find(folder, below))


def _find(folder: ServedFolder, below: Path) -> Iterator[dict[str, Any]]:
    runs: list[Path] = []
    if (below / PLAN).is_file():
        runs.append(below)
        yield _describe_run(folder, below)
    for path in folder.walk(below):
        if path.is_symlink() or any(path.is_relative_to(run) for run in runs):
            continue
        if path.is_dir() and (path / PLAN).is_file():
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
    if (path / PLAN).is_symlink():
        return {**name, "problem": f"{PLAN} is a symbolic link"}
    try:
        plan = read_record(path / PLAN, RunPlan)
    except RunError as error:
        return {**name, "problem": str(error).replace(f"{folder.root}/", "")}
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
