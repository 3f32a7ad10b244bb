"""Runs of the store for the terminal: a list of them, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import join
from typing import Any

from ...analysis.store.queries import RunLine
from ..document.names import clean
from ..document.numbers import UNKNOWN, Kind, format_value
from ..document.tables import align

_RUN_HEADINGS = ("run", "started (UTC)", "status", "steps", "recorder", "tags")

_STEP_COLUMNS: tuple[tuple[str, str, Kind], ...] = (
    ("untraced", "untraced_ns", "time"),
    ("traced", "traced_ns", "time"),
    ("kernels", "kernel_ns", "time"),
    ("TFLOP/s", "tflops", "tflops"),
    ("GB/s", "gbps", "gbps"),
    ("roof", "roof_share", "percent"),
)


def show_runs(runs: Sequence[RunLine], store: Path) -> str:
    """One line for each run, the latest first."""
    if not runs:
        return f"no runs in {clean(str(store))}; flopprof run SCENARIO makes one"
    return align([_RUN_HEADINGS, *(_run_cells(run) for run in runs)])


def runs_to_json(runs: Sequence[RunLine], store: Path) -> dict[str, Any]:
    """The object of ``runs --json``."""
    keys = (*("id", "scenario", "started_at", "status", "recorder", "hardware"), *("steps", "done", "failed"))
    return {
        "flopprof": 1,
        "store": str(store),
        "runs": [
            {key: getattr(run, key) for key in keys}
            | {"tags": list(run.tags), "folder": str(store / run.folder)}
            for run in runs
        ],
    }


def show_run(found: dict[str, Any], line: RunLine, store: Path) -> str:
    """A run and the times of its steps; ``found`` as ``read_run`` gives it."""
    run, steps = found["run"], found["steps"]
    versions = ", ".join(f"{name} {version}" for name, version in (run["versions"] or {}).items())
    facts = {
        "run": f"{run['id']} ({line.status})",
        "about": run["about"],
        "started": run["started_at"],
        "tags": " ".join(run["tags"]),
        "folder": str(store / run["folder"]),
        "recorder": run["recorder"],
        "machine": run["hardware"] or "",
        "versions": versions,
        "command": join(run["command"]),
        "problem": run["problem"] or "",
        "quality": "; ".join(note["message"] for note in run["quality"]),
    }
    head = [f"{name:9} {clean(text)}" for name, text in facts.items() if text]
    rest = ["", *_show_steps(steps)] if steps else []
    unfinished = [f"go on with: flopprof run --resume {run['id']}"] if line.status == "interrupted" else []
    return "\n".join([*head, *rest, *unfinished])


def _show_steps(steps: Sequence[dict[str, Any]]) -> list[str]:
    columns = [column for column in _STEP_COLUMNS if any(step[column[1]] is not None for step in steps)]
    headings = ("step", *(title for title, _, _ in columns), "")
    rows = [
        (
            clean(step["label"]),
            *(format_value(step[key], kind) for _, key, kind in columns),
            "" if step["status"] == "done" else clean(f"{step['status']}: {step['reason']}"),
        )
        for step in steps
    ]
    return align([headings, *rows], numeric=range(1, len(headings) - 1)).splitlines()


def _run_cells(run: RunLine) -> tuple[str, ...]:
    started = run.started_at.replace("T", " ").removesuffix("+00:00")
    steps = f"{run.done}/{run.steps}" + (f" {run.failed} failed" if run.failed else "")
    tags = " ".join(run.tags)
    return clean(run.id), clean(started), run.status, steps, run.recorder, clean(tags) or UNKNOWN
