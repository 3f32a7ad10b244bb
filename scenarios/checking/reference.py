"""What a chain of operations should have computed: any elements of it in float64, without a second matrix.

It is lazy: to know an element of a product's sum, only the rows and columns it depends on are read, in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..libraries.backend import Backend, Index
from ..libraries.program import Array
from ..operations.ops import Matmul, Matvec, Outer, Sum
from ..operations.shapes import OpShapes

PIECE = 1 << 22
"""Elements of a matrix read at once: 32 MiB of float64."""


@dataclass(frozen=True, slots=True)
class Lazy:
    """A matrix known by how any block of it is computed."""

    rows: int
    columns: int
    block: Callable[[Index, Index], np.ndarray]


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
