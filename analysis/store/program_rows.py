"""A recorded program's numbers as rows of the store's tables: its steps, their parts, and all of it.

Pure: nothing here knows of a file. The times are traced ones: there was no other pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING

from ..plain import to_plain
from ..words import join_path
from .run_rows import TIMES, FirstIds, Row, RunRows, machine_row, to_json

if TYPE_CHECKING:
    from ..breakdown.analyze import Analysis
    from ..programs.folder import ProgramFolder

WHOLE = "(whole program)"

_UNKNOWN = (
    *("shard", "reason", "flops", "bytes", "warmup", "untraced_ns", "untraced_low_ns", "untraced_high_ns"),
    *("slowdown", "overhead_ns", "launch_bound", "tflops", "gbps", "roof_share", "roof_source", "roof_note"),
    *("limited_by", *TIMES),
)


def rows_of_program(folder: ProgramFolder, analysis: Analysis, first: FirstIds) -> RunRows:
    """The rows of a program that lies in a folder of the store."""
    machine = machine_row(folder.machine)
    run = program_row(folder) | {"machine": machine["id"], "quality": to_json(to_plain(analysis.quality))}
    ids = count(first.steps)
    steps = [
        row | {"id": next(ids), "run": folder.record.id, "number": number}
        for number, row in enumerate(_step_rows(folder, analysis))
    ]
    return RunRows(machine=machine, run=run, steps=steps, ops=[], kernels=[], reps=[])


def program_row(folder: ProgramFolder) -> Row:
    """The row of ``runs`` that its records alone can fill."""
    record = folder.record
    return {
        "id": record.id,
        "scenario": record.group,
        "about": f"flopprof profile -- {record.title}",
        "started_at": record.started_at,
        "status": "complete",
        "problem": f"the program ended with exit code {record.exit_code}" if record.exit_code else None,
        "recorder": record.recorder,
        "recorder_note": None,
        "control": False,
        "baseline": None,
        "command": to_json(["flopprof", "profile", "--", *record.title.split(" ")]),
        "folder": folder.path.name,
        "shards": 0,
        "machine": None,
        "quality": "[]",
        "skipped": "[]",
    }


def _step_rows(folder: ProgramFolder, analysis: Analysis) -> Iterator[Row]:
    device = "cuda" if len(analysis.trace.activities) else "cpu"
    for step in analysis.steps:
        name = join_path(step.domain, step.path)
        yield _row(name, device, step.instances, step.median_ns, _kernel_ns(step.layers))
        seen: set[str | None] = {None}
        for part in step.parts:
            if part.range not in seen:
                seen.add(part.range)
                reps = round(part.instances * step.instances)
                yield _row(f"{name} › {part.range}", device, reps, part.ns, _kernel_ns(part.layers))
    yield _row(WHOLE, device, 1, folder.record.wall_seconds * 1e9, None)


def _kernel_ns(layers: Mapping[str, float]) -> float | None:
    return layers.get("kernel")


def _row(label: str, device: str, reps: int, traced_ns: float, kernel_ns: float | None) -> Row:
    return known_row(label, "program", device, reps, traced_ns) | {"kernel_ns": kernel_ns}


def known_row(label: str, kind: str, device: str, reps: int, traced_ns: float | None) -> Row:
    """The row of a part of a program or job: its time as it was recorded, and nothing that only a scenario has."""
    key = hashlib.sha256(f"profile {label}".encode()).hexdigest()[:16]
    known = {
        "key": key,
        "label": label,
        "variant": label,
        "backend": kind,
        "device": device,
        "dtype": "",
        "mode": "eager",
        "params": "{}",
        "status": "done",
        "reps": reps,
        "traced_ns": traced_ns,
        "checked": False,
    }
    return {**dict.fromkeys(_UNKNOWN), **known}
