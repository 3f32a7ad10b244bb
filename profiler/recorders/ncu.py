"""Nsight Compute: hardware counters of every kernel in a range, in a pass of its own."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...analysis.evidence.counters import choose_metrics
from ...analysis.evidence.ncu_csv import parse_query
from ..errors import CaptureError
from .child import ask
from .recorder import NESTED_SIGNS

PLACES = ("/usr/local/cuda/bin/ncu", "/opt/nvidia/nsight-compute/*/ncu", "/usr/local/cuda-*/bin/ncu")
"""Where installers put it without putting it on PATH."""

REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"ERR_NVGPUCTRPERM|does not have permission",
        "the driver lets only administrators read hardware counters: run as root, or load it with "
        "NVreg_RestrictProfilingToAdminUsers=0",
    ),
    (
        r"ResourceUnavailable|another (tool|profiler)|already in use",
        "another profiler holds the GPU's counters: end it",
    ),
    (r"not supported on this device|Unsupported GPU", "this Nsight Compute does not know the GPU"),
    (
        r"[Nn]o (CUDA )?devices? (was )?found|Cuda driver is not compatible",
        "it found no GPU that it can count on",
    ),
)
"""What it says when it cannot count, and what that means."""


class CountersMissing(CaptureError):
    """Counters were asked for and cannot be had."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"no hardware counters: {problem}; leave them out with --evidence none")


@dataclass(frozen=True, slots=True, kw_only=True)
class NcuRecorder:
    """A command around a worker; it leaves a table of kernels beside the worker's messages."""

    path: Path
    version: str | None
    metrics: tuple[str, ...]
    filters: tuple[str, ...] = (
        *("--nvtx-include", "regex:flopprof@.+/"),
        *("--target-processes", "application-only"),
    )
    """What is counted: by default what lies in ranges of a worker; not of the compilers that its libraries start."""
    name: Literal["ncu"] = "ncu"
    note: str | None = None
    ranges: Literal["nvtx", "memory"] = "nvtx"

    def failed_to_start(self, staging: Path) -> bool:  # noqa: ARG002
        """It has no agent that it could lose."""
        return False

    def command(self, worker: Sequence[str], staging: Path) -> list[str]:
        """``ncu`` with the GPU's clocks and caches as the other passes have them."""
        return [
            *(str(self.path), "--nvtx", *self.filters),
            *("--metrics", ",".join(self.metrics), "--clock-control", "none", "--cache-control", "none"),
            *("--csv", "--page", "raw", "--print-units", "base", "--log-file", str(self.table(staging))),
            *worker,
        ]

    def table(self, staging: Path) -> Path:
        """Where its table is."""
        return staging / "counters.csv"


def find_ncu(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The installed ncu: on PATH, else where installers put it, the newest first."""
    if found := shutil.which("ncu", path=environment.get("PATH")):
        return Path(found)
    others = [
        path for place in PLACES for path in Path("/").glob(place.lstrip("/")) if os.access(path, os.X_OK)
    ]
    return max(others, default=None, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))])


def open_ncu(environment: Mapping[str, str] = os.environ) -> NcuRecorder | str:
    """Nsight Compute with the metrics that it knows of this GPU, or why it cannot be used."""
    if any(sign in environment for sign in NESTED_SIGNS):
        return "flopprof itself runs under Nsight Systems, beside which nothing else can count"
    path = find_ncu(environment)
    if path is None:
        return "ncu is not on PATH (it comes with Nsight Compute and the CUDA toolkit)"
    asked = ask(path, "--query-metrics", failing="==ERROR== ")
    metrics = choose_metrics(parse_query(asked))
    if not any(name.startswith("dram__") for name in metrics):
        return f"{path} names no metrics of a GPU here ({explain(asked)})"
    version = re.search(r"Version ([\d.]+)", ask(path, "--version"))
    return NcuRecorder(path=path, version=version[1] if version else None, metrics=metrics)


def explain(text: str) -> str:
    """What Nsight Compute meant by its last words.

    >>> explain("==ERROR== ERR_NVGPUCTRPERM - The user does not have permission")[:42]
    'the driver lets only administrators read h'
    >>> explain("==PROF== Disconnected")
    'it gave no reason'
    """
    for pattern, meaning in REMEDIES:
        if re.search(pattern, text):
            return meaning
    errors = re.findall(r"==ERROR== *(.+)", text)
    return errors[0].strip()[:200] if errors else "it gave no reason"
