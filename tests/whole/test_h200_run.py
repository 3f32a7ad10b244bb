"""A run recorded on an H200 (`sum_axes`, n = 1000 and 4000, 20 reps), accounted again."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from drawing.stored_runs import copy_real_run
from drawing.tree import DATA
from flopprof.analysis.breakdown.rows import KernelRow, WindowTimes
from flopprof.analysis.compare.compare import compare_by
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.results import RunResult
from flopprof.analysis.words import LAYERS

REPS = 20


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("h200")
    with tarfile.open(DATA / "h200_sum_axes.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return account_run(folder / "sum_axes")


def test_every_headline_time_lies_in_its_own_interval(run: RunResult, tmp_path: Path):
    for result in (run, account_run(copy_real_run(tmp_path))):
        for step in result.steps:
            assert step.untraced_ns is not None and step.untraced_interval is not None
            low, high = step.untraced_interval
            assert low <= step.untraced_ns <= high


def layers_of(times: WindowTimes | None) -> list[int]:
    assert times is not None
    return [getattr(times, f"{layer}_ns") for layer in LAYERS]


def sum_kernels(run: RunResult, backend: str, axis: int, n: int) -> tuple[KernelRow, ...]:
    (step,) = [s for s in run.steps if s.backend == backend and s.params == {"n": n, "axis": axis}]
    (op,) = [op for op in run.ops if op.key == step.key and op.op == "sum"]
    return op.kernels


def test_every_step_was_measured(run: RunResult) -> None:
    assert [step.status for step in run.steps] == ["done"] * 8
    assert {note.code for note in run.quality if note.severity == "error"} == set()


def test_the_ten_layers_of_every_step_sum_to_its_window_to_the_ns(run: RunResult) -> None:
    for step in run.steps:
        assert step.window is not None
        assert sum(layers_of(step.window)) == step.window.wall_ns
        assert step.window.busy_ns == sum(layers_of(step.window)[:4])


def test_the_ops_of_a_step_own_all_its_busy_time(run: RunResult) -> None:
    for step in run.steps:
        ops = [op for op in run.ops if op.key == step.key]
        assert [op.op for op in ops] == ["outer", "sum"]
        own = [sum(part) for part in zip(*(layers_of(op.times) for op in ops), strict=True)]
        assert own[:4] == layers_of(step.window)[:4]
        assert all(a <= b for a, b in zip(own, layers_of(step.window), strict=True))


def test_every_rep_launched_every_kernel_once(run: RunResult) -> None:
    for op in run.ops:
        assert [kernel.instances for kernel in op.kernels] == [REPS]


@pytest.mark.parametrize("n", [1000, 4000])
def test_cupy_sums_its_axes_with_different_kernels(run: RunResult, n: int) -> None:
    (columns,), (rows,) = sum_kernels(run, "cupy", 0, n), sum_kernels(run, "cupy", 1, n)
    assert columns.kernel == "cupy_sum"
    assert "SegmentedReduceKernel" in rows.kernel
    assert columns.total_ns > 4 * rows.total_ns


@pytest.mark.parametrize("n", [1000, 4000])
def test_torch_sums_both_axes_with_one_template(run: RunResult, n: int) -> None:
    (columns,), (rows,) = sum_kernels(run, "torch", 0, n), sum_kernels(run, "torch", 1, n)
    for kernel in (columns, rows):
        assert kernel.kernel.startswith("void at::native::reduce_kernel<")
    assert columns.launches[0].block != rows.launches[0].block


def test_equal_shapes_need_equal_flops(run: RunResult) -> None:
    assert {(s.params["n"], s.costs.flops) for s in run.steps} == {
        (1000, 2 * 1000**2 - 1000),
        (4000, 2 * 4000**2 - 4000),
    }


def test_the_axis_effect_is_the_substituted_kernel(run: RunResult) -> None:
    pairs = {pair.label: pair for pair in compare_by(run, "axis").pairs}
    pair = pairs["outer_sum cupy cuda float32 n=4000"]
    assert pair.verdict == "faster"
    (kernels,) = [kernels for kernels in pair.kernels if kernels.op == "sum"]
    assert (kernels.kind, kernels.presence) == ("substituted", "both")
    assert kernels.ratio is not None
    assert kernels.ratio < 0.25


def test_a_run_knows_the_clock_of_its_gpu(run: RunResult) -> None:
    assert run.clocks == ("1980 MHz",)
