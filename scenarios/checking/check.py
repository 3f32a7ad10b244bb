"""Comparing sampled elements of a result with float64, without ever making a second n×n array.

The reference is lazy (reference.py); how far a result may lie from it is in bound.py. Copies must be exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import StepFailure
from ..libraries.backend import Backend
from ..libraries.failures import step_failures
from ..libraries.program import Array, Program
from ..operations.ops import Function, op_label
from ..operations.shapes import OpShapes, chain_shapes
from ..operations.user_function import load_function
from ..plan.step import Step
from .bound import Bound, error_bound, reduction_length, roundoffs
from .reference import Lazy, reference_result

MOST_SAMPLES = 256

MOST_PRODUCTS = 1 << 26
"""Multiplications the reference may cost, about: chains of products get fewer samples."""


def check_result(step: Step, program: Program, backend: Backend, value: Array) -> bool:
    """Compare at most 256 elements of a rep's output with float64 computed from the step's inputs.

    False when nothing could be compared: a user's function without a ``check``. Raises StepFailure for a
    wrong shape or dtype, and for any sampled element beyond the bound; NaN always is.
    """
    with step_failures():
        backend.synchronize()
        chain = chain_shapes(step.ops, step.params)
        if isinstance(step.ops[-1], Function):
            return _check_function(step, step.ops[-1], chain, program, backend, value)
        _check_form(step, chain[-1], backend, value)
        reference = reference_result(chain, program.inputs, backend)
        matrix = value.reshape(reference.rows, reference.columns)
        rows, columns = sample_positions(reference, _products_per_element(chain), seed=int(step.key, 16))
        _compare(
            got=backend.read(matrix, rows, columns),
            want=reference.block(rows, columns),
            bound=error_bound(chain, step),
            place=(rows, columns),
        )
        return True


def sample_positions(matrix: Lazy, products: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns whose crossings are looked at: the first and last of each, and random ones."""
    samples = max(4, min(MOST_SAMPLES, MOST_PRODUCTS // products))
    generator = np.random.default_rng(seed)
    side = math.isqrt(samples)
    rows = samples if matrix.columns == 1 else 1 if matrix.rows == 1 else side
    columns = samples if matrix.rows == 1 else 1 if matrix.columns == 1 else side
    return _positions(matrix.rows, rows, generator), _positions(matrix.columns, columns, generator)


def _positions(length: int, count: int, generator: np.random.Generator) -> np.ndarray:
    if length <= count:
        return np.arange(length)
    inner = generator.choice(length - 2, size=count - 2, replace=False) + 1 if count > 2 else []
    return np.sort(np.array([0, *inner, length - 1], dtype=np.int64))


def _products_per_element(chain: Sequence[OpShapes]) -> int:
    return math.prod(reduction_length(shapes) for shapes in chain)


def _check_form(step: Step, last: OpShapes, backend: Backend, value: Array) -> None:
    shape, dtype = tuple(value.shape), backend.dtype_name(value)
    if shape != last.output:
        raise StepFailure(f"wrong result: its shape is {shape}, should be {last.output}")
    if dtype != step.dtype:
        raise StepFailure(f"wrong result: its dtype is {dtype}, should be {step.dtype}")


def _compare(
    *, got: np.ndarray, want: np.ndarray, bound: Bound, place: tuple[np.ndarray, np.ndarray]
) -> None:
    allowed = bound.relative * np.abs(want) + bound.absolute
    wrong = ~(np.abs(got - want) <= allowed)
    if not wrong.any():
        return
    row, column = (int(axis[0]) for axis in np.nonzero(wrong))
    where = f"element [{place[0][row]}, {place[1][column]}]"
    values = f"is {got[row, column]:.9g}, should be {want[row, column]:.9g} ± {allowed[row, column]:.2g}"
    raise StepFailure(f"wrong result: {where} {values} ({wrong.sum()} of {wrong.size} samples)")


def _check_function(
    step: Step, op: Function, chain: Sequence[OpShapes], program: Program, backend: Backend, value: Array
) -> bool:
    """Compare with the user's own reference, called on float64 copies of the same inputs."""
    if op.check is None:
        return False
    arrays = [backend.read_all(array) for array in program.inputs[-1]]
    if chain[-1].chained:
        everything = slice(None)
        before = reference_result(chain[:-1], program.inputs[:-1], backend).block(everything, everything)
        arrays.insert(0, before.reshape(chain[-1].operands[0]))
    want = np.asarray(load_function(op.check, backend.folder)(*arrays, **dict(op.args)), np.float64)
    if tuple(value.shape) != want.shape:
        raise StepFailure(
            f"wrong result: {op_label(op)} gives the shape {tuple(value.shape)}, its check {want.shape}"
        )
    flat = np.random.default_rng(int(step.key, 16)).permutation(want.size)[:MOST_SAMPLES]
    rows, first = np.sort(flat), np.arange(1)
    unit, accumulator = roundoffs(step)
    largest = float(np.abs(want).max(initial=0.0))
    relative = reduction_length(chain[-1]) * accumulator + 4 * unit
    _compare(
        got=backend.read(value.reshape(-1, 1), rows, first),
        want=want.reshape(-1, 1)[rows],
        bound=Bound(relative, relative * largest),  # a function's terms may cancel
        place=(rows, first),
    )
    return True
