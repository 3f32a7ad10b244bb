"""Hand-made run results: the numbers of a real machine in the shapes that reports must cope with."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from flopprof.analysis.breakdown.rows import CopyRow, KernelRow, Launch, WindowTimes
from flopprof.analysis.runs.records import Gpu, Machine, RunInfo, SkippedStep
from flopprof.analysis.runs.results import Costs, OpResult, RoofLine, RunResult, StepResult
from flopprof.analysis.words import QualityNote, Status
from flopprof.reports.run.publish import render

GEMV = (
    "void gemv2T_kernel_val<int, int, float, float, float, float, (int)128, (int)16, (int)4, (int)4, "
    "(bool)0, (bool)0, cublasGemvParamsEx<int, cublasGemvTensorStridedBatched<const float>, "
    "cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<float>, float>>(T13, T6, T6)"
)
GEMM = "void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_tn_align1>(T1::Params)"
CUB = (
    "void cub::CUB_300102_SM_750_800_860_890_900_1000_1200::detail::reduce::"
    "DeviceFixedSizeSegmentedReduceKernel<cub::CUB_300102_SM_750_800_860_890_900_1000_1200::detail::"
    "fixed_size_segmented_reduce::policy_hub<float, int, cuda::std::__4::plus<void>>::Policy500, float *, "
    "float *, int, cuda::std::__4::plus<void>, float, float>(T2, T3, T4, int, T5, T6)"
)
REDUCE = (
    "void at::native::reduce_kernel<(int)128, (int)4, at::native::ReduceOp<float, "
    "at::native::func_wrapper_t<float, at::native::sum_functor<float, float, float>::operator ()"
    "(at::TensorIterator &)::[lambda(float, float) (instance 1)]>, unsigned int, float, (int)4, (int)4>>(T3)"
)
SCRIPT = "<script>alert(1)</script>"

SIZES = (1000, 4000, 8000, 12000, 20000)
CUPY_US = {
    "matvec": (13.3, 20.4, 88.6, 142.5, 401.1),
    "outer_sum": (43.5, 151.8, 366.9, 662.2, 1947.2),
    "outer_sum1": (29.6, 66.8, 227.1, 487.9, 1325.8),
}
TORCH_US = {"matvec": (13.7, 20.3, 88.1, 145.1, 412.5), "outer_sum": (28.0, 56.9, 174.6, 363.9, 967.3)}
CPU_MS = {"matvec": (0.1, 0.9, 2.9, 6.5, 17.8), "outer_sum": (0.5, 6.7, 27.0, 60.0, 165.0)}

MACHINE = Machine(
    system="Linux 6.1",
    cpu="Xeon",
    cores=16,
    memory_bytes=128_000_000_000,
    python="3.12.3",
    versions={"flopprof": "0.1.0", "torch": "2.11.0", "cupy": "14.2.0", "nsys": "2025.3.2"},
    gpus=[Gpu(ordinal=0, name="NVIDIA H200", compute_capability="9.0", memory_bytes=150_000_000_000)],
    settings={"tf32": "off"},
)
RUN = RunInfo(
    id="20261122-101500-outer",
    scenario="outer",
    about="Equal FLOPs, different run time — matrix·vector against outer product + column sum.",
    scenario_path="outer.yaml",
    started_at="2026-11-22T10:15:00Z",
    recorder="nsys",
    command=["flopprof", "run", "outer"],
    baseline="matvec",
)
REPS = 100


def work(variant: str, n: int) -> tuple[int, int]:
    """FLOPs and bytes (float32) of a rep."""
    flops = 2 * n * n - n
    return flops, 4 * (n * n + 2 * n if variant == "matvec" else 2 * n * n + 3 * n)


def gpu_step(variant: str, backend: str, n: int, us: float, **params: int) -> StepResult:
    """A done step whose ten layers sum to its window."""
    flops, moved = work(variant, n)
    untraced = us * 1000
    kernel = int(max(untraced - 5000, untraced * 0.6)) * REPS
    traced = max(untraced * 1.004, 16_000.0)
    wall = int(traced * REPS) + 20_000
    idle = wall - kernel
    launch, latency, host = idle // 2, idle // 4, idle - idle // 2 - idle // 4
    window = WindowTimes(
        wall_ns=wall,
        busy_ns=kernel,
        idle_ns=idle,
        kernel_ns=kernel,
        memcpy_ns=0,
        memset_ns=0,
        graph_ns=0,
        launch_ns=launch,
        latency_ns=latency,
        sync_ns=0,
        api_ns=0,
        host_ns=host,
        unknown_ns=0,
    )
    overhead = untraced - kernel / REPS
    small = moved < 50_000_000
    return StepResult(
        key=f"{variant}-{backend}-cuda-{n}" + "".join(f"-{v}" for v in params.values()),
        label=f"{variant} {backend} cuda float32 n={n}",
        variant=variant,
        backend=backend,
        device="cuda",
        dtype="float32",
        mode="eager",
        params={"n": n, **params},
        shard=f"{backend}-cuda",
        status="done",
        costs=Costs(
            flops=flops,
            bytes=moved,
            tflops=flops / untraced / 1000,
            gbps=moved / untraced,
            roof_share=None if small else moved / 4300 / (kernel / REPS),
            roof_source="measured: copy 4300 GB/s",
            roof_note="l2_resident" if small else None,
            limit="launch" if n <= 1000 else "memory",
        ),
        reps=REPS,
        traced_reps=REPS,
        warmup=10,
        untraced_ns=untraced,
        untraced_interval=(untraced * 0.995, untraced * 1.006),
        untraced_samples_ns=tuple(untraced * (1 + 0.004 * ((i * 7) % 11 - 5) / 5) for i in range(50)),
        traced_ns=traced,
        slowdown=traced / untraced,
        overhead_ns=overhead,
        launch_bound=overhead > 0.1 * untraced,
        window=window,
        per_rep=window.divided(REPS),
        checked=True,
    )


def cpu_step(variant: str, backend: str, n: int, ms: float) -> StepResult:
    """A done step on the CPU: only window, compute and host are known."""
    flops, moved = work(variant, n)
    untraced = ms * 1e6
    window = WindowTimes(
        wall_ns=int(untraced * REPS * 1.01),
        compute_ns=int(untraced * REPS),
        host_ns=int(untraced * REPS * 0.01),
    )
    return StepResult(
        key=f"{variant}-{backend}-cpu-{n}",
        label=f"{variant} {backend} cpu float32 n={n}",
        variant=variant,
        backend=backend,
        device="cpu",
        dtype="float32",
        mode="eager",
        params={"n": n},
        shard=f"{backend}-cpu",
        status="done",
        costs=Costs(
            flops=flops,
            bytes=moved,
            tflops=flops / untraced / 1000,
            gbps=moved / untraced,
            roof_note="no_ceiling",
            limit=None,
        ),
        reps=REPS,
        traced_reps=REPS,
        warmup=10,
        untraced_ns=untraced,
        untraced_interval=(untraced * 0.99, untraced * 1.02),
        untraced_samples_ns=tuple(untraced * (1 + 0.01 * ((i * 7) % 11 - 5) / 5) for i in range(REPS)),
        traced_ns=untraced * 1.001,
        slowdown=1.001,
        window=window,
        per_rep=window.divided(REPS),
        checked=True,
    )


def kernel_row(name: str, total_ns: int, share: float, grid: tuple[int, int, int]) -> KernelRow:
    """A kernel launched once a rep with one geometry."""
    median = total_ns / REPS
    launch = Launch(
        grid=grid,
        block=(512, 1, 1) if name == "cupy_sum" else (128, 4, 1),
        registers=24,
        static_shared_bytes=2048,
        dynamic_shared_bytes=0,
        occupancy=0.75,
        instances=REPS,
        total_ns=total_ns,
        median_ns=median,
    )
    return KernelRow(
        kernel=name,
        device=0,
        instances=REPS,
        total_ns=total_ns,
        median_ns=median,
        min_ns=int(median * 0.98),
        max_ns=int(median * 1.05),
        p5_ns=median * 0.99,
        p95_ns=median * 1.02,
        share=share,
        launch_call_median_ns=3200.0,
        queue_median_ns=1800.0,
        stream_wait_median_ns=1500.0,
        latency_median_ns=None,
        launches=(launch,),
    )


def ops_of(step: StepResult, kernels: dict[str, tuple[str, float]]) -> tuple[OpResult, ...]:
    """The step's ops, each with one kernel and its share of the step's kernel time."""
    n = step.params["n"]
    assert step.window is not None
    found = []
    for index, (op, (name, part)) in enumerate(kernels.items()):
        total = int((step.window.kernel_ns or 0) * part)
        times = WindowTimes(wall_ns=total, busy_ns=total, kernel_ns=total, memcpy_ns=0)
        flops = {"matvec": 2 * n * n - n, "outer": n * n, "sum": n * n - n}.get(op, 0)
        moved = 4 * n * (n + 2 if op != "sum" else n + 1)
        spent = total / REPS
        found.append(
            OpResult(
                key=step.key,
                index=index,
                op=op,
                costs=Costs(
                    flops=flops,
                    bytes=moved,
                    tflops=flops / spent / 1000 if spent else None,
                    gbps=moved / spent if spent else None,
                    roof_share=moved / 4300 / spent if spent and n > 2000 else None,
                    roof_note=None if n > 2000 else "l2_resident",
                    limit="memory",
                ),
                times=times,
                per_rep=times.divided(REPS),
                kernel_sum_ns=total,
                launches=1.0,
                host_ns=9_100.0,
                kernels=(kernel_row(name, total, 1.0, (n // 4, 4, 1)),) if total else (),
            )
        )
    return tuple(found)


CUPY_KERNELS = {
    "matvec": {"matvec": (GEMV, 1.0)},
    "outer_sum": {"outer": (GEMM, 0.43), "sum": ("cupy_sum", 0.57)},
    "outer_sum1": {"outer": (GEMM, 0.7), "sum": (CUB, 0.3)},
}
TORCH_KERNELS = {
    "matvec": {"matvec": (GEMV, 1.0)},
    "outer_sum": {"outer": (GEMM, 0.57), "sum": (REDUCE, 0.43)},
}


def gpu_run() -> RunResult:
    """``outer`` on an H200 with CuPy, torch, and torch on its CPU."""
    steps: list[StepResult] = []
    ops: list[OpResult] = []
    for backend, table, kernels in (("cupy", CUPY_US, CUPY_KERNELS), ("torch", TORCH_US, TORCH_KERNELS)):
        for variant in ("matvec", "outer_sum"):
            for n, us in zip(SIZES, table[variant], strict=True):
                steps.append(gpu_step(variant, backend, n, us))
                ops += ops_of(steps[-1], kernels[variant])
    for variant, times in CPU_MS.items():
        steps += [cpu_step(variant, "torch", n, ms) for n, ms in zip(SIZES, times, strict=True)]
    return RunResult(
        run=RUN,
        machine=MACHINE,
        folder="flopprof-runs/20261122-101500-outer",
        quality=(
            QualityNote(code="profiler_overhead", severity="info", message="Set-up of tracing took 0.3 s"),
        ),
        steps=tuple(steps),
        ops=tuple(ops),
        skipped=(SkippedStep(label="numpy cuda", reason="numpy has no device cuda"),),
        ceilings=("cuda 0: copy 4300 GB/s, fp32 51 TFLOP/s, measured",),
        roofs=(
            RoofLine(
                device="cuda",
                dtype="float32",
                unit="fma",
                flops_per_s=51e12,
                bytes_per_s=4.3e12,
                source="measured on cuda 0: copy, matrix product",
            ),
        ),
    )


def axes_run() -> RunResult:
    """``sum_axes`` in CuPy: the same ops, another axis, another kernel."""
    steps: list[StepResult] = []
    ops: list[OpResult] = []
    for axis, name in ((0, "outer_sum"), (1, "outer_sum1")):
        for n, us in zip(SIZES, CUPY_US[name], strict=True):
            steps.append(gpu_step("outer_sum", "cupy", n, us, axis=axis))
            ops += ops_of(steps[-1], CUPY_KERNELS[name])
    return replace(
        gpu_run(),
        run=RUN.model_copy(update={"scenario": "sum_axes", "baseline": None}),
        steps=tuple(steps),
        ops=tuple(ops),
        skipped=(),
    )


def cpu_run() -> RunResult:
    """The same machine without its GPU."""
    whole = gpu_run()
    return replace(
        whole,
        machine=MACHINE.model_copy(update={"gpus": []}),
        steps=tuple(step for step in whole.steps if step.device == "cpu"),
        ops=(),
        quality=(),
        ceilings=(),
        roofs=(),
    )


def embedded_run() -> RunResult:
    """A fresh machine without Nsight Systems: steps on the GPU have no device times."""
    whole = gpu_run()
    note = "nsys was not found on PATH"
    bare = WindowTimes(wall_ns=1_000_000)
    return replace(
        whole,
        run=RUN.model_copy(update={"recorder": "embedded", "recorder_note": note}),
        machine=MACHINE.model_copy(update={"versions": {"flopprof": "0.1.0"}}),
        steps=tuple(
            replace(
                step,
                window=bare if step.device == "cuda" else step.window,
                per_rep=bare.divided(REPS) if step.device == "cuda" else step.per_rep,
                overhead_ns=None,
                launch_bound=None,
                costs=replace(step.costs, roof_share=None, limit=None),
            )
            for step in whole.steps
        ),
        ops=tuple(replace(op, kernels=(), times=None, per_rep=None, kernel_sum_ns=None) for op in whole.ops),
    )


def lossy_run() -> RunResult:
    """A trace that dropped events; what takes all of the device's work is null, as the account leaves it."""
    whole = gpu_run()

    def lose(costs: Costs) -> Costs:
        return replace(costs, roof_share=None, roof_note="lost_data", limit=None)

    def lose_of_op(op: OpResult) -> OpResult:
        return replace(op, costs=replace(lose(op.costs), tflops=None, gbps=None))

    on_gpu = {step.key for step in whole.steps if step.device == "cuda"}
    return replace(
        whole,
        steps=tuple(
            replace(step, costs=lose(step.costs), overhead_ns=None, launch_bound=None)
            if step.key in on_gpu
            else step
            for step in whole.steps
        ),
        ops=tuple(lose_of_op(op) if op.key in on_gpu else op for op in whole.ops),
        quality=(
            *whole.quality,
            QualityNote(
                code="clipped_ranges", severity="warning", message="Ranges end with the session", count=2
            ),
            QualityNote(
                code="dropped_events",
                severity="error",
                message="Nsight Systems dropped events",
                count=1234,
                affects=("kernels", "windows"),
            ),
        ),
    )


def fail(step: StepResult, reason: str, status: Status = "failed") -> StepResult:
    """The step as it is recorded when it fails."""
    return StepResult(
        key=step.key,
        label=step.label,
        variant=step.variant,
        backend=step.backend,
        device=step.device,
        dtype=step.dtype,
        mode=step.mode,
        params=step.params,
        shard=step.shard,
        status=status,
        reason=reason,
        costs=Costs(flops=step.costs.flops, bytes=step.costs.bytes),
    )


def failed_run() -> RunResult:
    """The largest outer product of CuPy does not fit; a worker died in another step."""
    whole = gpu_run()
    reasons = {
        "outer_sum-cupy-cuda-20000": "needs 130 GB, 120 GB are free",
        "matvec-torch-cuda-1000": "the worker died of signal 11",
    }
    steps = tuple(fail(s, reasons[s.key]) if s.key in reasons else s for s in whole.steps)
    return replace(whole, steps=steps, ops=tuple(op for op in whole.ops if op.key not in reasons))


def single_run() -> RunResult:
    """One step."""
    whole = gpu_run()
    step = whole.steps[0]
    return replace(
        whole,
        run=RUN.model_copy(update={"baseline": None}),
        steps=(step,),
        ops=tuple(op for op in whole.ops if op.key == step.key),
        skipped=(),
    )


def uncontrolled_run() -> RunResult:
    """``--no-control``: traced times only."""
    whole = gpu_run()
    return replace(
        whole,
        run=RUN.model_copy(update={"control": False}),
        steps=tuple(
            replace(
                step,
                untraced_ns=None,
                untraced_interval=None,
                untraced_samples_ns=(),
                slowdown=None,
                overhead_ns=None,
                launch_bound=None,
            )
            for step in whole.steps
        ),
    )


def copying_run() -> RunResult:
    """``transfers``: one op that copies, 50 GB/s."""
    step = replace(gpu_step("h2d", "torch", 8000, 5120.0), costs=Costs(flops=0, bytes=None, limit="copy"))
    copy = CopyRow(
        kind="HtoD",
        device=0,
        src_kind="pinned",
        dst_kind="device",
        instances=REPS,
        total_ns=512_000_000,
        bytes=256_000_000 * REPS,
        gbps=50.0,
    )
    op = replace(ops_of(step, {"h2d": ("none", 0.0)})[0], copies=(copy,))
    return replace(single_run(), steps=(step,), ops=(op,))


def hostile_run() -> RunResult:
    """Every text from outside tries something."""
    whole = gpu_run()
    names = (SCRIPT, "a|b`c``d\x1b[31m\n<b>", "=cmd()|' /C calc'!A0", "void f<a<b>>(c)\u202e")
    ops = tuple(
        replace(op, kernels=tuple(replace(k, kernel=names[i % len(names)]) for k in op.kernels))
        for i, op in enumerate(whole.ops)
    )
    run = RUN.model_copy(update={"about": f"{SCRIPT} | @everyone #1 ![x](http://evil) \x1b]0;t\x07"})
    steps = (fail(whole.steps[0], f"{SCRIPT}`|\x1b[2J"), *whole.steps[1:])
    return replace(whole, run=run, steps=steps, ops=ops)


def large_run(panels: int = 5, sizes: int = 50, reps: int = 1000) -> RunResult:
    """500 steps of 1,000 reps: every backend and dtype of a long sweep."""
    steps: list[StepResult] = []
    ops: list[OpResult] = []
    for panel in range(panels):
        for variant, base in (("matvec", 0.4), ("outer_sum", 1.9)):
            for n in range(400, 400 * (sizes + 1), 400):
                step = gpu_step(variant, "torch", n, 8 + base * n * n / 400_000)
                samples = tuple(
                    (step.untraced_ns or 0) * (1 + 0.01 * ((i * 7919) % 101) / 101) for i in range(reps)
                )
                dtype = ("float16", "bfloat16", "float32", "float64", "tf32")[panel]
                step = replace(step, key=f"{dtype}-{step.key}", dtype=dtype, untraced_samples_ns=samples)
                steps.append(step)
                ops += ops_of(step, TORCH_KERNELS[variant])
    return replace(gpu_run(), steps=tuple(steps), ops=tuple(ops))


ALL = {
    "gpu": gpu_run,
    "axes": axes_run,
    "cpu": cpu_run,
    "embedded": embedded_run,
    "lossy": lossy_run,
    "failed": failed_run,
    "single": single_run,
    "uncontrolled": uncontrolled_run,
    "copying": copying_run,
    "hostile": hostile_run,
}


@cache
def page_of(name: str) -> str:
    """Its HTML file, drawn once for all tests of a process."""
    return render(ALL[name](), "html")
