# pyright: strict
"""A run's numbers: what its shards recorded, set against the FLOPs and bytes of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from ...scenarios.operations.ops import Op, op_to_json
from ...scenarios.plan.step import Step
from ...scenarios.plan.work import OpWork, StepWork, Work, step_work
from ..arithmetic.statistics import median_interval
from ..breakdown.rows import CopyRow, WindowTimes
from ..codes.lossy import loses_device_work
from ..export.devices import GpuInfo, describe_clock
from ..hardware.data_sheets import Peaks
from ..trace.quality import sort_notes
from ..words import QualityNote
from .ceilings import ceilings_path, read_ceilings
from .evidence import add_seconds, add_timed, by_step, cpu_use, op_with_counters, with_counters
from .folder import RunFolder, ShardFolder, read_run_folder
from .noise import RecordedCalls, is_noisy, merge_surroundings, split_excess
from .peaks import peaks_of_device
from .quality import list_shard_notes, list_step_notes
from .reached import list_reached, list_roof_lines, raise_peaks
from .records import CallCosts, Pass, StepRecord
from .results import Costs, OpResult, RunResult, StepResult
from .roof import Roof, Timing, roof, roof_of_step
from .step_windows import OpWindow, ShardWindows, StepWindow, read_shard_windows

NOT_REACHED = "the run was interrupted before this step"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What is known of one step."""

    shard: str
    record: StepRecord
    window: StepWindow | None
    peaks: Peaks | None
    gpu: GpuInfo | None
    lost: bool
    """The trace lost device work: what it holds of this step's may not be all."""
    call_costs: CallCosts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A step of the plan, its work, and what was measured of it, if anything was."""

    step: Step
    work: StepWork
    measured: _Measured | None


def account_run(path: Path) -> RunResult:
    """Everything a run folder says. Raises RunError, TraceError, CeilingsError.

    A run made before its machine was calibrated takes the ceilings that are stored now for the same devices.
    """
    folder = read_run_folder(path)
    ceilings = folder.ceilings if folder.ceilings.ceilings else read_ceilings(ceilings_path())
    measured: dict[str, _Measured] = {}
    notes: list[QualityNote] = []
    for shard in folder.shards:
        windows = _read_windows(shard)
        notes += list_shard_notes(shard, windows)
        gpu = windows.gpu if windows else None
        lost = shard.record.device == "cuda" and loses_device_work(windows.quality if windows else ())
        peaks = peaks_of_device(shard.record.device, gpu, folder.machine, ceilings)
        for record in shard.record.steps:
            window = windows.steps.get(record.key) if windows and record.status == "done" else None
            measured[record.key] = _Measured(
                shard=shard.name,
                record=record,
                window=window,
                peaks=peaks,
                gpu=gpu,
                lost=lost,
                call_costs=shard.record.call_costs,
            )
    measured = _raise_ceilings(folder.steps, measured)
    planned = [
        _Planned(step=step, work=step_work(step), measured=measured.get(step.key)) for step in folder.steps
    ]
    return _result(folder, planned, measured, notes)


def _raise_ceilings(steps: Sequence[Step], measured: dict[str, _Measured]) -> dict[str, _Measured]:
    """What was measured, under the highest rates that the run itself reached on its CPU."""
    on_cpu = [step for step in steps if step.device == "cpu" and step.key in measured]
    reached = [
        one
        for step in on_cpu
        if (window := measured[step.key].window) is not None
        for one in list_reached(step, window, measured[step.key].record.traced_reps or 1)
    ]
    raised = {
        step.key: replace(one, peaks=raise_peaks(one.peaks, reached))
        for step in on_cpu
        if (one := measured[step.key]).peaks is not None
    }
    return measured | raised


def _result(
    folder: RunFolder, planned: list[_Planned], measured: dict[str, _Measured], notes: list[QualityNote]
) -> RunResult:
    counted = by_step(folder.counters)
    steps = [with_counters(_account_step(one), counted.get(one.step.key)) for one in planned]
    ops = [
        op_with_counters(op, counted.get(one.step.key))
        for one in planned
        if one.measured
        for op in _account_ops(one.step, one.work, one.measured)
    ]
    lost = [one.step.label for one in planned if one.measured and _lost_ranges(one.measured)]
    placed = [(p.step, p.measured.peaks, p.work.ops) for p in planned if p.measured and p.measured.peaks]
    return RunResult(
        run=folder.plan.run,
        machine=folder.machine,
        folder=str(folder.path),
        quality=sort_notes([*notes, *list_step_notes(steps, ops, lost)]),
        steps=tuple(steps),
        ops=tuple(ops),
        skipped=tuple(folder.plan.skipped),
        ceilings=tuple(dict.fromkeys(m.peaks.source for m in measured.values() if m.peaks)),
        pass_seconds=add_seconds((shard.record for shard in folder.shards), folder.counters),
        measuring_seconds=add_timed(one.record for one in measured.values()),
        clocks=tuple(dict.fromkeys(describe_clock(m.gpu) for m in measured.values() if m.gpu)),
        roofs=list_roof_lines(placed, ops),
    )


def _read_windows(shard: ShardFolder) -> ShardWindows | None:
    return read_shard_windows(shard.trace, shard.record.device) if shard.trace else None


def _account_step(planned: _Planned) -> StepResult:
    step, work = planned.step, planned.work
    bare = StepResult(
        key=step.key,
        label=step.label,
        variant=step.variant,
        backend=step.backend,
        device=step.device,
        dtype=step.dtype,
        mode=step.mode,
        params=dict(step.params),
        ops=tuple(_describe_op(op) for op in step.ops),
        shard=None,
        status="skipped",
        reason=NOT_REACHED,
        costs=Costs(flops=work.total.flops, bytes=work.total.bytes),
    )
    return bare if planned.measured is None else _with_measures(bare, work, planned.measured)


def _describe_op(op: Op) -> str:
    """What an op computes, ``sum axis=1``; by which of a library's calls is not part of it."""
    plain = op_to_json(op)
    return " ".join([plain.pop("op"), *(f"{name}={value}" for name, value in plain.items() if name != "via")])


def _with_measures(bare: StepResult, work: StepWork, measured: _Measured) -> StepResult:
    record = measured.record
    samples = tuple(record.control.samples_ns) if record.control else ()
    traced_samples = _traced_samples(measured)
    untraced, traced = _find_median(record.control, samples), _find_median(record.traced, traced_samples)
    reps, window = record.traced_reps, measured.window
    per_rep = window.times.divided(reps) if window and reps else None
    busy = per_rep.busy_ns if per_rep and not measured.lost else None
    overhead = untraced - busy if untraced is not None and busy is not None else None
    timing = Timing(
        kernel_ns=_working_ns(per_rep), untraced_ns=untraced, overhead_ns=overhead, lost=measured.lost
    )
    standing = roof_of_step(work, timing, measured.peaks)
    excess = (
        split_excess(untraced, traced, _recorded_calls(work, measured), measured.call_costs)
        if untraced and traced
        else None
    )
    passes = [one.surroundings for one in (record.control, record.traced) if one is not None]
    return replace(
        bare,
        shard=measured.shard,
        status=record.status,
        reason=record.reason,
        costs=_costs(work.total, standing, untraced or traced, _copies(measured), reps),
        reps=record.reps,
        traced_reps=reps,
        warmup=record.warmup,
        untraced_ns=untraced,
        untraced_mean_ns=record.control.total_ns / record.control.reps if record.control else None,
        untraced_interval=median_interval(samples) if len(samples) > 1 else None,
        untraced_samples_ns=samples,
        traced_ns=traced,
        traced_samples_ns=traced_samples,
        slowdown=traced / untraced if traced and untraced else None,
        tracing_ns=excess.tracing_ns if excess else None,
        noise_ns=excess.noise_ns if excess else None,
        noisy=bool(untraced and excess and is_noisy(untraced, excess)),
        surroundings=merge_surroundings([one for one in passes if one is not None]),
        overhead_ns=overhead,
        launch_bound=timing.launch_bound,
        window=measured.window.times if measured.window else None,
        per_rep=per_rep,
        checked=record.checked,
        notes=tuple(record.notes),
        cpu=cpu_use(record.cpu),
    )


def _recorded_calls(work: StepWork, measured: _Measured) -> RecordedCalls:
    """Of a rep: its own range and one an op, and the launches of all ops, at least one each on a device."""
    ops = len(work.calls)
    if measured.record.traced is not None and measured.record.traced.clock == "host":
        return RecordedCalls(ranges=1 + ops, cuda=0)
    launched = [op.launch_calls for op in measured.window.ops] if measured.window else []
    seen = sum(count for count in launched if count is not None) / (measured.record.traced_reps or 1)
    return RecordedCalls(ranges=1 + ops, cuda=max(seen, ops))


def _find_median(timed: Pass | None, samples: Sequence[float]) -> float | None:
    """What a rep took: the median of the samples, or of a pass without any the time of all over their number."""
    if timed is None:
        return None
    return median(samples) if samples else timed.total_ns / timed.reps


def _traced_samples(measured: _Measured) -> tuple[float, ...]:
    """The worker's own samples of the traced pass; on the CPU, where it takes none, the trace's reps."""
    if measured.record.traced is not None and measured.record.traced.samples_ns:
        return tuple(measured.record.traced.samples_ns)
    return measured.window.rep_ns if measured.window is not None else ()


def _account_ops(step: Step, work: StepWork, measured: _Measured) -> Iterator[OpResult]:
    for index, call in enumerate(work.calls):
        window = measured.window.ops[index] if measured.window and index < len(measured.window.ops) else None
        use = measured.record.cpu.ops if measured.record.cpu else []
        found = _account_op(step, index, call.label, call.ops, window, measured)
        cpu = cpu_use(use[index] if index < len(use) else None)
        yield replace(found, cpu=cpu, result_bytes=call.ops[-1].result_bytes)


def _account_op(
    step: Step, index: int, label: str, ops: Sequence[OpWork], window: OpWindow | None, measured: _Measured
) -> OpResult:
    total = sum((op.work for op in ops), Work(flops=0, bytes=0))
    if window is None:
        bare = Costs(flops=total.flops, bytes=total.bytes)
        return OpResult(key=step.key, index=index, op=label, costs=bare, times=None, per_rep=None)
    reps = window.calls
    per_rep = window.times.divided(reps) if window.times else None
    working = _working_ns(per_rep) if not measured.lost else None
    timing = Timing(kernel_ns=working, lost=measured.lost)
    standing = roof(ops, timing, measured.peaks, working_set_bytes=total.bytes)
    return OpResult(
        key=step.key,
        index=index,
        op=label,
        costs=_costs(total, standing, working, window.copies if not measured.lost else (), reps),
        times=window.times,
        per_rep=per_rep,
        kernel_sum_ns=window.kernel_sum_ns,
        launches=window.launch_calls / reps if window.launch_calls is not None else None,
        host_ns=window.host_ns,
        kernels=window.kernels,
        copies=window.copies,
    )


def _working_ns(per_rep: WindowTimes | None) -> float | None:
    """Time a rep spends computing: kernels on a device, op calls on the CPU."""
    if per_rep is None:
        return None
    return per_rep.kernel_ns if per_rep.kernel_ns is not None else per_rep.compute_ns


def _costs(
    work: Work, standing: Roof, time_ns: float | None, copies: Sequence[CopyRow], reps: int | None
) -> Costs:
    """FLOP/s and GB/s over ``time_ns``; what only copies has its rate from the copies' own time."""
    gbps = work.bytes / time_ns if time_ns and work.bytes else None
    copied_ns = sum(copy.total_ns for copy in copies)
    if work.link_bytes and not work.bytes and copied_ns and reps:
        gbps = work.link_bytes * reps / copied_ns
    return Costs(
        flops=work.flops,
        bytes=work.bytes or work.link_bytes,
        tflops=work.flops / time_ns / 1e3 if time_ns and work.flops else None,
        gbps=gbps,
        roof_share=standing.share,
        roof_source=standing.source,
        roof_note=standing.note,
        limit=standing.limit,
        nearer_roof=standing.nearer,
    )


def _copies(measured: _Measured) -> tuple[CopyRow, ...]:
    """The step's copies; none where some may be missing, as their rate would be too high."""
    if measured.window is None or measured.lost:
        return ()
    return tuple(copy for op in measured.window.ops for copy in op.copies)


def _lost_ranges(measured: _Measured) -> bool:
    if measured.record.status != "done":
        return False
    window = measured.window
    return (
        window is None or not window.ops or any(op.calls != measured.record.traced_reps for op in window.ops)
    )
