"""Recorded traces: the copies in tests/data, and any others that lie in ../shared."""

from __future__ import annotations

import csv
import functools
import lzma
from pathlib import Path

import pytest
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.trace.trace import Trace

from drawing.tree import DATA, SHARED

GPU = (
    "crash",
    "cupy_axis0",
    "cupy_axis1",
    "ddp",
    "graph_graph",
    "graph_node",
    "spans_across_threads",
    "streams",
    "threads",
    "three_processes",
    "torch_axis0",
    "torch_axis1",
    "two_gpus_swapped",
    "unified_memory",
)
"""All by Nsight Systems 2025.3. With two GPUs: `ddp` (torchrun, two processes), `two_gpus_swapped` (a thread for
each, CUDA_VISIBLE_DEVICES=1,0) and `three_processes` (two of them spawned, CUDA_VISIBLE_DEVICES=1).
`spans_across_threads` has start/end ranges that another thread ends, and a message nested in itself."""


def recorded(name: str) -> Path:
    """The packed file of a recorded trace; the test skips where it is missing."""
    for folder in (DATA, SHARED, SHARED / "cpu"):
        if (found := folder / f"{name}.sqlite.xz").exists():
            return found
    return pytest.skip(f"no recorded trace {name}: it is in ../shared/traces")


@functools.cache
def read_recorded(name: str) -> Trace:
    return read_trace(recorded(name))


@functools.cache
def read_case(name: str) -> Trace:
    """A trace made by hand, with one fault or one rule in it and every other thing right; no recording."""
    return read_trace(DATA / "cases" / f"{name}.sqlite.xz")


def unpacked(name: str, folder: Path) -> Path:
    """A recorded trace as a plain file of the test's own."""
    path = folder / f"{Path(name).name}.sqlite"
    path.write_bytes(lzma.decompress(recorded(name).read_bytes()))
    return path


def nvidia_report(name: str, report: str) -> list[dict[str, str]]:
    """What NVIDIA's `nsys stats` printed for a recorded trace; the test skips where it is missing."""
    for folder in (DATA / "nsys_stats", SHARED / "nsys_stats"):
        if (found := folder / f"{name}_{report}.csv").exists():
            with found.open(newline="") as file:
                return list(csv.DictReader(file))
    return pytest.skip(f"no {report} of {name}: it is in ../shared/traces/nsys_stats")
