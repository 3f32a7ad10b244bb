"""What a GPU can reach by its data sheet, and the share of it that counted FLOPs are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..export.devices import GpuInfo

if TYPE_CHECKING:
    from ...scenarios.plan.work import Unit  # loads pydantic's models, which a trace can do without

HIGHEST_SHARE = 1.02
"""Above it the peak, or the count, is wrong."""

ATTAINABLE = 0.92
"""Of a memory's rate: what the best of kernels that only read comes to on an H200 (CUB's reduce, N = 20000)."""

Rate = tuple[str, "Unit"]
"""(dtype, unit) of a peak."""

FMA_PER_CLOCK: Mapping[str, Mapping[str, int]] = {
    "7.0": {"float16": 128, "float32": 64, "float64": 32},
    "7.5": {"float16": 128, "float32": 64, "float64": 2},
    "8.0": {"float16": 256, "bfloat16": 128, "float32": 64, "float64": 32},
    "8.6": {"float16": 128, "bfloat16": 128, "float32": 128, "float64": 2},
    "8.9": {"float16": 128, "bfloat16": 128, "float32": 128, "float64": 2},
    "9.0": {"float16": 256, "bfloat16": 256, "float32": 128, "float64": 64},
    "10.0": {"float16": 256, "bfloat16": 256, "float32": 128, "float64": 64},
    "12.0": {"float16": 128, "bfloat16": 128, "float32": 128, "float64": 2},
}
"""Multiply-adds a clock and SM on the ordinary lanes, by compute capability.

Source: CUDA C++ Programming Guide, "Throughput of Native Arithmetic Instructions".
"""

TENSOR_FLOPS_PER_CLOCK: Mapping[str, Mapping[str, int]] = {
    "7.0": {"float16": 1024},
    "7.5": {"float16": 1024, "int8": 2048},
    "8.0": {"float16": 2048, "bfloat16": 2048, "float64": 128, "tf32": 1024, "int8": 4096},
    "8.6": {"float16": 1024, "bfloat16": 1024, "tf32": 256, "int8": 2048},
    "8.9": {"float16": 1024, "bfloat16": 1024, "tf32": 256, "int8": 2048, "float8": 2048},
    "9.0": {
        "float16": 4096,
        "bfloat16": 4096,
        "float64": 256,
        "tf32": 2048,
        "int8": 8192,
        "float8": 8192,
    },
    "10.0": {
        "float16": 8192,
        "bfloat16": 8192,
        "float64": 128,
        "tf32": 4096,
        "int8": 16384,
        "float8": 16384,
    },
    "12.0": {"float16": 1024, "bfloat16": 1024, "tf32": 256, "int8": 2048, "float8": 2048},
}
"""Dense FLOPs a clock and SM on tensor units, by compute capability; where a part has two accumulator widths,
the faster.

Source: NVIDIA's architecture whitepapers (V100, Turing, A100, GA102, Ada, H100, Blackwell), their peak rates
divided by SMs and boost clock.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuFacts:
    """What a trace or a driver says about a GPU."""

    name: str
    compute_capability: str
    """Like ``9.0``."""
    sm_count: int
    clock_hz: float
    memory_bytes_per_s: float
    l2_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The highest rates a device can reach, and who says so."""

    flops_per_s: Mapping[Rate, float]
    bytes_per_s: float
    l2_bytes: int | None = None
    """A GPU's L2 cache."""
    l3_bytes: int | None = None
    """A CPU's last level of cache."""
    source: str
    measured: bool = False
    """Whether the bandwidth was reached by something, and is not of a data sheet."""

    def flops_rate(self, dtype: str, unit: Unit) -> float | None:
        """FLOPs a second for a dtype; a part without tensor units for it uses its ordinary lanes."""
        rate = self.flops_per_s.get((dtype, unit))
        return rate if rate is not None or unit == "fma" else self.flops_per_s.get((dtype, "fma"))


def peaks_of_gpu(gpu: GpuFacts) -> Peaks | None:
    """The theoretical peaks of a GPU; None when its compute capability is not in the tables."""
    lanes = FMA_PER_CLOCK.get(gpu.compute_capability)
    if lanes is None:
        return None
    sm_clocks = gpu.sm_count * gpu.clock_hz
    rates: dict[Rate, float] = {(dtype, "fma"): 2 * fma * sm_clocks for dtype, fma in lanes.items()}
    tensor = TENSOR_FLOPS_PER_CLOCK[gpu.compute_capability]
    rates.update({(dtype, "tensor"): flops * sm_clocks for dtype, flops in tensor.items()})
    return Peaks(
        flops_per_s=rates,
        bytes_per_s=gpu.memory_bytes_per_s,
        l2_bytes=gpu.l2_bytes,
        source=_describe_source(gpu),
    )


def _describe_source(gpu: GpuFacts) -> str:
    clock = f"{gpu.sm_count} SMs at {gpu.clock_hz / 1e9:.2f} GHz"
    return f"{gpu.name} by its data sheet: {clock}, {gpu.memory_bytes_per_s / 1e12:.2f} TB/s"


def data_sheet(gpu: GpuInfo) -> Peaks | None:
    """The peaks of a GPU as a trace describes it; None where it does not say enough."""
    facts = _facts_of(gpu)
    return peaks_of_gpu(facts) if facts is not None else None


def _facts_of(gpu: GpuInfo) -> GpuFacts | None:
    if gpu.sm_count is None or gpu.clock_hz is None or gpu.bandwidth_bytes_per_s is None:
        return None
    return GpuFacts(
        name=gpu.name or "GPU",
        compute_capability=f"{gpu.compute_major}.{gpu.compute_minor}",
        sm_count=gpu.sm_count,
        clock_hz=gpu.clock_hz,
        memory_bytes_per_s=gpu.bandwidth_bytes_per_s,
        l2_bytes=gpu.l2_bytes,
    )


def peaks_of_gpus(gpus: Iterable[GpuInfo]) -> Peaks | None:
    """Those of every GPU of a trace; None where they differ, or nothing is known of one."""
    found = {_facts_of(gpu) for gpu in gpus}
    only = found.pop() if len(found) == 1 else None
    return peaks_of_gpu(only) if only is not None else None


def share_of_roof(
    flops: int | None, kinds: Mapping[str, int], busy_ns: int, peaks: Peaks | None
) -> float | None:
    """The least time that FLOPs of some kinds of arithmetic can take, as a share of a time that they took.

    None where the kind or its peak is not known of all, and where the share is more than all.
    """
    if not flops or flops != sum(kinds.values()) or not busy_ns or peaks is None:
        return None
    least_ns = 0.0
    for kind, amount in kinds.items():
        rate = _rate_of(kind, peaks)
        if rate is None:
            return None
        least_ns += amount / rate * 1e9
    share = least_ns / busy_ns
    return share if share <= HIGHEST_SHARE else None


def _rate_of(kind: str, peaks: Peaks) -> float | None:
    """A part without units for TF32 computes it as float32; all float8 types have one rate."""
    rate = peaks.flops_rate("float8" if kind.startswith("float8") else kind, "tensor")
    return peaks.flops_rate("float32", "fma") if rate is None and kind == "tf32" else rate
