from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from drawing.scenario_steps import make_step, run_rep
from flopprof.scenarios.errors import BackendUnavailable, OutOfMemory, StepFailure
from flopprof.scenarios.libraries.failures import explain_failure, step_failures
from flopprof.scenarios.libraries.memory import host_free_bytes
from flopprof.scenarios.libraries.opening import open_backend
from flopprof.scenarios.libraries.program import Allocate
from flopprof.scenarios.libraries.uniform import PERIOD, fill_uniform
from flopprof.scenarios.operations.ops import Function, Matmul, Matvec, Op, Outer, Sum
from flopprof.scenarios.operations.user_function import load_function
from flopprof.scenarios.plan.step import Step
from flopprof.scenarios.plan.work import needed_bytes, step_labels

BACKENDS = [pytest.param("numpy"), pytest.param("torch", marks=pytest.mark.torch)]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest):
    if request.param == "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    return open_backend(request.param, "cpu")


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ((Matvec(),), lambda A, x: A @ x),
        ((Outer(),), lambda x, y: x * y),
        ((Outer(via="multiply"),), lambda x, y: x * y),
        ((Matmul(),), lambda A, B: A @ B),
        ((Sum(axis=0),), lambda A: A.sum(0)),
        ((Sum(axis=1),), lambda A: A.sum(1)),
        ((Outer(), Sum(axis=0)), lambda x, y: (x * y).sum(0)),
        ((Outer(), Sum(axis=1)), lambda x, y: (x * y).sum(1)),
        ((Outer(), Matvec()), lambda x, y, z: (x * y) @ z),
        ((Matmul(), Sum(axis=1)), lambda A, B: (A @ B).sum(1)),
    ],
)
def test_calls_compute_the_ops(backend, ops: tuple[Op, ...], expected):
    step = make_step(*ops, backend=backend.name, dtype="float64", m=5, n=7, k=3)
    program = backend.build(step, seed=1)
    inputs = [backend.read_all(array) for own in program.inputs for array in own]
    assert tuple(call.label for call in program.calls) == step_labels(step)
    result = run_rep(program)
    np.testing.assert_allclose(backend.read_all(result), expected(*inputs), rtol=1e-12)
    assert backend.dtype_name(result) == "float64"


def test_outputs_are_fresh_each_rep(backend):
    program = backend.build(make_step(Outer(), Sum(axis=0), backend=backend.name, n=8), seed=1)
    first, second = run_rep(program), run_rep(program)
    first[:] = -1
    assert (backend.read_all(second) >= 0).all()


@pytest.mark.parametrize("op", [Matvec, Matmul, Outer, Sum])
def test_a_result_that_is_reused_is_the_first_one_written_over(
    backend, op: type[Matvec | Matmul | Outer | Sum]
):
    fresh, reused = (
        backend.build(make_step(op(out=out), backend=backend.name, n=8), seed=1) for out in ("fresh", "reuse")
    )
    expected, first = backend.read_all(run_rep(fresh)), run_rep(reused)
    np.testing.assert_array_equal(backend.read_all(first), expected)
    first[:] = -1
    assert run_rep(reused) is first
    np.testing.assert_array_equal(backend.read_all(first), expected)


def test_what_reuses_its_result_is_another_step_and_what_does_not_is_known_as_ever():
    fresh, reused = make_step(Outer(), n=8), make_step(Outer(out="reuse"), n=8)
    assert fresh.key != reused.key
    assert "out" not in fresh.to_json()["ops"][0]
    assert Step.from_json(reused.to_json()) == reused


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_inputs_are_uniform_and_depend_on_the_seed_only(backend, dtype: str):
    step = make_step(Matvec(), backend=backend.name, dtype=dtype, m=60, n=50)
    A, x = (backend.read_all(array) for array in backend.build(step, seed=3).inputs[0])
    assert (A.shape, x.shape) == ((60, 50), (50, 1))
    assert A.min() >= 0
    assert A.max() < 1
    assert abs(A.mean() - 0.5) < 0.03
    assert not np.array_equal(A[:, :1][:50], x)
    np.testing.assert_array_equal(A, backend.read_all(backend.build(step, seed=3).inputs[0][0]))
    assert not np.array_equal(A, backend.read_all(backend.build(step, seed=4).inputs[0][0]))


def test_half_precision_is_filled_in_pieces_below_one():
    array = fill_uniform(np.full((3, 3 << 20), 7, np.float16), np.random.default_rng(0))
    assert array.min() >= 0
    assert array.max() < 1


@pytest.mark.parametrize("repeat", [False, True])
def test_the_same_numbers_come_from_any_number_of_threads(repeat: bool, monkeypatch: pytest.MonkeyPatch):
    def fill() -> np.ndarray:
        return fill_uniform(np.empty(2 * PERIOD + 7, np.float32), np.random.default_rng(5), repeat=repeat)

    several = fill()
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    np.testing.assert_array_equal(fill(), several)
    assert np.array_equal(several[PERIOD:], several[: PERIOD + 7]) == repeat
    assert len(np.unique(several[:: PERIOD // 4])) == len(several[:: PERIOD // 4])


def test_no_two_rows_are_the_same_where_numbers_are_repeated():
    matrix = fill_uniform(np.empty((1 << 14, 1 << 10), np.float32), np.random.default_rng(5), repeat=True)
    assert matrix.size > 3 * PERIOD
    assert len(np.unique(matrix[:, :4], axis=0)) == len(matrix)


def test_numbers_are_repeated_for_a_librarys_own_operations_and_never_for_a_users_function(
    backend, monkeypatch: pytest.MonkeyPatch
):
    asked: list[bool] = []
    real = backend.allocator

    def allocator(dtype: str, seed: int, *, repeat: bool = False) -> Allocate:
        asked.append(repeat)
        return real(dtype, seed, repeat=repeat)

    monkeypatch.setattr(backend, "allocator", allocator)
    own = Function(function="operator:neg", inputs=(("x", (8, 8)),), flops=8, bytes=32)
    backend.build(make_step(Matvec(), backend=backend.name, n=8), seed=1)
    backend.build(make_step(own, backend=backend.name, n=8), seed=1)
    assert asked == [True, False]


@pytest.mark.torch
def test_opening_torch_leaves_gradients_to_the_user(folder: Path):
    torch = pytest.importorskip("torch")
    (folder / "user_ops.py").write_text(TRAINING)
    op = Function(function="user_ops:slope", inputs=(("x", (4, 1)),), flops=8, bytes=32)
    backend = open_backend("torch", "cpu", folder=folder)
    result = run_rep(backend.build(make_step(op, backend="torch", n=4), seed=1))
    assert torch.is_grad_enabled()
    np.testing.assert_array_equal(backend.read_all(result), np.full((4, 1), 2.0))


@pytest.mark.torch
def test_torch_runs_bfloat16_with_tf32_off():
    pytest.importorskip("torch")
    backend = open_backend("torch", "cpu")
    value = run_rep(backend.build(make_step(Matvec(), backend="torch", dtype="bfloat16", n=8), seed=1))
    assert backend.dtype_name(value) == "bfloat16"
    assert backend.settings()["torch tf32"] == "off"
    assert backend.versions()["torch"]


@pytest.mark.slow
@pytest.mark.torch
def test_torch_compiles_a_chain_into_one_call():
    pytest.importorskip("torch")
    backend = open_backend("torch", "cpu")
    for n in (6, 9):  # a second size compiles anew
        step = make_step(Outer(), Sum(axis=0), backend="torch", mode="fused", n=n)
        program = backend.build(step, seed=1)
        x, y = (backend.read_all(array) for array in program.inputs[0])
        assert [call.label for call in program.calls] == ["outer+sum"]
        np.testing.assert_allclose(backend.read_all(run_rep(program)), (x * y).sum(0), rtol=1e-5)


@pytest.mark.torch
def test_fusing_on_the_cpu_without_a_compiler_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("torch")
    for name in ("c++", "clang++"):  # which torch does not call
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", sys.executable)  # which no worker's environment has
    with pytest.raises(StepFailure) as caught:
        open_backend("torch", "cpu").build(make_step(Outer(), Sum(axis=0), mode="fused", n=4), seed=1)
    assert str(caught.value) == "torch.compile needs a C++ compiler on the CPU; install g++"


@pytest.mark.parametrize(
    ("name", "device", "reason"),
    [
        ("numpy", "cuda", "NumPy computes on the CPU only"),
        ("cupy", "cpu", "CuPy computes on CUDA devices only"),
        ("jax", "cpu", "there is no backend jax; known are numpy, torch, cupy"),
    ],
)
def test_a_backend_that_cannot_be_says_so(name: str, device: str, reason: str):
    with pytest.raises(BackendUnavailable) as caught:
        open_backend(name, device)
    assert str(caught.value) == reason


def test_a_library_that_is_not_installed_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(BackendUnavailable, match=r"^cupy cannot be imported: "):
        open_backend("cupy", "cuda")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (MemoryError("Unable to allocate 1 GiB"), OutOfMemory,
         "out of memory: Unable to allocate 1 GiB; try a smaller size"),
        (MemoryError("Unable to allocate 256. TiB for an array with shape (9,)"), OutOfMemory,
         "out of memory: Unable to allocate 256. TiB for an array with shape (9,); try a smaller size"),
        (MemoryError(), OutOfMemory, "out of memory: an allocation failed; try a smaller size"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has"), OutOfMemory,
         "out of memory: CUDA out of memory; try a smaller size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."), OutOfMemory,
         "out of memory: DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes; "
         "try a smaller size"),
        (RuntimeError("CUDA error: illegal address\n\nCUDA kernel errors\nmore"), StepFailure,
         "RuntimeError: CUDA error: illegal address CUDA kernel errors"),
        (ValueError(), StepFailure, "ValueError"),
        (KeyError("x" * 1000), StepFailure, "KeyError: '" + "x" * 299),
    ],
)  # fmt: skip
def test_any_library_error_becomes_one_line(error: Exception, kind: type, text: str):
    failure = explain_failure(error)
    assert type(failure) is kind
    assert str(failure) == text


def test_a_real_allocation_failure_is_out_of_memory():
    with pytest.raises(OutOfMemory, match=r"^out of memory: Unable to allocate .*; try a smaller size$"):
        open_backend("numpy", "cpu").build(make_step(Matvec(), n=10**8), seed=1)


def test_a_step_failure_is_not_explained_again():
    with pytest.raises(StepFailure, match=r"^as it was$"), step_failures():
        raise StepFailure("as it was")


def test_an_interrupt_is_no_step_failure():
    with pytest.raises(KeyboardInterrupt), step_failures():
        raise KeyboardInterrupt


def test_memory_is_counted_before_it_is_allocated(backend):
    step = make_step(Matvec(), backend=backend.name, n=10**6)
    assert backend.needed_bytes(step) == needed_bytes(step) == 4 * (10**12 + 2 * 10**6)
    assert 0 < backend.free_bytes() < 2**50


def test_a_containers_limit_is_the_host_memory(tmp_path: Path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    assert host_free_bytes(tmp_path) == 100
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 30\n")
    assert host_free_bytes(tmp_path) == 130
    (tmp_path / "memory.max").write_text("max\n")
    assert host_free_bytes(tmp_path) > 10**6


USER = """
import numpy as np
calls = 0

def scaled_product(a, x, scale=1):
    global calls
    calls += 1
    return scale * (a @ x)

class Box:
    @staticmethod
    def total(a):
        return a.sum()

three = 3
"""

TRAINING = """
def slope(x):
    weight = x.clone().requires_grad_()
    (2 * weight).sum().backward()
    return weight.grad.requires_grad_()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "user_ops.py").write_text(USER)
    (tmp_path / "broken_ops.py").write_text("import sys\nsys.exit(3)\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("user_ops", "broken_ops"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_a_users_function_is_found_in_the_scenarios_folder(folder: Path):
    op = Function(
        function="user_ops:scaled_product",
        inputs=(("a", (3, 4)), ("x", (4, 1))),
        args=(("scale", 2),),
        flops=27,
        bytes=76,
    )
    backend = open_backend("numpy", "cpu", folder=folder)
    program = backend.build(make_step(op, n=4), seed=1)
    a, x = program.inputs[0]
    assert [call.label for call in program.calls] == ["scaled_product"]
    np.testing.assert_array_equal(run_rep(program), 2 * (a @ x))
    assert a.dtype == np.float32


def test_a_users_function_may_take_the_result_before_it(folder: Path):
    op = Function(function="user_ops:Box.total", inputs=(("a", (3, 5)),), flops=14, bytes=60)
    program = open_backend("numpy", "cpu", folder=folder).build(make_step(Outer(), op, m=3, n=5), seed=1)
    assert [call.label for call in program.calls] == ["outer", "total"]
    x, y = program.inputs[0]
    assert program.inputs[1] == ()
    assert run_rep(program) == (x @ y).sum()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module:f", "cannot import no_such_module for no_such_module:f "
                             "(ModuleNotFoundError: No module named 'no_such_module')"),
        ("broken_ops:f", "cannot import broken_ops for broken_ops:f (SystemExit: 3)"),
        ("user_ops:missing", "user_ops has no missing, which the scenario names"),
        ("user_ops:three", "user_ops:three is not a function"),
    ],
)  # fmt: skip
def test_a_function_that_cannot_be_found_fails_its_step(folder: Path, target: str, reason: str):
    with pytest.raises(StepFailure) as caught:
        load_function(target, folder)
    assert str(caught.value) == reason
