"""CuPy and PyTorch on a CUDA device; each test skips where its library is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from drawing import scenario_steps
from drawing.scenario_steps import run_rep
from flopprof.scenarios.checking.check import check_result
from flopprof.scenarios.errors import OutOfMemory, StepFailure
from flopprof.scenarios.libraries.backend import Backend
from flopprof.scenarios.libraries.opening import open_backend
from flopprof.scenarios.libraries.program import Program
from flopprof.scenarios.operations.ops import DeviceToHost, HostToDevice, Matmul, Matvec, Op, Outer, Sum
from flopprof.scenarios.plan.capability import uses_cublas
from flopprof.scenarios.plan.expansion import expand_plan
from flopprof.scenarios.plan.load import load_scenario
from flopprof.scenarios.plan.step import Step
from flopprof.scenarios.plan.work import needed_bytes, step_labels

pytestmark = pytest.mark.gpu


@pytest.fixture(params=["cupy", "torch"])
def backend(request: pytest.FixtureRequest):
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    opened = open_backend(request.param, "cuda")
    yield opened
    opened.release()


def make_step(backend: Backend, *ops: Op, **fields: Any) -> Step:
    return scenario_steps.make_step(*ops, backend=backend.name, device="cuda", **fields)


def checked(backend: Backend, step: Step) -> Program:
    program = backend.build(step, seed=1)
    assert tuple(call.label for call in program.calls) == step_labels(step)
    assert check_result(step, program, backend, run_rep(program))
    return program


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(
    "ops",
    [
        (Matvec(),),
        (Matmul(),),
        (Outer(), Sum(axis=0)),
        (Outer(), Sum(axis=1)),
        (Outer(via="multiply"), Sum(axis=0)),
        (Matmul(), Sum(axis=1)),
        (Outer(), Matvec()),
    ],
    ids=lambda ops: "+".join(op.kind for op in ops),
)
def test_eager_results_are_right(backend: Backend, ops: tuple[Op, ...], dtype: str):
    if backend.name == "cupy" and dtype == "bfloat16":
        pytest.skip("bfloat16 runs in torch only")
    # Small enough that the sum of a product of random numbers stays under float16's 65504.
    checked(backend, make_step(backend, *ops, dtype=dtype, m=300, n=200, k=500))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("axis", [0, 1])
def test_the_fused_outer_sum_is_right(backend: Backend, axis: int, dtype: str):
    checked(backend, make_step(backend, Outer(), Sum(axis=axis), dtype=dtype, mode="fused", m=700, n=900))


@pytest.mark.parametrize("axis", [0, 1])
def test_the_fused_outer_sum_never_stores_the_matrix(backend: Backend, axis: int):
    n = 20_000
    step = make_step(backend, Outer(), Sum(axis=axis), mode="fused", n=n)
    program = checked(backend, step)
    backend.release()
    value = run_rep(program)
    backend.synchronize()
    assert held_bytes(backend) < 0.1 * 4 * n * n
    assert tuple(value.shape) == (n,)


def held_bytes(backend: Backend) -> int:
    """Device memory the library holds, in use or cached."""
    if backend.name == "cupy":
        import cupy  # pyright: ignore[reportMissingImports]

        return cupy.get_default_memory_pool().total_bytes()
    import torch

    return torch.cuda.memory_reserved()


SPREAD = Outer(via="multiply")


@pytest.mark.parametrize(
    "ops", [(SPREAD, Sum(axis=0)), (SPREAD, Sum(axis=1)), (Outer(), Sum(axis=0)), (Matvec(),), (Matmul(),)]
)
def test_a_replayed_graph_is_right(backend: Backend, ops: tuple[Op, ...]):
    step = make_step(backend, *ops, mode="graph", n=300)
    if backend.name == "cupy" and any(uses_cublas(op) for op in ops):
        with pytest.raises(StepFailure, match="cuBLAS"):
            backend.build(step, seed=1)
        return
    program = checked(backend, step)
    value = run_rep(program)
    value[:] = -1
    run_rep(program)
    assert check_result(step, program, backend, value)  # the replay wrote it again


def test_a_graph_outlives_the_librarys_cached_memory(backend: Backend):
    step = make_step(backend, SPREAD, Sum(axis=0), mode="graph", n=1000)
    program = checked(backend, step)
    backend.release()
    other = backend.build(make_step(backend, Matmul(), n=2000), seed=2)
    kept = run_rep(other)
    before = backend.read_all(kept)
    assert check_result(step, program, backend, run_rep(program))
    backend.synchronize()
    np.testing.assert_array_equal(backend.read_all(kept), before)


@pytest.mark.parametrize("memory", ["pinned", "pageable"])
def test_copies_arrive_whole(backend: Backend, memory: Any):
    for ops in ((HostToDevice(memory=memory),), (DeviceToHost(memory=memory),)):
        checked(backend, make_step(backend, *ops, m=300, n=500))
    both = (HostToDevice(memory=memory), Matvec(), DeviceToHost(memory=memory))
    checked(backend, make_step(backend, *both, m=300, n=500))


def test_inputs_are_uniform_below_one(backend: Backend):
    for dtype in ("float16", "float32", "float64"):
        array = backend.read_all(
            backend.build(make_step(backend, Sum(axis=0), dtype=dtype, n=2100), 1).inputs[0][0]
        )
        assert array.min() >= 0
        assert array.max() < 1
        assert abs(array.mean() - 0.5) < 0.01


def test_events_measure_device_time(backend: Backend):
    program = backend.build(make_step(backend, Matmul(), n=4000), seed=1)
    run_rep(program)
    backend.synchronize()
    start = backend.record_event()
    for _ in range(5):
        run_rep(program)
    end = backend.record_event()
    backend.synchronize()
    assert 5 * 0.5e6 < backend.elapsed_ns(start, end) < 5e9  # 128 GFLOP take over 0.5 ms on any GPU


def test_too_large_a_step_is_out_of_memory_and_the_next_one_runs(backend: Backend):
    step = make_step(backend, Sum(axis=0), n=1_000_000)
    assert needed_bytes(step) > backend.free_bytes()
    with pytest.raises(OutOfMemory, match=r"^out of memory: .*; try a smaller size$"):
        backend.build(step, seed=1)
    backend.release()
    checked(backend, make_step(backend, Matvec(), n=100))


def test_released_memory_is_free_again(backend: Backend):
    before = backend.free_bytes()
    program = backend.build(make_step(backend, Matvec(), n=20_000), seed=1)
    assert backend.free_bytes() < before - 1_500_000_000
    del program
    backend.release()
    assert backend.free_bytes() > before - 200_000_000


def test_a_wrong_result_is_seen_on_the_device(backend: Backend):
    step = make_step(backend, Outer(), Sum(axis=0), n=1000)
    program = backend.build(step, seed=1)
    x, y = program.inputs[0]
    with pytest.raises(StepFailure, match=r"^wrong result: element \["):
        check_result(step, program, backend, (x * y).sum(1))


def test_versions_and_settings_say_what_ran(backend: Backend):
    assert backend.versions()[backend.name]
    tf32 = {"torch": ("torch tf32", "off"), "cupy": ("cupy CUPY_TF32", "0")}
    name, value = tf32[backend.name]
    assert backend.settings()[name] == value


@pytest.mark.parametrize("name", ["smoke", "launch_bound", "transfers", "fused", "sum_axes"])
def test_shipped_scenarios_run_on_the_device(backend: Backend, name: str):
    overrides = [f"backends={backend.name}", "devices=cuda", "n=256"]
    for step in expand_plan(load_scenario(name, overrides), lambda *_: None).steps:
        checked(backend, step)
