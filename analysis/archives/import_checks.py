"""Whether what came from elsewhere is ours: a trace that flopprof wrote, plain tables of known names and no code; steps
that flopprof plans.
"""

from __future__ import annotations

import re
from math import inf
from pathlib import Path
from typing import get_args

from ...scenarios.language.schema import BackendName, Device, Dtype, Mode
from ...scenarios.operations.ops import op_to_json
from ...scenarios.plan.step import Step, step_key
from ...scenarios.plan.work import step_work
from ..errors import RunError, TraceError
from ..programs.samples import PythonSamples
from ..runs.folder import RunFolder
from ..runs.records import MOST_PASSES, Pass, StepRecord
from ..sqlite.file import SqliteFile
from .scrub import KEPT_TABLES

SCHEMA = "SELECT type, name, coalesce(sql, '') FROM sqlite_master"

_SCRUBBED_TABLE = re.compile(
    r"CREATE TABLE [A-Za-z_]\w* ?\(\s*\w+ (?:TEXT|INTEGER|REAL)(?: PRIMARY KEY)?"
    r"(?:,\s*\w+ (?:TEXT|INTEGER|REAL)(?: PRIMARY KEY)?)*\s*\)",
    re.ASCII,
)
"""What scrubbing makes of any table: names and types, no default, check, generated or virtual column."""


def check_trace(path: Path) -> None:
    """Raise TraceError for a file with triggers, views, indexes, virtual or unknown tables, or damage."""
    with SqliteFile(path) as file:
        for kind, name, sql in file.rows(SCHEMA):
            if kind == "index" and not sql and name.startswith("sqlite_autoindex_"):
                continue
            if kind != "table":
                raise TraceError(path, f"has a {kind} ({name!r}), which a trace of flopprof never has")
            if not (KEPT_TABLES.fullmatch(name) or name == "StringIds"):
                raise TraceError(path, f"has a table {name!r}, which a trace of flopprof never has")
            if not _SCRUBBED_TABLE.fullmatch(sql):
                raise TraceError(path, f"its table {name!r} is not declared as flopprof does")
        state = file.rows("PRAGMA integrity_check(1)")
    if state != [("ok",)]:
        raise TraceError(path, "is damaged")


MOST_HZ = 1000.0


def check_samples(samples: PythonSamples) -> None:
    """Raise RunError for samples of functions that are not there, or of a rate that no sampler has."""
    known = range(len(samples.functions))
    if not 0 < samples.hz <= MOST_HZ:
        raise RunError("python.json", f"{samples.hz:g} samples a second are none that flopprof takes")
    for thread in samples.threads:
        for stack in thread.stacks:
            if stack.samples < 0 or stack.ns < 0 or any(at not in known for at in stack.functions):
                raise RunError("python.json", "has a stack of functions that it does not list")


_LONGEST_NAME = 200

_CHOICES = {"backend": BackendName, "device": Device, "dtype": Dtype, "mode": Mode}


def check_steps(folder: RunFolder) -> None:
    """Raise RunError unless every step is of known kind, has the key of what it computes, and is there once.

    What was measured of it must be what its reps can give: the memory that an analysis takes grows with the samples.
    """
    for step in folder.steps:
        problem = _problem(step)
        if problem:
            raise RunError("plan.json", f"step {step.key!r}: {problem}")
    most = {step.key: step.reps.count for step in folder.steps}
    if len(most) < len(folder.steps):
        raise RunError("plan.json", "has a step twice")
    for shard in folder.shards:
        record = shard.record
        expected = f"{record.backend}-{record.device}" + (f"-{record.part}" if record.part > 1 else "")
        if shard.name != expected:
            raise RunError(f"shards/{shard.name}", f"says that it is {expected}")
        for step in record.steps:
            if step.key not in most:
                raise RunError(f"shards/{shard.name}", f"has a step {step.key!r} that plan.json has not")
            if problem := _measured_problem(step, most[step.key]):
                raise RunError(f"shards/{shard.name}", f"step {step.key!r}: {problem}")


def _problem(step: Step) -> str | None:
    for name, choices in _CHOICES.items():
        if getattr(step, name) not in get_args(choices):
            return f"{name} {getattr(step, name)!r} is unknown"
    if type(step.variant) is not str or len(step.variant) > _LONGEST_NAME:
        return "its variant has no proper name"
    if not all(name.isidentifier() and type(value) is int for name, value in step.params.items()):
        return "its params are not whole numbers by name"
    key = step_key(
        ops=step.ops,
        backend=step.backend,
        device=step.device,
        dtype=step.dtype,
        mode=step.mode,
        params=step.params,
    )
    if key != step.key:
        return f"its key is not that of {[op_to_json(op)['op'] for op in step.ops]}"
    step_work(step)
    return None


def _measured_problem(step: StepRecord, most: int) -> str | None:
    if step.reps is not None and not 1 <= step.reps <= most:
        return f"{step.reps} reps, where 1 to {most} were planned"
    passes = ((step.control, MOST_PASSES * most), (step.traced, most))
    problems = (_pass_problem(one, limit) for one, limit in passes if one is not None)
    return next((problem for problem in problems if problem), None)


def _pass_problem(one: Pass, most: int) -> str | None:
    if not 1 <= one.reps <= most:
        return f"a pass of {one.reps} reps, where 1 to {most} were planned"
    if len(one.samples_ns) > one.reps:
        return f"a pass of {one.reps} reps and {len(one.samples_ns)} samples"
    if not (0 < one.total_ns < inf and all(0 <= ns < inf for ns in one.samples_ns)):
        return "a pass with a time that is none"
    return None
