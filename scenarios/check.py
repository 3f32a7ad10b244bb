"""Comparing sampled elements of a result with float64, without ever making a second n×n array.

The reference is lazy: to know an element of a product's sum, only the rows and columns it depends on are read,
in pieces. Inputs lie in [0, 1), so nothing cancels and a relative bound holds: each op may add
``K·u_acc + 4·u`` (K the length of its reduction, u the unit roundoff of the dtype, u_acc that of the
accumulator; Higham, Accuracy and Stability of Numerical Algorithms, §3.1). Half-precision types are accumulated
in float32 by every library here but NumPy, whose float16 sum accumulates in float16: for long reductions its
bound is so wide that only grossly wrong results fail. Copies must be exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .backends import Backend, Index
from .errors import StepFailure
from .failures import step_failures
from .function_op import load_function
from .ops import COPIES, Function, Matmul, Matvec, Outer, Sum, op_label
from .plan import Step
from .programs import Array, Program
from .shapes import OpShapes, chain_shapes

MOST_SAMPLES = 256
MOST_PRODUCTS = 1 << 26
"""Multiplications the reference may cost, about: chains of products get fewer samples."""
PIECE = 1 << 22
"""Elements of a matrix read at once: 32 MiB of float64."""

ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
SMALLEST = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}
"""The smallest normal number: below it rounding is absolute."""


@dataclass(frozen=True, slots=True)
class Lazy:
    """A matrix known by how any block of it is computed."""

    rows: int
    columns: int
    block: Callable[[Index, Index], np.ndarray]


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a result may be from the reference: ``relative · |reference| + absolute``."""

    relative: float
    absolute: float


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


def reference_result(
    chain: Sequence[OpShapes], inputs: Sequence[tuple[Array, ...]], backend: Backend
) -> Lazy:
    """The chain's result as a lazy matrix; a sum along axis 0 is a row, along axis 1 a column."""
    value: Lazy | None = None
    for shapes, own in zip(chain, inputs, strict=True):
        leaves = [_leaf(array, backend) for array in own]
        value = _apply(shapes, [value, *leaves] if value is not None else leaves)
    assert value is not None, "a step has at least one op"
    return value


def error_bound(chain: Sequence[OpShapes], step: Step) -> Bound:
    """The bound of this module's docstring, added up over the chain."""
    if all(isinstance(shapes.op, COPIES) for shapes in chain):
        return Bound(0.0, 0.0)
    unit, accumulator = _roundoffs(step)
    relative = sum(_reduced(shapes) * accumulator + 4 * unit for shapes in chain)
    return Bound(relative, SMALLEST[step.dtype])


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


def _leaf(array: Array, backend: Backend) -> Lazy:
    rows, columns = array.shape
    return Lazy(rows, columns, lambda r, c: backend.read(array, r, c))


def _apply(shapes: OpShapes, operands: Sequence[Lazy]) -> Lazy:
    match shapes.op:
        case Matvec() | Matmul():
            left, right = operands
            return Lazy(left.rows, right.columns, lambda r, c: _product_block(left, right, r, c))
        case Outer():
            x, y = operands
            first = slice(0, 1)
            return Lazy(x.rows, y.columns, lambda r, c: x.block(r, first) * y.block(first, c))
        case Sum(axis=0):
            (matrix,) = operands
            return Lazy(1, matrix.columns, lambda _, c: _sum_rows(matrix, c))
        case Sum():
            (matrix,) = operands
            return Lazy(matrix.rows, 1, lambda r, _: _sum_columns(matrix, r))
        case _:
            return operands[0]


def _product_block(left: Lazy, right: Lazy, rows: Index, columns: Index) -> np.ndarray:
    width = max(_count(rows, left.rows), _count(columns, right.columns))
    blocks = (left.block(rows, piece) @ right.block(piece, columns) for piece in _pieces(left.columns, width))
    return sum(blocks, start=np.zeros(()))


def _sum_rows(matrix: Lazy, columns: Index) -> np.ndarray:
    pieces = _pieces(matrix.rows, _count(columns, matrix.columns))
    totals = (matrix.block(piece, columns).sum(axis=0, keepdims=True) for piece in pieces)
    return sum(totals, start=np.zeros(()))


def _sum_columns(matrix: Lazy, rows: Index) -> np.ndarray:
    pieces = _pieces(matrix.columns, _count(rows, matrix.rows))
    totals = (matrix.block(rows, piece).sum(axis=1, keepdims=True) for piece in pieces)
    return sum(totals, start=np.zeros(()))


def _pieces(length: int, width: int) -> Iterator[slice]:
    size = max(1, PIECE // max(1, width))
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def _count(index: Index, length: int) -> int:
    return len(range(*index.indices(length))) if isinstance(index, slice) else len(index)


def _reduced(shapes: OpShapes) -> int:
    """The length of an op's reduction; 1 where it has none."""
    match shapes.op:
        case Matvec() | Matmul():
            return shapes.operands[0][1]
        case Sum(axis=axis):
            return shapes.operands[0][axis]
        case Function():
            return max((length for shape in shapes.operands for length in shape), default=1)
        case _:
            return 1


def _products_per_element(chain: Sequence[OpShapes]) -> int:
    return math.prod(_reduced(shapes) for shapes in chain)


def _roundoffs(step: Step) -> tuple[float, float]:
    """Unit roundoff of the dtype, and of what its reductions accumulate in."""
    unit = ROUNDOFF[step.dtype]
    in_half = step.backend == "numpy" and step.dtype == "float16"
    return unit, unit if in_half else min(unit, ROUNDOFF["float32"])


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
    unit, accumulator = _roundoffs(step)
    largest = float(np.abs(want).max(initial=0.0))
    relative = _reduced(chain[-1]) * accumulator + 4 * unit
    _compare(
        got=backend.read(value.reshape(-1, 1), rows, first),
        want=want.reshape(-1, 1)[rows],
        bound=Bound(relative, relative * largest),  # a function's terms may cancel
        place=(rows, first),
    )
    return True
