"""The driver, the GPUs and who else uses them; the disk, and where flopprof may write."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ...analysis.store.place import find_store
from ..machine.machine import cuda_devices, driver_versions
from .findings import Finding, broken, ok, warning

GIB = 1 << 30

SCARCE_BYTES, TOO_FEW_BYTES = 2 * GIB, 64 << 20

TEMPORARY_PATH_LIMIT = 54
"""Nsight Systems makes sockets in a folder of flopprof's below this one; a socket's path has 107 bytes at most."""

SMI_SECONDS = 4.0


def examine_gpus() -> Iterator[Finding]:
    """The driver and its devices."""
    versions = driver_versions()
    devices = cuda_devices()
    if not versions:
        yield ok("driver", "no NVIDIA driver: steps on a GPU are skipped")
        return
    words = ", ".join(f"{name} {number}" for name, number in versions.items())
    if not devices:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        remedy = (
            "unset CUDA_VISIBLE_DEVICES"
            if hidden is not None
            else "nvidia-smi says why; in a container: --gpus all"
        )
        yield warning("driver", f"{words}, but it lists no device", remedy)
        return
    yield ok("driver", words)
    for device in devices:
        memory = f"{device.memory_bytes / GIB:.0f} GiB" if device.memory_bytes else "memory unknown"
        yield ok(
            "gpu",
            f"{device.ordinal}: {device.name}, {memory}, compute capability {device.compute_capability}",
        )
    yield examine_neighbours()


def examine_neighbours() -> Finding:
    """Other processes on the GPUs, which share their time."""
    query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=SMI_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return warning(
            "gpu use",
            "nvidia-smi does not say who uses the GPUs",
            "install nvidia-smi (the driver's utilities)",
        )
    rows = [line.split(",") for line in done.stdout.splitlines() if "," in line]
    if not rows:
        return ok("gpu use", "no other process")
    what = ", ".join(f"pid {pid.strip()} ({memory.strip()} MiB)" for pid, memory in rows)
    return warning(
        "gpu use",
        f"{len(rows)} other on the GPUs: {what}",
        "wait for them, or choose another by CUDA_VISIBLE_DEVICES",
    )


def examine_places() -> Iterator[Finding]:
    """Where runs and temporary files go: writable, with room."""
    yield examine_folder(
        "runs", _nearest(find_store().absolute()), "run flopprof in a folder of yours, or with --out DIR"
    )
    temporary = Path(tempfile.gettempdir())
    finding = examine_folder("temp", temporary, "set TMPDIR to a folder of yours")
    if finding.state == "ok" and len(str(temporary).encode()) > TEMPORARY_PATH_LIMIT:
        finding = broken(
            "temp", f"{temporary}: too long a path for Nsight Systems' sockets", "export TMPDIR=/tmp"
        )
    yield finding


def examine_folder(name: str, folder: Path, remedy: str) -> Finding:
    """One folder, by writing into it."""
    try:
        with tempfile.TemporaryDirectory(prefix=".flopprof-doctor-", dir=folder) as probe:
            (Path(probe) / "probe").write_bytes(b"x" * 4096)
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return broken(name, f"{folder} cannot be written: {error.strerror}", remedy)
    words = f"{folder}: {free / GIB:.1f} GiB free"
    if free < TOO_FEW_BYTES:
        return broken(name, words, f"free some space, or {remedy}")
    if free < SCARCE_BYTES:
        return warning(name, f"{words}; traces may not fit", f"free some space, or {remedy}")
    return ok(name, words)


def _nearest(folder: Path) -> Path:
    """The folder, or the first that exists on the way up."""
    return next(place for place in (folder, *folder.parents) if place.exists())
