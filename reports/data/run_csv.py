"""The tables of a run as CSV text: raw values, full names, empty cells for unknown.

``steps``, ``ops``, ``kernels`` (per op), ``launches`` (per kernel and launch geometry) and ``copies``. Nested
objects become columns joined by ``_``: ``per_rep_kernel_ns``, ``param_n``. Rows of ``ops`` and below repeat
what identifies their step, so that each file can be read alone. Every column is always present.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ...analysis.breakdown.rows import CopyRow, KernelRow, Launch, WindowTimes
from ...analysis.evidence.counters import Counters
from ...analysis.evidence.cpu_use import CpuUse
from .csv_text import to_csv
from .run_json import OP_KEYS, STEP_KEYS

Record = dict[str, Any]

_TIMES = tuple(field.name for field in fields(WindowTimes))

_STEP_IDENTITY = ("key", "variant", "backend", "device", "dtype", "mode", "params")

_OP_IDENTITY = (*_STEP_IDENTITY, "op_index", "op")


def csv_tables(data: Mapping[str, Any], *, raw: bool = False) -> dict[str, str]:
    """File name to text of each table of ``run_to_json``'s object; one without rows still has its heading.

    ``raw`` leaves names that begin as a formula does as they are, see csv_text.py.
    """
    params = list(dict.fromkeys(name for step in data["steps"] for name in step["params"]))
    steps = {step["key"]: {name: step[name] for name in _STEP_IDENTITY} for step in data["steps"]}
    ops = [{**op, **steps.get(op["key"], {}), "op_index": op["index"]} for op in data["ops"]]
    kernels = [_under(op, kernel) for op in ops for kernel in op["kernels"]]
    launches = [_under(kernel, _joined(launch)) for kernel in kernels for launch in kernel["launches"]]
    copies = [_under(op, copy) for op in ops for copy in op["copies"]]
    op_columns = [
        key for key in OP_KEYS if key not in ("key", "index", "op", "kernels", "copies", "kernel_counters")
    ]
    tables = {
        "steps": (list(STEP_KEYS), data["steps"]),
        "ops": ([*_OP_IDENTITY, *op_columns], ops),
        "kernels": ([*_OP_IDENTITY, *_own_columns(KernelRow)], kernels),
        "launches": ([*_OP_IDENTITY, "kernel", *_own_columns(Launch)], launches),
        "copies": ([*_OP_IDENTITY, *_own_columns(CopyRow)], copies),
    }
    return {
        f"{name}.csv": to_csv(_expand(columns, params), map(_flat, rows), raw=raw)
        for name, (columns, rows) in tables.items()
    }


def _under(parent: Record, child: Record) -> Record:
    """A child's record with the identity of what it belongs to; its device number gets a name of its own."""
    identity = {key: parent.get(key) for key in (*_OP_IDENTITY, "kernel")}
    return {**identity, **{"cuda_device" if key == "device" else key: v for key, v in child.items()}}


def _own_columns(row: type) -> list[str]:
    names = [field.name for field in fields(row)]
    return ["cuda_device" if name == "device" else name for name in names if name != "launches"]


def _joined(launch: Record) -> Record:
    """A launch with its grid and block as ``2000x8x1``."""
    return {
        key: "x".join(map(str, value)) if key in ("grid", "block") and value else value
        for key, value in launch.items()
    }


def _expand(columns: list[str], params: list[str]) -> list[str]:
    nested = {
        "params": [f"param_{name}" for name in params],
        "window": [f"window_{name}" for name in _TIMES],
        "per_rep": [f"per_rep_{name}" for name in _TIMES],
        "untraced_interval": ["untraced_low_ns", "untraced_high_ns"],
        "counters": [f"counters_{field.name}" for field in fields(Counters)],
        "cpu": [*(f"cpu_{field.name}" for field in fields(CpuUse)), "cpu_cores"],
    }
    return [name for column in columns for name in nested.get(column, [column])]


def _flat(record: Record) -> Record:
    flat: Record = {}
    for key, value in record.items():
        if key in ("params", "window", "per_rep", "counters", "cpu"):
            prefix = "param" if key == "params" else key
            flat.update({f"{prefix}_{name}": item for name, item in (value or {}).items()})
        elif key == "untraced_interval":
            flat["untraced_low_ns"], flat["untraced_high_ns"] = value or (None, None)
        else:
            flat[key] = "; ".join(map(str, value)) if isinstance(value, list) else value
    return flat
