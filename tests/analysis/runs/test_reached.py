"""A CPU's roof is no lower than what the run itself reached beyond the cache."""

from __future__ import annotations

from dataclasses import replace

from drawing.scenario_steps import make_step
from flopprof.analysis.breakdown.rows import WindowTimes
from flopprof.analysis.runs.reached import Reached, list_reached, raise_peaks
from flopprof.analysis.runs.roof import Peaks, Timing, roof_of_step
from flopprof.analysis.runs.step_windows import OpWindow, StepWindow
from flopprof.scenarios.operations.ops import Matvec, Outer, Sum
from flopprof.scenarios.plan.work import step_work

CACHE = 32 << 20
PEAKS = Peaks(
    flops_per_s={("float32", "fma"): 2e12},
    bytes_per_s=96e9,
    l3_bytes=CACHE,
    source="Xeon measured: 96.0 GB/s",
)
MATVEC = make_step(Matvec(), n=12_000)


def window_of(ns: int, *ops: int, reps: int = 10) -> StepWindow:
    return StepWindow(
        times=WindowTimes(wall_ns=ns * reps, compute_ns=ns * reps),
        ops=tuple(
            OpWindow(calls=reps, host_ns=op, times=WindowTimes(wall_ns=op * reps, compute_ns=op * reps))
            for op in ops
        ),
    )


def test_a_matvec_faster_than_the_calibration_is_the_roof():
    """576 MB in 4.8 ms are 120 GB/s, where 96 were calibrated."""
    reached = list(list_reached(MATVEC, window_of(4_800_000, 4_800_000), 10))
    peaks = raise_peaks(PEAKS, reached)
    assert round(peaks.bytes_per_s / 1e9, 1) == 120.0
    assert peaks.source == f"Xeon measured: 96.0 GB/s; raised to 120.0 GB/s, which {MATVEC.label} reached"
    timing = Timing(kernel_ns=4_800_000)
    before, after = (roof_of_step(step_work(MATVEC), timing, one) for one in (PEAKS, peaks))
    assert (before.share, before.note) == (None, "above_ceiling")
    assert (round(after.share or 0, 6), after.note, after.limit) == (1.0, None, "memory")


def test_an_op_can_raise_the_roof_of_its_step():
    step = make_step(Outer(), Sum(axis=0), n=12_000)
    reached = list(list_reached(step, window_of(20_000_000, 16_000_000, 4_000_000), 10))
    assert [one.label for one in reached] == [
        step.label,
        f"outer of {step.label}",
        f"sum of {step.label}",
    ]
    assert raise_peaks(PEAKS, reached).source.endswith(f"which sum of {step.label} reached")


def test_what_fits_into_the_cache_raises_nothing():
    (whole, op) = list_reached(make_step(Matvec(), n=2_000), window_of(50_000, 50_000), 10)
    assert whole.bytes / whole.time_ns > 300
    assert raise_peaks(PEAKS, [whole, op]) == PEAKS


def test_without_the_size_of_the_cache_nothing_is_concluded():
    reached = list(list_reached(MATVEC, window_of(4_800_000), 10))
    unknown = replace(PEAKS, l3_bytes=None)
    assert raise_peaks(unknown, reached) == unknown


def test_arithmetic_is_raised_too():
    fast = Reached(
        label="product",
        bytes=1,
        flops=30_000,
        time_ns=10.0,
        working_set_bytes=100 * CACHE,
        lanes=frozenset({("float32", "fma")}),
    )
    assert raise_peaks(PEAKS, [fast]).flops_per_s == {("float32", "fma"): 3e12}
