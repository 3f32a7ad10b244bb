"""What is asked of a run store: SQL by name, and the rows as records. Reads only, with Python's own sqlite3."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

RunStatus = Literal["complete", "interrupted", "damaged", "running", "missing"]
"""``running`` and ``missing`` (its folder is gone) are of the moment: they are seen, not stored."""

RunKind = Literal["run", "program", "job"]
"""A run of a scenario, a recorded program, a job of several ranks."""

LIST_RUNS = """
    SELECT run AS id, scenario, started_at, run_overview.status, recorder, hardware, steps, done, failed,
        coalesce(tags, '') AS tags,
        (SELECT folder FROM runs WHERE runs.id = run_overview.run) AS folder,
        (SELECT CASE WHEN json_extract(command, '$[1]') IS NOT 'profile' THEN 'run'
            WHEN json_extract(command, '$[2]') = '--ranks' THEN 'job' ELSE 'program' END
            FROM runs WHERE runs.id = run_overview.run) AS kind
    FROM run_overview WHERE :scenario IS NULL OR scenario = :scenario ORDER BY started_at DESC, id DESC"""

KNOWN_RUNS = "SELECT id, folder, status, shards FROM runs"

RUN_BY_ID = """
    SELECT runs.*, machines.system, machines.hardware, machines.python, machines.versions,
        (SELECT group_concat(name, ' ') FROM tags WHERE tags.run = runs.id) AS tags
    FROM runs LEFT JOIN machines ON machines.id = runs.machine WHERE runs.id = ?"""

STEPS_OF_RUN = """
    SELECT key, label, variant, backend, device, dtype, mode, params, shard, status, reason, flops, bytes, reps,
        untraced_ns, traced_ns, slowdown, overhead_ns, kernel_ns, compute_ns, tflops, gbps, roof_share, limited_by
    FROM steps WHERE run = ? ORDER BY number"""

STEP_HISTORY = """
    SELECT runs.id AS run, runs.started_at, runs.status, runs.recorder, machines.hardware, machines.versions,
        machines.settings, steps.key, steps.label, steps.variant, steps.backend, steps.device, steps.dtype,
        steps.mode, steps.params, steps.untraced_ns, steps.untraced_low_ns, steps.untraced_high_ns, steps.traced_ns
    FROM steps JOIN runs ON runs.id = steps.run JOIN machines ON machines.id = runs.machine
    WHERE runs.scenario = ? AND steps.status = 'done' AND runs.status <> 'damaged'
    ORDER BY runs.started_at, runs.id, steps.number"""

SCENARIOS = "SELECT DISTINCT scenario FROM runs ORDER BY scenario"

_JSON = ("params", "command", "quality", "skipped", "versions", "settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in a list."""

    id: str
    scenario: str
    started_at: str
    status: RunStatus
    recorder: str
    hardware: str | None
    steps: int
    done: int
    failed: int
    tags: tuple[str, ...]
    folder: str
    kind: RunKind = "run"


def list_rows(connection: sqlite3.Connection, scenario: str | None = None) -> list[RunLine]:
    """The runs of the store, or those of a scenario, the latest first."""
    rows = connection.execute(LIST_RUNS, {"scenario": scenario}).fetchall()
    return [RunLine(**{**dict(row), "tags": tuple(sorted(row["tags"].split()))}) for row in rows]


def read_run(connection: sqlite3.Connection, run: str) -> dict[str, Any] | None:
    """Everything of one run but its ops: {run: {…}, steps: [{…}]}; None where there is no such run."""
    found = connection.execute(RUN_BY_ID, [run]).fetchone()
    if found is None:
        return None
    steps = [plain_row(row) for row in connection.execute(STEPS_OF_RUN, [run])]
    plain = plain_row(found)
    return {"run": plain | {"tags": sorted((plain["tags"] or "").split())}, "steps": steps}


def plain_row(row: sqlite3.Row) -> dict[str, Any]:
    """A row as a dict, its JSON columns read."""
    return {name: json.loads(row[name]) if name in _JSON and row[name] else row[name] for name in row.keys()}  # noqa: SIM118
