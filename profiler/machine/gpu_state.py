"""The first visible GPU now: its clock, what holds its clock down, and how many processes compute on it.

Asked of the driver's management library (NVML) by its plain C calls, which takes under a millisecond; nvidia-smi,
which asks the same library, takes up to a second. Without the library, or where it refuses, all is unknown.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from .machine import cuda_devices

LIBRARY = "libnvidia-ml.so.1"

SM_CLOCK = 1
"""nvmlClockType_t, nvml.h."""

INSUFFICIENT_SIZE = 7

LIMITS = {
    # nvmlClocksThrottleReason…, nvml.h; idle (1) and what the user has set (2, 0x100) are no limits of the machine.
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "clocks of other GPUs",
    0x20: "heat (software)",
    0x40: "heat (hardware)",
    0x80: "power brake",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuState:
    """One moment of a GPU; None is unknown."""

    mhz: float | None
    limits: tuple[str, ...]
    processes: int | None
    """All that compute on it, the asking one among them if it does."""


def read_gpu_state(open_library: Callable[[], Any] | None = None, uuid: str | None = None) -> GpuState | None:
    """The GPU that measures; None where nothing can be known."""
    library: Any = (open_library or _open_library)()
    if library is None:
        return None
    device = _find_device(library, uuid or _first_uuid())
    if device is None:
        return None
    mhz, reasons, count = ctypes.c_uint(), ctypes.c_ulonglong(), ctypes.c_uint(0)
    has_clock = library.nvmlDeviceGetClockInfo(device, SM_CLOCK, ctypes.byref(mhz)) == 0
    has_reasons = library.nvmlDeviceGetCurrentClocksThrottleReasons(device, ctypes.byref(reasons)) == 0
    # Asked for none, it answers that there are more, and how many.
    asked = library.nvmlDeviceGetComputeRunningProcesses(device, ctypes.byref(count), None)
    return GpuState(
        mhz=float(mhz.value) if has_clock else None,
        limits=name_limits(reasons.value) if has_reasons else (),
        processes=count.value if asked in (0, INSUFFICIENT_SIZE) else None,
    )


def name_limits(reasons: int) -> tuple[str, ...]:
    """What a bit mask of the driver says in words.

    >>> name_limits(0x1), name_limits(0x24)
    ((), ('power cap', 'heat (software)'))
    """
    return tuple(name for bit, name in LIMITS.items() if reasons & bit)


@cache
def _open_library() -> Any:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    return library if library.nvmlInit_v2() == 0 else None


@cache
def _first_uuid() -> str | None:
    devices = cuda_devices()
    return devices[0].uuid if devices else None


def _find_device(library: Any, uuid: str | None) -> Any:
    device = ctypes.c_void_p()
    if uuid is None or library.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(device)) != 0:
        return None
    return device
