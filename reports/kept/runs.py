"""Runs of the store for the terminal: a list of them, and one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import join
from typing import Any

from ...analysis.store.queries import RunLine
from ...analysis.words import FORMAT
from ..document.names import clean
from ..document.numbers import Kind
from ..document.tables import ColumnOf, list_items
from ..render.screen import PLAIN, Screen
from ..render.text_table import render_table
from ..render.wrapping import wrap

_Step = Mapping[str, Any]
"""A step as ``read_run`` gives it."""


def show_runs(
    runs: Sequence[RunLine], store: Path, screen: Screen = PLAIN, *, scenario: str | None = None
) -> str:
    """A row for each run, the latest first, all of one ``scenario`` if so; an id is never cut."""
    if not runs and scenario is not None:
        return f"no runs of {clean(scenario)} in {clean(str(store))}; flopprof runs lists those of all"
    if not runs:
        return f"no runs in {clean(str(store))}; flopprof run SCENARIO makes one"
    return _join(render_table(list_items(_RUN_COLUMNS, runs), screen))


def runs_to_json(runs: Sequence[RunLine], store: Path) -> dict[str, Any]:
    """The object of ``runs --json``."""
    keys = (
        *("id", "kind", "scenario", "started_at", "status", "recorder", "hardware"),
        *("steps", "done", "failed"),
    )
    return {
        "flopprof": FORMAT,
        "store": str(store),
        "runs": [
            {key: getattr(run, key) for key in keys}
            | {"tags": list(run.tags), "folder": str(store / run.folder)}
            for run in runs
        ],
    }


def show_run(found: dict[str, Any], line: RunLine, store: Path, screen: Screen = PLAIN) -> str:
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
    head = [
        one for name, text in facts.items() if text for one in _show_fact(name, clean(text), screen.width)
    ]
    rest = ["", *render_table(list_items(_STEP_COLUMNS, steps), screen)] if steps else []
    is_resumable = line.status == "interrupted" and line.kind == "run"
    unfinished = [f"go on with: flopprof run --resume {run['id']}"] if is_resumable else []
    return _join([*head, *rest, *unfinished])


def _show_fact(name: str, text: str, width: int) -> list[str]:
    """Wrapped under its own beginning; what is there to be copied stays in one piece."""
    start = f"{name:9} "
    return [start + text] if name in _COPIED else wrap(text, width, start, " " * len(start))


def _join(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines)


def _tell_start(run: RunLine) -> str:
    return clean(run.started_at.replace("T", " ").removesuffix("+00:00"))


def _tell_steps(run: RunLine) -> str:
    if run.kind == "job":
        return f"{run.done}/{run.steps} ranks"
    return f"{run.done}/{run.steps}" + (f" {run.failed} failed" if run.failed else "")


def _tell_end(step: _Step) -> str | None:
    return None if step["status"] == "done" else clean(f"{step['status']}: {step['reason']}")


def _time_column(title: str, key: str, kind: Kind) -> ColumnOf[_Step]:
    return ColumnOf(key=key, title=title, kind=kind, value=lambda step: step[key])


_RUN_COLUMNS: tuple[ColumnOf[RunLine], ...] = (
    ColumnOf(key="id", title="run", whole=True, value=lambda run: clean(run.id)),
    ColumnOf(key="status", title="status", whole=True, value=lambda run: run.status),
    ColumnOf(key="tags", title="tags", prose=True, value=lambda run: clean(" ".join(run.tags)) or None),
    ColumnOf(key="steps", title="steps", whole=True, value=_tell_steps),
    ColumnOf(key="started_at", title="started (UTC)", whole=True, value=_tell_start),
    ColumnOf(key="recorder", title="recorder", value=lambda run: run.recorder),
)
"""In the order in which a narrow terminal keeps them: an id tells when its run began."""

_STEP_COLUMNS: tuple[ColumnOf[_Step], ...] = (
    ColumnOf(key="label", title="step", value=lambda step: clean(step["label"])),
    _time_column("untraced", "untraced_ns", "time"),
    _time_column("traced", "traced_ns", "time"),
    _time_column("kernels", "kernel_ns", "time"),
    _time_column("", "tflops", "tflops"),
    _time_column("", "gbps", "gbps"),
    _time_column("roof", "roof_share", "percent"),
    ColumnOf(key="reason", title="", prose=True, value=_tell_end),
)

_COPIED = ("run", "folder", "command")
