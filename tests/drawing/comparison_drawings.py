"""Runs drawn for comparisons: only what a test is about differs from the plainest run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from flopprof.analysis.breakdown.rows import KernelRow, Launch, WindowTimes
from flopprof.analysis.runs.records import Gpu, Machine, RunInfo
from flopprof.analysis.runs.results import Costs, OpResult, RunResult, StepResult

MACHINE = Machine(
    system="Linux",
    cpu="A CPU",
    cores=2,
    memory_bytes=8 << 30,
    python="3.11.9",
    versions={"numpy": "2.4.0", "nsys": "2025.3.2", "cuda_driver": "580.65"},
    gpus=[Gpu(ordinal=0, name="NVIDIA H200")],
)
RUN = RunInfo(
    id="r1",
    scenario="sum_axes",
    scenario_path="scenarios/sum_axes.yaml",
    started_at="2026-11-24T00:00:00Z",
    recorder="nsys",
)
CUPY_SUM = "cupy_sum"
SEGMENTED = (
    "void cub::CUB_300102_SM_900::detail::reduce::DeviceFixedSizeSegmentedReduceKernel<"
    "cub::CUB_300102_SM_900::detail::policy_hub<float, int>>(T2, T3, T4)"
)
REDUCE = "void at::native::reduce_kernel<(int){threads}, (int){vectors}, at::native::ReduceOp<float>>(T3)"
GEMM = "void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(T1::Params)"


def draw_samples(median_ns: float, count: int = 50, noise: float = 0.002, seed: int = 0) -> tuple[float, ...]:
    """Lognormal times around a median."""
    return tuple((median_ns * np.random.default_rng(seed).lognormal(0.0, noise, count)).tolist())


def draw_kernel(name: str, ns: int, reps: int = 50, block: tuple[int, int, int] = (256, 1, 1)) -> KernelRow:
    """A kernel that every rep launches once and that always takes the same time; threads alone limit its occupancy."""
    resident = 2048 // (block[0] * block[1] * block[2])
    launch = Launch(
        grid=(1000, 1, 1),
        block=block,
        registers=32,
        static_shared_bytes=0,
        dynamic_shared_bytes=0,
        occupancy=1.0,
        blocks_per_sm=resident,
        slots=132 * resident,
        waves=1000 / (132 * resident),
        instances=reps,
        total_ns=ns * reps,
        median_ns=ns,
    )
    return KernelRow(
        kernel=name,
        device=0,
        instances=reps,
        total_ns=ns * reps,
        median_ns=ns,
        min_ns=ns,
        max_ns=ns,
        launches=(launch,),
    )


def draw_op(key: str, index: int, op: str, *kernels: KernelRow) -> OpResult:
    """An op that moves 1 MB and runs these kernels."""
    costs = Costs(flops=1_000_000, bytes=1_000_000)
    return OpResult(key=key, index=index, op=op, costs=costs, times=None, per_rep=None, kernels=kernels)


def draw_step(key: str, ns: float, **changes: object) -> StepResult:
    """A step of 50 reps with ``ns`` a rep: 80 % kernel, the rest launch, and no difference by tracing."""
    wall = WindowTimes(
        wall_ns=ns,
        busy_ns=0.8 * ns,
        idle_ns=0.2 * ns,
        kernel_ns=0.8 * ns,
        memcpy_ns=0,
        memset_ns=0,
        graph_ns=0,
        launch_ns=0.2 * ns,
        latency_ns=0,
        sync_ns=0,
        api_ns=0,
        host_ns=0,
        unknown_ns=0,
    )
    step = StepResult(
        key=key,
        label=key,
        variant="outer_sum",
        backend="cupy",
        device="cuda",
        dtype="float32",
        mode="eager",
        params={"n": 1000},
        shard="cupy-cuda",
        status="done",
        costs=Costs(flops=1, bytes=1),
        reps=50,
        traced_reps=50,
        untraced_ns=ns,
        untraced_samples_ns=draw_samples(ns, seed=sum(key.encode())),
        per_rep=wall,
    )
    return replace(step, **changes)


def draw_run(*steps: StepResult, ops: tuple[OpResult, ...] = (), **changes: object) -> RunResult:
    """A run of these steps on one H200."""
    run = RunResult(run=RUN, machine=MACHINE, folder="runs/r1", quality=(), steps=steps, ops=ops)
    return replace(run, **changes)
