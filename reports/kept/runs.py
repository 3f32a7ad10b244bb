"""Runs of the store for the terminal: a list of them, and one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...analysis.store.queries import RunLine
from ...analysis.words import FORMAT
from ..document.names import clean
from ..document.numbers import UNKNOWN, Kind
from ..document.tables import ColumnOf, align_items

_Step = Mapping[str, Any]
"""A step as ``read_run`` gives it."""


def show_runs(runs: Sequence[RunLine], store: Path) -> str:
    """One line for each run, the latest first."""
    if not runs:
        return f"no runs in {clean(str(store))}; flopprof run SCENARIO makes one"
    return "\n".join(align_items(_RUN_COLUMNS, runs))


def runs_to_json(runs: Sequence[RunLine], store: Path) -> dict[str, Any]:
    """The object of ``runs --json``."""
    keys = (*("id", "scenario", "started_at", "status", "recorder", "hardware"), *("steps", "done", "failed"))
    return {
        "flopprof": FORMAT,
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
        "command": " ".join(run["command"]),
        "problem": run["problem"] or "",
        "quality": "; ".join(note["message"] for note in run["quality"]),
    }
    head = [f"{name:9} {clean(text)}" for name, text in facts.items() if text]
    rest = ["", *_show_steps(steps)] if steps else []
    unfinished = [f"go on with: flopprof run --resume {run['id']}"] if line.status == "interrupted" else []
    return "\n".join([*head, *rest, *unfinished])


def _show_steps(steps: Sequence[_Step]) -> list[str]:
    known = [column for column in _TIME_COLUMNS if any(column.value(step) is not None for step in steps)]
    return align_items((_LABEL, *known, _REASON), steps)


def _tell_start(run: RunLine) -> str:
    return clean(run.started_at.replace("T", " ").removesuffix("+00:00"))


def _tell_steps(run: RunLine) -> str:
    return f"{run.done}/{run.steps}" + (f" {run.failed} failed" if run.failed else "")


def _tell_end(step: _Step) -> str:
    return "" if step["status"] == "done" else clean(f"{step['status']}: {step['reason']}")


def _time_column(title: str, key: str, kind: Kind) -> ColumnOf[_Step]:
    return ColumnOf(key=key, title=title, kind=kind, value=lambda step: step[key])


_RUN_COLUMNS: tuple[ColumnOf[RunLine], ...] = (
    ColumnOf(key="id", title="run", value=lambda run: clean(run.id)),
    ColumnOf(key="started_at", title="started (UTC)", value=_tell_start),
    ColumnOf(key="status", title="status", value=lambda run: run.status),
    ColumnOf(key="steps", title="steps", value=_tell_steps),
    ColumnOf(key="recorder", title="recorder", value=lambda run: run.recorder),
    ColumnOf(key="tags", title="tags", value=lambda run: clean(" ".join(run.tags)) or UNKNOWN),
)

_LABEL: ColumnOf[_Step] = ColumnOf(key="label", title="step", value=lambda step: clean(step["label"]))

_TIME_COLUMNS = (
    _time_column("untraced", "untraced_ns", "time"),
    _time_column("traced", "traced_ns", "time"),
    _time_column("kernels", "kernel_ns", "time"),
    _time_column("", "tflops", "tflops"),
    _time_column("", "gbps", "gbps"),
    _time_column("roof", "roof_share", "percent"),
)

_REASON: ColumnOf[_Step] = ColumnOf(key="reason", title="", value=_tell_end)
