"""The JSON of a run, the contract other programs build on (``"flopprof": 1`` is its version).

Every key is always present; unknown, not measured and undefined are null. Times are ns, names are full.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...analysis.evidence.cpu_use import CpuUse
from ...analysis.explain.explain import Explanation
from ...analysis.plain import to_plain
from ...analysis.runs.results import OpResult, RunResult, StepResult
from ...analysis.words import FORMAT
from .explanation_json import explanation_to_json

STEP_KEYS = (
    *(
        "key",
        "label",
        "variant",
        "backend",
        "device",
        "dtype",
        "mode",
        "params",
        "ops",
        "shard",
        "status",
        "reason",
    ),
    *(
        "flops",
        "bytes",
        "reps",
        "traced_reps",
        "warmup",
        "untraced_ns",
        "untraced_mean_ns",
        "untraced_interval",
        "traced_ns",
        "slowdown",
    ),
    *("tracing_ns", "noise_ns", "noisy", "surroundings"),
    *("overhead_ns", "launch_bound", "window", "per_rep", "tflops", "gbps", "roof_share", "roof_source"),
    *("roof_note", "limit", "checked", "notes", "counters", "cpu", "evidence_note"),
)

OP_KEYS = (
    *("key", "index", "op", "flops", "bytes", "window", "per_rep", "kernel_sum_ns", "launches", "host_ns"),
    *("tflops", "gbps", "roof_share", "roof_source", "roof_note", "limit", "kernels", "copies"),
    *("counters", "kernel_counters", "cpu"),
)


def run_to_json(
    result: RunResult, explanations: Sequence[Explanation] = (), verdicts: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The object of ``run --json``: plain dicts, lists, numbers and strings."""
    plain = {
        "flopprof": FORMAT,
        "run": to_plain(result.run),
        "machine": to_plain(result.machine),
        "ceilings": list(result.ceilings),
        "time": {
            "seconds": result.run.seconds,
            "pass_seconds": dict(result.pass_seconds),
            "measuring_seconds": dict(result.measuring_seconds),
            "measuring_share": result.measuring_share,
        },
        "quality": to_plain(result.quality),
        "steps": [_step(step) for step in result.steps],
        "skipped": to_plain(result.skipped),
        "ops": [_op(op) for op in result.ops],
        "verdicts": [dict(verdict) for verdict in verdicts],
        "explanations": [explanation_to_json(explanation) for explanation in explanations],
    }
    return _finite(plain)


def _step(step: StepResult) -> dict[str, Any]:
    plain = to_plain(replace(step, untraced_samples_ns=(), traced_samples_ns=()))
    plain.update(plain.pop("costs"))
    plain["cpu"] = _cpu(step.cpu)
    return {key: plain[key] for key in STEP_KEYS}


def _op(op: OpResult) -> dict[str, Any]:
    plain = to_plain(op)
    plain.update(plain.pop("costs"))
    plain["window"] = plain.pop("times")
    plain["cpu"] = _cpu(op.cpu)
    return {key: plain[key] for key in OP_KEYS}


def _cpu(use: CpuUse | None) -> dict[str, Any] | None:
    return None if use is None else {**to_plain(use), "cores": use.cores}


def _finite(value: Any) -> Any:
    """Numbers of numpy as Python's, and what is not finite as null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else None
    return value
