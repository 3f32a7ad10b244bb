"""GPUs: which physical one a process means by its device number, and what its data sheet says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arithmetic.arrays import Codes, Ints
from ..sqlite.exact import exact_integer
from ..sqlite.file import SqliteFile
from ..words import HOST_FIRST
from .identity import pid_of

CONTEXTS = frozenset(
    {"TARGET_INFO_CUDA_CONTEXT_INFO", "TARGET_INFO_CUDA_STREAM", "TARGET_INFO_CUDA_NULL_STREAM"}
)
"""Tables that have rows as soon as a program has a CUDA context."""

GPU_COLUMNS = {
    "id": "id",
    "name": "name",
    "uuid": "uuid",
    "smCount": "sm_count",
    "clockRate": "clock_hz",
    "memoryBandwidth": "bandwidth_bytes_per_s",
    "totalMemory": "memory_bytes",
    "l2CacheSize": "l2_bytes",
    "computeMajor": "compute_major",
    "computeMinor": "compute_minor",
    "maxWarpsPerSm": "max_warps_per_sm",
    "maxBlocksPerSm": "max_blocks_per_sm",
    "maxRegistersPerSm": "max_registers_per_sm",
    "maxShmemPerSm": "max_shared_bytes_per_sm",
    "threadsPerWarp": "threads_per_warp",
}

GPU_LIMITS = {
    "sm_count": 1 << 12,
    "clock_hz": 1 << 36,
    "bandwidth_bytes_per_s": 1 << 50,
    "memory_bytes": 1 << 50,
    "l2_bytes": 1 << 40,
    "compute_major": 1 << 10,
    "compute_minor": 1 << 10,
    "max_warps_per_sm": 1 << 12,
    "max_blocks_per_sm": 1 << 12,
    "max_registers_per_sm": 1 << 24,
    "max_shared_bytes_per_sm": 1 << 30,
    "threads_per_warp": 1 << 10,
}
"""No GPU has more; some exports have 0 for what they do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuInfo:
    """One GPU as TARGET_INFO_GPU describes it; None where it does not."""

    id: int
    name: str | None = None
    uuid: str | None = None
    sm_count: int | None = None
    clock_hz: int | None = None
    bandwidth_bytes_per_s: int | None = None
    memory_bytes: int | None = None
    l2_bytes: int | None = None
    compute_major: int | None = None
    compute_minor: int | None = None
    max_warps_per_sm: int | None = None
    max_blocks_per_sm: int | None = None
    max_registers_per_sm: int | None = None
    max_shared_bytes_per_sm: int | None = None
    threads_per_warp: int | None = None


def describe_clock(gpu: GpuInfo) -> str:
    """A GPU's top clock, ``1980 MHz``."""
    return "unknown" if gpu.clock_hz is None else f"{gpu.clock_hz / 1e6:.0f} MHz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU as one process used it; `device` is the physical one's id, equal for processes that share it."""

    device: int
    """For people and programs: see known_device, name_device."""
    process: int
    """Process code, -1 when it is not known."""
    pid: int | None
    ordinal: int
    """The device number that process used."""
    uuid: str | None
    name: str | None
    certain: bool
    """False where the export does not say which of several GPUs the number means."""


def read_gpus(file: SqliteFile) -> tuple[dict[int, GpuInfo], int]:
    """Every GPU of the machine by its id, and how many figures of them cannot be."""
    present = file.tables.get("TARGET_INFO_GPU", ())
    columns = [c for c in GPU_COLUMNS if c in present]
    if "id" not in columns:
        return {}, 0
    quoted = ", ".join(f'"{c}"' for c in columns)
    gpus: dict[int, GpuInfo] = {}
    impossible = 0
    for row in file.rows(f"SELECT {quoted} FROM TARGET_INFO_GPU"):
        told = {GPU_COLUMNS[c]: value for c, value in zip(columns, row, strict=True)}
        fields = {field: _plain(field, value) for field, value in told.items()}
        impossible += sum(
            told[field] not in (None, 0) and fields[field] is None for field in GPU_LIMITS.keys() & told
        )
        if isinstance(fields["id"], int):
            gpus.setdefault(fields["id"], GpuInfo(**fields))
    return gpus, impossible


def _plain(field: str, value: Any) -> Any:
    """A value of the type its field has, else None: exports of damaged files hold anything."""
    if field in ("name", "uuid"):
        return str(value) if value else None
    number = exact_integer(value)
    if number is None or field == "id":
        return number
    return number if (field != "compute_minor") <= number <= GPU_LIMITS[field] else None


def read_device_map(file: SqliteFile) -> dict[tuple[int, int], int]:
    """(pid, device number) -> GPU id; empty before Nsight Systems 2025."""
    if not {"pid", "cudaId", "gpuId"} <= set(file.tables.get("TARGET_INFO_CUDA_DEVICE", ())):
        return {}
    found: dict[tuple[int, int], int] = {}
    for row in file.rows("SELECT pid, cudaId, gpuId FROM TARGET_INFO_CUDA_DEVICE"):
        pid, number, gpu = map(exact_integer, row)
        if pid is not None and number is not None and gpu is not None:
            found[pid, number] = gpu
    return found


def read_sm_counts(file: SqliteFile) -> dict[int, int]:
    """GPU id -> SMs that its processes may use: a part of a GPU (MIG) has fewer than TARGET_INFO_GPU says.

    Empty before Nsight Systems 2026; a GPU of which processes have different parts is left out.
    """
    if not {"gpuId", "numMultiprocessors"} <= set(file.tables.get("TARGET_INFO_CUDA_DEVICE", ())):
        return {}
    counts: dict[int, set[int]] = {}
    for gpu, count in file.rows("SELECT gpuId, numMultiprocessors FROM TARGET_INFO_CUDA_DEVICE"):
        if isinstance(gpu, int) and isinstance(count, int) and count > 0:
            counts.setdefault(gpu, set()).add(count)
    return {gpu: found.pop() for gpu, found in counts.items() if len(found) == 1}


def limit_sms(gpus: dict[int, GpuInfo], counts: dict[int, int]) -> dict[int, GpuInfo]:
    """The GPUs with no more SMs than their processes may use."""
    return {
        id: replace(gpu, sm_count=min(counts[id], gpu.sm_count or counts[id])) if id in counts else gpu
        for id, gpu in gpus.items()
    }


def place_on_devices(
    process: Codes,
    ordinal: Ints,
    processes: Ints,
    gpus: dict[int, GpuInfo],
    mapped: dict[tuple[int, int], int],
) -> tuple[Codes, tuple[Device, ...]]:
    """The physical device of every record, and all (process, device) pairs that have records."""
    pairs, inverse = _distinct_pairs(process, ordinal)
    devices = [_device(int(p), int(o), processes, gpus, mapped) for p, o in pairs]
    devices = [_of_first_node(d, devices) for d in devices]
    codes = np.array([d.device for d in devices], np.int32)
    return codes[inverse], tuple(sorted(set(devices), key=lambda d: (d.device, d.process, d.ordinal)))


def _distinct_pairs(process: Codes, ordinal: Ints) -> tuple[list[tuple[int, int]], Ints]:
    ordinals, place = np.unique(ordinal, return_inverse=True)
    keys, inverse = np.unique(process.astype(np.int64) * len(ordinals) + place, return_inverse=True)
    width = max(len(ordinals), 1)
    return [(int(k) // width, int(ordinals[int(k) % width])) for k in keys], inverse


def _device(
    process: int, ordinal: int, processes: Ints, gpus: dict[int, GpuInfo], mapped: dict[tuple[int, int], int]
) -> Device:
    pid = pid_of(int(processes[process])) if process >= 0 else None
    told = None if pid is None else mapped.get((pid, ordinal))
    gpu = ordinal if told is None else told
    info = gpus.get(gpu)
    known = told is not None or len(gpus) == 1
    return Device(
        device=gpu if -(1 << 31) < gpu < 1 << 31 else HOST_FIRST,
        process=process,
        pid=pid,
        ordinal=ordinal,
        uuid=info.uuid if info and known else None,
        name=info.name if info else None,
        certain=info is not None and known,
    )


def _of_first_node(device: Device, devices: list[Device]) -> Device:
    """A graph that starts on the host runs on its process's GPU, if it has but one."""
    if device.ordinal != HOST_FIRST:
        return device
    others = [d for d in devices if d.process == device.process and d.ordinal != HOST_FIRST]
    return others[0] if len(others) == 1 else device
