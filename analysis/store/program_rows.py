"""A recorded program's numbers as rows of the store's tables: its steps, their parts, and all of it.

Pure: nothing here knows of a file. The times are traced ones: there was no other pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from ..attribution.range_names import RangeName, find_alike, spell_path
from ..plain import to_plain
from ..words import is_foreign
from .run_rows import TIMES, FirstIds, Row, RunRows, machine_row, to_json

if TYPE_CHECKING:
    from ..breakdown.analyze import Analysis
    from ..breakdown.trace_steps import StepRow
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
    timed = list(_list_timed(analysis.steps))
    alike = find_alike(one.name for one in timed)
    taken: set[str] = set()
    for one in timed:
        label = spell_path(one.name, every=one.name in alike)
        known = label if one.known_as in taken else one.known_as
        taken.add(known)
        yield _row(label, device, one.reps, one.ns, one.layers.get("kernel"), known)
    yield _row(WHOLE, device, 1, folder.record.wall_seconds * 1e9, None, WHOLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    """A step, or a part of one."""

    name: RangeName
    known_as: str
    """What its key is made of: how earlier versions spelt it, so that its history goes on."""
    reps: int
    ns: float
    layers: Mapping[str, float]


def _list_timed(steps: Iterable[StepRow]) -> Iterator[_Timed]:
    for step in steps:
        known = " › ".join(step.path)
        known = f"{step.domain}: {known}" if is_foreign(step.domain) else known
        name = step.domains, step.path
        yield _Timed(name=name, known_as=known, reps=step.instances, ns=step.median_ns, layers=step.layers)
        for part in step.parts:
            if part.range is not None:
                yield _Timed(
                    name=((*step.domains, part.domain), (*step.path, part.range)),
                    known_as=f"{known} › {part.range}",
                    reps=round(part.instances * step.instances),
                    ns=part.ns,
                    layers=part.layers,
                )


def _row(label: str, device: str, reps: int, traced_ns: float, kernel_ns: float | None, known_as: str) -> Row:
    row = known_row(label, "program", device, reps, traced_ns)
    return row | {"key": _key_of(known_as), "kernel_ns": kernel_ns}


def _key_of(text: str) -> str:
    return hashlib.sha256(f"profile {text}".encode()).hexdigest()[:16]


def known_row(label: str, kind: str, device: str, reps: int, traced_ns: float | None) -> Row:
    """The row of a part of a program or job: its time as it was recorded, and nothing that only a scenario has."""
    known = {
        "key": _key_of(label),
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
