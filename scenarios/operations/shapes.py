"""The shapes of a chain of operations, and where they do not fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .ops import DeviceToHost, Function, HostToDevice, Matmul, Matvec, Op, Outer, Shape, Sum, op_label

SIZE_NAMES = ("m", "n", "k")
"""m and k are n where the sweep does not name them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpShapes:
    """One op's operands."""

    op: Op
    chained: bool
    """Whether the first operand is the previous op's output."""
    operands: tuple[Shape, ...]
    """All inputs, the chained one included."""
    output: Shape | None
    """None when only the call can say: a user's function."""

    @property
    def own(self) -> tuple[Shape, ...]:
        """The operands allocated for this op."""
        return self.operands[1:] if self.chained else self.operands


class ShapeMisfitError(ValueError):
    """An op's input is not what the op before it gives; ``index`` is its place in the chain."""

    def __init__(self, index: int, problem: str) -> None:
        super().__init__(problem)
        self.index = index


def complete_sizes(params: Mapping[str, int]) -> dict[str, int]:
    """The sweep's values, with m and k defaulting to n.

    >>> complete_sizes({"n": 4, "k": 2})
    {'m': 4, 'k': 2, 'n': 4}
    """
    return {**dict.fromkeys(("m", "k"), params["n"]), **params} if "n" in params else dict(params)


def chain_shapes(ops: Sequence[Op], params: Mapping[str, int]) -> tuple[OpShapes, ...]:
    """Every op's operand and result shapes.

    Raises ShapeMisfitError when an op's first input is not the previous op's output, when a copy starts from
    the wrong memory, or when a size is missing from the sweep.
    """
    sizes = complete_sizes(params)
    chain: list[OpShapes] = []
    for index, op in enumerate(ops):
        previous = chain[-1] if chain else None
        if previous is not None:
            _follow(index, op, previous)
        given = previous.output if previous is not None else None
        try:
            operands, output = _operands(op, sizes, given)
        except KeyError as missing:
            problem = f"{op_label(op)} needs the size {missing.args[0]}; add n to sweep"
            raise ShapeMisfitError(index, problem) from None
        if given is not None and operands[0] != given:
            assert previous is not None
            problem = f"{op_label(op)} takes {_written(operands[0])}, but {op_label(previous.op)} gives "
            raise ShapeMisfitError(index, problem + _written(given))
        chain.append(OpShapes(op=op, chained=previous is not None, operands=operands, output=output))
    return tuple(chain)


def _follow(index: int, op: Op, previous: OpShapes) -> None:
    """Refuse an op that cannot take the previous one's result, whatever its size."""
    after = op_label(previous.op)
    if previous.output is None:
        raise ShapeMisfitError(index, f"nothing can follow {after}: the shape of its result is not declared")
    if isinstance(previous.op, DeviceToHost) and not isinstance(op, HostToDevice):
        raise ShapeMisfitError(index, f"{op_label(op)} cannot follow d2h, whose result is on the host")
    if isinstance(op, HostToDevice) and not isinstance(previous.op, DeviceToHost):
        raise ShapeMisfitError(index, f"h2d cannot follow {after}, whose result is on the device already")
    if isinstance(op, Function) and not op.inputs:
        raise ShapeMisfitError(
            index, f"{op_label(op)} has no inputs, so it cannot take the result of {after}"
        )


def _operands(
    op: Op, sizes: Mapping[str, int], given: Shape | None
) -> tuple[tuple[Shape, ...], Shape | None]:
    match op:
        case Matvec():
            m, n = sizes["m"], sizes["n"]
            return ((m, n), (n, 1)), (m, 1)
        case Outer():
            m, n = sizes["m"], sizes["n"]
            return ((m, 1), (1, n)), (m, n)
        case Matmul():
            m, n, k = sizes["m"], sizes["n"], sizes["k"]
            return ((m, k), (k, n)), (m, n)
        case Sum(axis=axis):
            matrix = given if given is not None and len(given) == 2 else (sizes["m"], sizes["n"])
            return (matrix,), (matrix[1 - axis],)
        case HostToDevice() | DeviceToHost():
            moved = given if given is not None else (sizes["m"], sizes["n"])
            return (moved,), moved
        case Function(inputs=inputs):
            return tuple(shape for _, shape in inputs), None


def _written(shape: Shape) -> str:
    return "×".join(map(str, shape)) if len(shape) > 1 else f"{sum(shape)} elements"
