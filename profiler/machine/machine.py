"""What this machine can run, asked without importing a workload library or making a GPU context."""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import re
import sys
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from ...analysis.runs.records import Gpu, Machine
from .installation import install_extra
from .version import installed_version

PACKAGES = ("numpy", "torch", "cupy-cuda12x", "cupy-cuda13x", "nvtx", "pandas")

EXTRAS = {"torch": "torch", "cupy": "cuda12 (or cuda13)", "numpy": "numpy"}

# CUdevice_attribute, cuda.h
L2_CACHE_SIZE, COMPUTE_MAJOR, COMPUTE_MINOR = 38, 75, 76

CPU_FOLDER = Path("/sys/devices/system/cpu")


def missing_reason(backend: str, device: str) -> str | None:
    """Why steps of (backend, device) cannot run here, or None."""
    if importlib.util.find_spec(backend) is None:
        return f"{backend} is not installed (extra {EXTRAS.get(backend, backend)})"
    if device == "cuda" and not cuda_devices():
        return "no CUDA device here"
    if device == "cuda" and backend == "torch" and not torch_has_cuda():
        return "the installed torch is a CPU build"
    return None


def needed_for_activity() -> str | None:
    """What to install so that torch.profiler records the GPU of this machine; None where it does."""
    if importlib.util.find_spec("torch") is None:
        return f"torch: {install_extra('torch')}"
    if not torch_has_cuda():
        return "torch built for CUDA, this is a CPU build: https://pytorch.org/get-started/locally"
    return None


def torch_has_cuda() -> bool:
    """Whether the installed torch was built for CUDA, read from its version file: importing it takes seconds."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return False
    file = Path(next(iter(spec.submodule_search_locations))) / "version.py"
    return re.search(r"^cuda.*=\s*['\"]\d", file.read_text(encoding="utf-8"), re.MULTILINE) is not None


def cuda_devices() -> list[Gpu]:
    """The devices the CUDA driver lists; none without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return []
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return []
    return [_describe(driver, ordinal) for ordinal in range(count.value)]


def driver_versions() -> dict[str, str]:
    """The NVIDIA driver's version and the CUDA version it supports, where there is one."""
    found: dict[str, str] = {}
    kernel_module = Path("/proc/driver/nvidia/version")
    if kernel_module.exists():
        match = re.search(r"\s(\d+\.\d+(\.\d+)?)\s", kernel_module.read_text(encoding="utf-8"))
        found |= {"nvidia-driver": match.group(1)} if match else {}
    try:
        number = ctypes.c_int()
        if ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(number)) == 0:
            found["cuda-driver"] = f"{number.value // 1000}.{number.value % 1000 // 10}"
    except OSError:
        pass
    return found


def describe_machine(extra_versions: dict[str, str], settings: dict[str, str]) -> Machine:
    """This machine with the versions the workers reported; names no host and no user."""
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu_model(),
        cores=psutil.cpu_count(logical=True) or 1,
        memory_bytes=psutil.virtual_memory().total,
        python=sys.version.split()[0],
        versions={
            "flopprof": installed_version(),
            **package_versions(),
            **driver_versions(),
            **extra_versions,
        },
        gpus=cuda_devices(),
        settings=settings,
    )


def cpu_model() -> str:
    """The processor's marketing name, or its architecture."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.MULTILINE)
        if match:
            return match.group(1).strip()
    return platform.processor() or platform.machine()


def last_level_cache_bytes(cpus: Path = CPU_FOLDER) -> int | None:
    """All caches of the CPU's highest level together, each counted once; None where Linux does not say."""
    caches: dict[tuple[int, str], int] = {}
    for cache in cpus.glob("cpu[0-9]*/cache/index*"):
        try:
            level, sharers = int((cache / "level").read_text()), (cache / "shared_cpu_list").read_text()
            size = re.fullmatch(r"(\d+)K\s*", (cache / "size").read_text())
        except (OSError, ValueError):
            continue
        caches |= {(level, sharers): int(size.group(1)) * 1024} if size else {}
    highest = max((level for level, _ in caches), default=None)
    return sum(size for (level, _), size in caches.items() if level == highest) or None


def package_versions() -> dict[str, str]:
    """Versions of the packages results depend on."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _describe(driver: ctypes.CDLL, ordinal: int) -> Gpu:
    name = ctypes.create_string_buffer(100)
    driver.cuDeviceGetName(name, len(name), ordinal)
    identity = (ctypes.c_ubyte * 16)()
    known = driver.cuDeviceGetUuid(identity, ordinal) == 0
    memory = ctypes.c_size_t()
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), ordinal)
    return Gpu(
        ordinal=ordinal,
        name=name.value.decode("utf-8", "replace"),
        uuid=f"GPU-{uuid.UUID(bytes=bytes(identity))}" if known else None,
        compute_capability=".".join(
            str(_attribute(driver, part, ordinal)) for part in (COMPUTE_MAJOR, COMPUTE_MINOR)
        ),
        memory_bytes=memory.value or None,
        l2_bytes=_attribute(driver, L2_CACHE_SIZE, ordinal) or None,
    )


def _attribute(driver: ctypes.CDLL, attribute: int, ordinal: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, ordinal)
    return value.value
