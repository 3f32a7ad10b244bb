"""Hardware counters and GPU samples: whether they can be had, by counting and sampling one kernel for real.

That they are offered says little: permission, another profiler and the chip show only when one tries.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...analysis.errors import TraceError
from ...analysis.evidence.ncu_csv import NcuOutputError, read_ncu_csv
from ...analysis.sqlite.file import SqliteFile
from ..errors import CaptureError
from ..machine.machine import cuda_devices
from ..recorders.folders import temporary_folder
from ..recorders.gpu_metrics import explain_refusal, sampling_options
from ..recorders.ncu import explain, open_ncu
from ..recorders.recorder import NsysRecorder, find_usable_nsys, last_line
from .findings import Finding, ok, warning
from .probe import watch_probe

KERNEL = ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry probe()\n{\nret;\n}\n"

PROBE = f"""
import ctypes, time
cuda = ctypes.CDLL("libcuda.so.1")
device, context, module, function = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
steps = [
    lambda: cuda.cuInit(0),
    lambda: cuda.cuDeviceGet(ctypes.byref(device), 0),
    lambda: cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device),
    lambda: cuda.cuModuleLoadData(ctypes.byref(module), {KERNEL.encode()!r}),
    lambda: cuda.cuModuleGetFunction(ctypes.byref(function), module, b"probe"),
    lambda: cuda.cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, None, None, None),
    lambda: cuda.cuCtxSynchronize(),
]
codes = [step() for step in steps]
time.sleep(0.3)
raise SystemExit(max(codes))
"""
"""One kernel without any library but the driver; the sleep is for samples."""

SAMPLES_HZ = 10_000

WITHOUT = "run --evidence none needs neither counters nor samples"


def examine_evidence() -> Iterator[Finding]:
    """Counters, then samples, as only one of them can have the GPU; nothing where there is no GPU."""
    if not cuda_devices():
        return
    yield try_counting()
    yield try_sampling()


def try_counting() -> Finding:
    """Count one kernel."""
    ncu = open_ncu()
    if isinstance(ncu, str):
        remedy = "install Nsight Compute and put ncu on PATH" if "not on PATH" in ncu else WITHOUT
        return warning("counters", f"no hardware counters: {ncu}", remedy)
    ncu = replace(ncu, filters=())
    with temporary_folder() as folder:
        problem = watch_probe(ncu.command([sys.executable, "-c", PROBE], folder), folder, "it")
        table = ncu.table(folder)
        said = table.read_text(encoding="utf-8", errors="replace") if table.exists() else ""
        try:
            launches = read_ncu_csv(table) if said else []
        except NcuOutputError as error:
            launches, problem = [], str(error)
        if launches and any(name.startswith("dram__") for name in launches[0].metrics):
            return ok(
                "counters", f"a kernel counted by Nsight Compute {ncu.version or ''} at {ncu.path}".strip()
            )
        return not_counted(said, problem, folder / "output.txt")


def not_counted(said: str, problem: str | None, log: Path) -> Finding:
    """Why a kernel was not counted."""
    words = said + (log.read_text(encoding="utf-8", errors="replace") if log.exists() else "")
    why = explain(words)
    if why == "it gave no reason":
        why = problem or last_line(log)
    return warning("counters", f"no hardware counters: {why}", WITHOUT)


def try_sampling() -> Finding:
    """Sample one kernel, export it and look for samples."""
    nsys, problem = find_usable_nsys()
    if nsys is None or problem is not None:
        return warning("samples", f"no GPU metrics: {problem or 'nsys is not there'}", "see nsys above")
    options = sampling_options(nsys.path, SAMPLES_HZ)
    if isinstance(options, str):
        return warning("samples", f"no GPU metrics: {options}", WITHOUT)
    recorder = NsysRecorder(nsys=nsys, options=tuple(options))
    with temporary_folder() as folder:
        problem = watch_probe(recorder.command([sys.executable, "-c", PROBE], folder), folder, "it")
        try:
            count = count_samples(recorder.collect(folder)) if problem is None else 0
        except (CaptureError, TraceError) as error:
            count, problem = 0, str(error)
        if count:
            return ok("samples", f"{count} values of GPU metrics at {SAMPLES_HZ // 1000} kHz by nsys")
        said = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")
    refused = explain_refusal(said) if "ERR_NVGPUCTRPERM" in said else None
    why = refused or problem or "nsys recorded, and there are no samples in it"
    return warning("samples", f"no GPU metrics: {why}", WITHOUT)


def count_samples(trace: Path) -> int:
    """Values of GPU metrics in an export; 0 where it has no table for them."""
    with SqliteFile(trace) as file:
        tables = [name for name in ("GPU_METRICS", "GENERIC_EVENTS") if name in file.tables]
        return sum(file.count(name) for name in tables)
