"""Hardware counters of kernels: what Nsight Compute counted, added up over the launches of an op or a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

CounterSource = Literal["ncu", "gpu_metrics"]

SECTOR_BYTES = 32

DRAM_READ = ("dram__bytes_read.sum", "dram__bytes_op_read.sum")
"""The second on GB20x, which does not know the first."""

DRAM_WRITE = ("dram__bytes_write.sum", "dram__bytes_op_write.sum")

L2_READ, L2_WRITE = "lts__t_sectors_op_read.sum", "lts__t_sectors_op_write.sum"

GLOBAL = "l1tex__t_{what}_pipe_lsu_mem_global_op_{way}.sum"

THREAD_OPS: dict[str, int] = {
    f"smsp__sass_thread_inst_executed_op_{kind}{op}_pred_on.sum": flops
    for kind in "fdh"
    for op, flops in (("fma", 2), ("mul", 1), ("add", 1))
}
"""Instructions of threads and their FLOPs."""

TENSOR_OPS = (
    "sm__ops_path_tensor_src_fp16.sum",
    "sm__ops_path_tensor_src_bf16_dst_fp32.sum",
    "sm__ops_path_tensor_src_tf32_dst_fp32.sum",
    "sm__ops_path_tensor_src_fp64.sum",
    "sm__ops_path_tensor_src_fp8.sum",
)
"""Operations of the tensor cores (a multiply-add is two), by the type of what is multiplied; each once."""

TENSOR_PIPE = "sm__inst_executed_pipe_tensor.sum"
"""Not a sign of tensor cores by itself: on an H200 kernels of plain float32 execute a few thousand of these."""

TENSOR_USE = tuple(f"sm__inst_executed_pipe_tensor_op_{op}.sum" for op in ("hmma", "gmma", "dmma"))

HALF_MOVES = "sm__inst_executed_pipe_tensor_op_hmma_type_hfma2.sum"
"""Of the first of these: HFMA2, with which a compiler also makes constants, so that float32 kernels have some."""

WARPS, WAVES = "sm__warps_active.avg.pct_of_peak_sustained_active", "launch__waves_per_multiprocessor"

WANTED = (
    *(*DRAM_READ, *DRAM_WRITE, L2_READ, L2_WRITE),
    *(GLOBAL.format(what=what, way=way) for way in ("ld", "st") for what in ("sectors", "requests")),
    *(*THREAD_OPS, *TENSOR_OPS, *TENSOR_USE, HALF_MOVES, TENSOR_PIPE, WARPS, WAVES),
)
"""All that is asked for where the chip has it; launch__ metrics come with any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedLaunch:
    """One kernel launch as Nsight Compute counted it."""

    kernel: str
    ranges: tuple[tuple[str, str], ...]
    """(domain, message) of the NVTX ranges that were open at its launch, from the outermost."""
    grid: tuple[int, int, int] | None
    block: tuple[int, int, int] | None
    metrics: Mapping[str, float]
    """By name, in base units: bytes, sectors, instructions, percent."""
    device: int | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What counters or samples say of an op or a step, per rep; None where that was not counted."""

    source: CounterSource
    dram_read_bytes: float | None = None
    dram_write_bytes: float | None = None
    l2_read_bytes: float | None = None
    l2_write_bytes: float | None = None
    executed_flops: float | None = None
    """A fused multiply-add is two; of tensor cores too where the chip counts them."""
    load_sectors_per_request: float | None = None
    store_sectors_per_request: float | None = None
    warps_pct: float | None = None
    """Warps active on busy SMs, in percent of the most; of several launches the mean by DRAM bytes."""
    waves: float | None = None
    """Of the launch that moves most bytes."""
    fill: float | None = None
    launches: int | None = None

    @property
    def moved_bytes(self) -> float | None:
        """DRAM bytes both ways."""
        if self.dram_read_bytes is None or self.dram_write_bytes is None:
            return None
        return self.dram_read_bytes + self.dram_write_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCounters:
    """The same of one kernel of an op."""

    kernel: str
    counters: Counters


def add_launches(launches: Sequence[CountedLaunch], reps: int = 1) -> Counters:
    """Launches of so many reps as the counters of one."""
    waves = _of_heaviest(launches, WAVES)
    return Counters(
        source="ncu",
        dram_read_bytes=_per(_sum(launches, DRAM_READ), reps),
        dram_write_bytes=_per(_sum(launches, DRAM_WRITE), reps),
        l2_read_bytes=_per(_sum(launches, (L2_READ,)), reps, SECTOR_BYTES),
        l2_write_bytes=_per(_sum(launches, (L2_WRITE,)), reps, SECTOR_BYTES),
        executed_flops=_per(_executed(launches), reps),
        load_sectors_per_request=_ratio(launches, "ld"),
        store_sectors_per_request=_ratio(launches, "st"),
        warps_pct=_mean_by_bytes(launches, WARPS),
        waves=waves,
        fill=None if waves is None else min(1.0, waves),
        launches=round(len(launches) / reps),
    )


def count_kernels(launches: Sequence[CountedLaunch], reps: int = 1) -> tuple[KernelCounters, ...]:
    """The counters of each kernel, in the order of their first launches."""
    names = dict.fromkeys(launch.kernel for launch in launches)
    return tuple(
        KernelCounters(
            kernel=name, counters=add_launches([one for one in launches if one.kernel == name], reps)
        )
        for name in names
    )


def _value(launch: CountedLaunch, names: Sequence[str]) -> float | None:
    return next((launch.metrics[name] for name in names if name in launch.metrics), None)


def _sum(launches: Sequence[CountedLaunch], names: Sequence[str]) -> float | None:
    """The sum over launches, None unless every one was counted."""
    values = [_value(launch, names) for launch in launches]
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None


def _per(total: float | None, reps: int, scale: int = 1) -> float | None:
    return None if total is None else total * scale / reps


def _executed(launches: Sequence[CountedLaunch]) -> float | None:
    """FLOPs of threads and of tensor cores; unknown where a kind of either was not counted that may have been used."""
    flops = 0.0
    for name, each in THREAD_OPS.items():
        total = _sum(launches, (name,))
        if total is None:
            return None
        flops += each * total
    tensor = [_sum(launches, (name,)) for name in TENSOR_OPS]
    if None in tensor and not any(tensor) and _used_tensor_cores(launches, flops):
        return None
    return flops + sum(count or 0.0 for count in tensor)


def _used_tensor_cores(launches: Sequence[CountedLaunch], flops: float) -> bool:
    """Whether work of tensor cores is missing in what was counted."""
    used = [_sum(launches, (name,)) for name in TENSOR_USE]
    if any(count is not None for count in used):
        return sum(count or 0.0 for count in used) > (_sum(launches, (HALF_MOVES,)) or 0.0)
    return not flops and bool(_sum(launches, (TENSOR_PIPE,)))


def _ratio(launches: Sequence[CountedLaunch], way: str) -> float | None:
    sectors = _sum(launches, (GLOBAL.format(what="sectors", way=way),))
    requests = _sum(launches, (GLOBAL.format(what="requests", way=way),))
    return sectors / requests if sectors is not None and requests else None


def _weight(launch: CountedLaunch) -> float:
    return (_value(launch, DRAM_READ) or 0.0) + (_value(launch, DRAM_WRITE) or 0.0)


def _of_heaviest(launches: Sequence[CountedLaunch], name: str) -> float | None:
    return max(launches, key=_weight).metrics.get(name) if launches else None


def _mean_by_bytes(launches: Sequence[CountedLaunch], name: str) -> float | None:
    if not launches or any(name not in launch.metrics for launch in launches):
        return None
    weights = [_weight(launch) or 1.0 for launch in launches]
    return sum(w * one.metrics[name] for w, one in zip(weights, launches, strict=True)) / sum(weights)


def choose_metrics(known: Iterable[str]) -> tuple[str, ...]:
    """Of what is wanted, what a chip has; `known` are the names that `ncu --query-metrics` lists, without suffixes.

    >>> choose_metrics(["dram__bytes_op_read", "sm__warps_active"])
    ('dram__bytes_op_read.sum', 'sm__warps_active.avg.pct_of_peak_sustained_active', 'launch__waves_per_multiprocessor')
    """
    names = set(known)
    return tuple(name for name in WANTED if name.split(".")[0] in names or name.startswith("launch__"))
