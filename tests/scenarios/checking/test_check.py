from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing.scenario_steps import make_step, run_rep
from flopprof.scenarios.checking.check import check_result, sample_positions
from flopprof.scenarios.checking.reference import Lazy, reference_result
from flopprof.scenarios.errors import StepFailure
from flopprof.scenarios.libraries.backend import Backend
from flopprof.scenarios.libraries.opening import open_backend
from flopprof.scenarios.operations.ops import Function, Matmul, Matvec, Op, Outer, Sum
from flopprof.scenarios.operations.shapes import chain_shapes
from hypothesis import given
from hypothesis import strategies as st

NUMPY = open_backend("numpy", "cpu")

CHAINS = [
    (Matvec(),),
    (Matmul(),),
    (Outer(),),
    (Sum(axis=0),),
    (Sum(axis=1),),
    (Outer(), Sum(axis=0)),
    (Outer(), Sum(axis=1)),
    (Outer(), Matvec()),
    (Matmul(), Sum(axis=0)),
    (Matmul(), Sum(axis=1)),
    (Outer(via="multiply"), Matvec(), Outer()),
]
chains = pytest.mark.parametrize("ops", CHAINS, ids=lambda ops: "+".join(op.kind for op in ops))


def built(*ops: Op, backend: Backend = NUMPY, seed: int = 1, **fields):
    step = make_step(*ops, backend=backend.name, **fields)
    program = backend.build(step, seed)
    return step, program, run_rep(program)


@chains
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_right_results_pass_in_numpy(ops: tuple[Op, ...], dtype: str):
    step, program, value = built(*ops, dtype=dtype, m=70, n=90, k=50)
    assert check_result(step, program, NUMPY, value)


@pytest.mark.torch
@chains
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_right_results_pass_in_torch(ops: tuple[Op, ...], dtype: str):
    pytest.importorskip("torch")
    backend = open_backend("torch", "cpu")
    step, program, value = built(*ops, backend=backend, dtype=dtype, m=70, n=90, k=50)
    assert check_result(step, program, backend, value)


@chains
def test_the_lazy_reference_is_the_whole_result(ops: tuple[Op, ...]):
    step, program, value = built(*ops, dtype="float64", m=7, n=5, k=3)
    lazy = reference_result(chain_shapes(ops, step.params), program.inputs, NUMPY)
    whole = lazy.block(slice(None), slice(None))
    np.testing.assert_allclose(whole, value.reshape(lazy.rows, lazy.columns), rtol=1e-12)


@pytest.mark.parametrize(
    ("ops", "spoil"),
    [
        ((Matvec(),), lambda inputs, value: inputs[0][0].T @ inputs[0][1]),
        ((Matmul(),), lambda inputs, value: value.T),
        ((Outer(),), lambda inputs, value: value.T.copy()),
        ((Sum(axis=0),), lambda inputs, value: inputs[0][0].sum(1)),
        ((Outer(), Sum(axis=0)), lambda inputs, value: (inputs[0][0] * inputs[0][1]).sum(1)),
        ((Outer(), Sum(axis=1)), lambda inputs, value: (inputs[0][0] * inputs[0][1]).sum(0)),
        ((Outer(), Sum(axis=0)), lambda inputs, value: np.roll(value, 1)),
        ((Matvec(),), lambda inputs, value: np.full_like(value, np.nan)),
        ((Matvec(),), lambda inputs, value: np.full_like(value, np.inf)),
        ((Matvec(),), lambda inputs, value: np.zeros_like(value)),
        ((Matvec(),), lambda inputs, value: value * np.float32(1.001)),
        ((Matmul(),), lambda inputs, value: value + np.float32(0.1)),
    ],
)
@pytest.mark.parametrize("n", [100, 1000])
def test_wrong_results_fail(ops: tuple[Op, ...], spoil, n: int):
    step, program, value = built(*ops, n=n)
    with pytest.raises(StepFailure, match=r"^wrong result: element \[\d+, \d+\] is .*, should be .* ± "):
        check_result(step, program, NUMPY, spoil(program.inputs, value))


def test_one_nan_at_an_end_is_found():
    step, program, value = built(Matvec(), n=10_000, m=3)
    value[-1] = np.nan
    with pytest.raises(
        StepFailure, match=r"^wrong result: element \[2, 0\] is nan, should be \d+.* \(1 of 3 samples\)$"
    ):
        check_result(step, program, NUMPY, value)


def test_a_stale_output_of_other_inputs_fails():
    _, _, stale = built(Outer(), Sum(axis=0), n=500, seed=1)
    step, program, _ = built(Outer(), Sum(axis=0), n=500, seed=2)
    with pytest.raises(StepFailure, match=r"^wrong result"):
        check_result(step, program, NUMPY, stale)


def test_a_wrong_shape_or_dtype_is_named():
    step, program, value = built(Matvec(), m=3, n=4)
    with pytest.raises(StepFailure) as caught:
        check_result(step, program, NUMPY, value.reshape(3))
    assert str(caught.value) == "wrong result: its shape is (3,), should be (3, 1)"
    with pytest.raises(StepFailure) as caught:
        check_result(step, program, NUMPY, value.astype(np.float64))
    assert str(caught.value) == "wrong result: its dtype is float64, should be float32"


def test_checking_never_makes_a_second_matrix():
    step, program, value = built(Outer(), n=6000)
    tracemalloc.start()
    assert check_result(step, program, NUMPY, value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.05 * value.nbytes


def test_long_reductions_are_read_in_pieces():
    step, program, value = built(Sum(axis=0), m=200_000, n=300)
    tracemalloc.start()
    assert check_result(step, program, NUMPY, value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6  # 256 whole columns as float64 would be 410 MB


@given(rows=st.integers(1, 5000), columns=st.integers(1, 5000), products=st.integers(1, 1 << 40))
def test_samples_are_few_distinct_and_include_the_corners(rows: int, columns: int, products: int):
    matrix = Lazy(rows, columns, lambda r, c: np.zeros(()))
    chosen = sample_positions(matrix, products, seed=1)
    assert len(chosen[0]) * len(chosen[1]) <= 256
    for positions, length in zip(chosen, (rows, columns), strict=True):
        assert len(set(positions.tolist())) == len(positions)
        assert (positions[0], positions[-1]) == (0, length - 1)


def function_step(folder: Path, body: str, check: str | None, *, before: tuple[Op, ...] = ()):
    name = f"checked_{abs(hash((str(folder), body)))}"
    (folder / f"{name}.py").write_text(body)
    op = Function(
        function=f"{name}:f",
        inputs=(("a", (6, 5)), ("x", (5, 1))),
        args=(("scale", 3),),
        flops=1,
        bytes=1,
        check=f"{name}:{check}" if check else None,
    )
    backend = open_backend("numpy", "cpu", folder=folder)
    return (*built(*before, op, backend=backend, m=6, n=5), backend)


FUNCTION = """
def f(a, x, scale):
    return scale * (a @ x)

def reference(a, x, scale):
    assert a.dtype == x.dtype == "float64"
    return scale * (a @ x)

def other(a, x, scale):
    return a @ x

def shapeless(a, x, scale):
    return (a @ x).sum()
"""


@pytest.mark.parametrize("before", [(), (Outer(),)])
def test_a_function_is_compared_with_its_own_check(tmp_path: Path, before: tuple[Op, ...]):
    step, program, value, backend = function_step(tmp_path, FUNCTION, "reference", before=before)
    assert check_result(step, program, backend, value) is True


def test_a_function_that_differs_from_its_check_fails(tmp_path: Path):
    step, program, value, backend = function_step(tmp_path, FUNCTION, "other")
    with pytest.raises(StepFailure, match=r"^wrong result: element \[0, 0\] is .* \(6 of 6 samples\)$"):
        check_result(step, program, backend, value)
    with pytest.raises(StepFailure) as caught:
        check_result(*reshaped(step, program), backend, value)
    assert str(caught.value) == "wrong result: f gives the shape (6, 1), its check ()"


def reshaped(step, program):
    (op,) = step.ops
    return replace(step, ops=(replace(op, check=op.check.replace("other", "shapeless")),)), program


def test_a_function_without_a_check_is_not_checked(tmp_path: Path):
    step, program, value, backend = function_step(tmp_path, FUNCTION, None)
    assert check_result(step, program, backend, value) is False


def test_a_check_that_raises_fails_the_step(tmp_path: Path):
    step, program, value, backend = function_step(
        tmp_path, "def f(a, x, scale):\n    return a @ x\n", "missing"
    )
    with pytest.raises(StepFailure, match=r"has no missing, which the scenario names$"):
        check_result(step, program, backend, value)
