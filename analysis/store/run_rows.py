"""A run's numbers as rows of the store's tables. Pure: nothing here knows of a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from ..breakdown.rows import WindowTimes
from ..plain import to_plain
from ..runs.records import Machine, RunPlan
from ..runs.results import Costs, OpResult, RunResult, StepResult

Row = dict[str, Any]

TIMES = tuple(WindowTimes.__dataclass_fields__)
"""Columns of a window's times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRows:
    """Everything of one run, table by table, in the order in which foreign keys want it."""

    machine: Row
    run: Row
    steps: list[Row]
    ops: list[Row]
    kernels: list[Row]
    reps: list[Row]


@dataclass(slots=True, kw_only=True)
class FirstIds:
    """The next free id of each table that numbers its rows."""

    steps: int = 1
    ops: int = 1
    kernels: int = 1


def rows_of_run(result: RunResult, folder: str, shards: int, first: FirstIds) -> RunRows:
    """The rows of a run that lies in the store's ``folder`` with ``shards`` published shards."""
    step_ids = dict(zip((step.key for step in result.steps), count(first.steps), strict=False))
    op_ids = list(zip(count(first.ops), result.ops, strict=False))
    kernel_ids = count(first.kernels)
    machine = machine_row(result.machine)
    run = run_row(RunPlan(run=result.run, steps=[], skipped=list(result.skipped)), folder, shards)
    return RunRows(
        machine=machine,
        run=run | {"machine": machine["id"], "quality": to_json(to_plain(result.quality))},
        steps=[
            _step_row(step_ids[step.key], result.run.id, number, step)
            for number, step in enumerate(result.steps)
        ],
        ops=[_op_row(op_id, step_ids[op.key], op) for op_id, op in op_ids],
        kernels=[row | {"id": next(kernel_ids)} for op_id, op in op_ids for row in _kernel_rows(op_id, op)],
        reps=[row for step in result.steps for row in _rep_rows(step_ids[step.key], step)],
    )


def run_row(plan: RunPlan, folder: str, shards: int) -> Row:
    """The row of ``runs`` that plan.json alone can fill."""
    run = plan.run
    return {
        "id": run.id,
        "scenario": run.scenario,
        "about": run.about,
        "started_at": run.started_at,
        "status": run.status,
        "problem": None,
        "recorder": run.recorder,
        "recorder_note": run.recorder_note,
        "control": run.control,
        "baseline": run.baseline,
        "command": to_json(run.command),
        "folder": folder,
        "shards": shards,
        "machine": None,
        "quality": "[]",
        "skipped": to_json(to_plain(plan.skipped)),
    }


def machine_row(machine: Machine) -> Row:
    """A machine by the digest of all that is known of it: other versions are another row, of equal hardware."""
    plain = machine.model_dump(mode="json")
    digest = hashlib.sha256(to_json(plain).encode()).hexdigest()[:12]
    return {
        "id": digest,
        "system": machine.system,
        "cpu": machine.cpu,
        "cores": machine.cores,
        "memory_bytes": machine.memory_bytes,
        "gpus": to_json(plain["gpus"]),
        "hardware": describe_hardware(machine),
        "python": machine.python,
        "versions": to_json(machine.versions),
        "settings": to_json(machine.settings),
    }


def describe_hardware(machine: Machine) -> str:
    """What times depend on and updates do not change: ``AMD EPYC, 2 cores; NVIDIA H200``."""
    gpus = "".join(f"; {gpu.name}" for gpu in machine.gpus)
    return f"{machine.cpu}, {machine.cores} cores{gpus}"


def to_json(value: Any) -> str:
    """JSON of one spelling, so that equal values are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _step_row(row_id: int, run: str, number: int, step: StepResult) -> Row:
    low, high = step.untraced_interval or (None, None)
    same = (
        "key",
        "label",
        "variant",
        "backend",
        "device",
        "dtype",
        "mode",
        "shard",
        "status",
        "reason",
        "reps",
    )
    times = ("warmup", "untraced_ns", "traced_ns", "slowdown", "overhead_ns", "launch_bound", "checked")
    return {
        "id": row_id,
        "run": run,
        "number": number,
        **{name: getattr(step, name) for name in (*same, *times)},
        # Not sorted: the scenario's order is how people read them.
        "params": json.dumps(step.params, separators=(",", ":")),
        "untraced_low_ns": low,
        "untraced_high_ns": high,
        **_layers(step.per_rep),
        **_costs(step.costs),
    }


def _op_row(row_id: int, step_id: int, op: OpResult) -> Row:
    return {
        "id": row_id,
        "step": step_id,
        "number": op.index,
        "op": op.op,
        **_layers(op.per_rep),
        **_costs(op.costs),
        "kernel_sum_ns": op.kernel_sum_ns,
        "launches": op.launches,
        "range_ns": op.host_ns,
    }


def _kernel_rows(op_id: int, op: OpResult) -> Iterator[Row]:
    for kernel in op.kernels:
        plain = {
            name: value for name, value in to_plain(kernel).items() if name != "first_ns"
        }  # order, no result
        yield plain | {"op": op_id, "launches": to_json(plain["launches"])}


def _rep_rows(step_id: int, step: StepResult) -> Iterator[Row]:
    for name, samples in (("untraced", step.untraced_samples_ns), ("traced", step.traced_samples_ns)):
        for number, ns in enumerate(samples):
            yield {"step": step_id, "pass": name, "number": number, "ns": ns}


def _layers(times: WindowTimes | None) -> Row:
    return {name: None if times is None else getattr(times, name) for name in TIMES}


def _costs(costs: Costs) -> Row:
    same = ("flops", "bytes", "tflops", "gbps", "roof_share", "roof_source", "roof_note")
    return {**{name: getattr(costs, name) for name in same}, "limited_by": costs.limit}
