"""From what a scenario file writes to operations with values: names looked up, formulas evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..operations.ops import (
    DeviceToHost,
    Function,
    HostToDevice,
    Matmul,
    Matvec,
    Op,
    Outer,
    Scalar,
    Shape,
    Sum,
)
from ..operations.shapes import complete_sizes
from .formulas import FormulaError, evaluate_formula
from .schema import (
    DeviceToHostSpec,
    FunctionSpec,
    HostToDeviceSpec,
    MatmulSpec,
    MatvecSpec,
    OpSpec,
    OuterSpec,
    SumSpec,
    suggest,
)

LARGEST_COUNT = 2**63 - 1
"""A FLOP or byte count is stored in 64 bits."""


class ArgumentError(ValueError):
    """An op's argument has no usable value; ``where`` is the argument's place inside its op."""

    def __init__(self, where: tuple[str | int, ...], problem: str) -> None:
        super().__init__(problem)
        self.where = where


class VariantError(ValueError):
    """A variant cannot be resolved; ``loc`` is the place of what is wrong in the scenario file."""

    def __init__(self, loc: tuple[str | int, ...], problem: str) -> None:
        super().__init__(problem)
        self.loc = loc


def resolve_ops(variant: str, specs: Sequence[OpSpec], params: Mapping[str, int]) -> tuple[Op, ...]:
    """The variant's ops for one value of every sweep variable.

    Raises VariantError when an argument has no usable value.
    """
    sizes = complete_sizes(params)
    ops: list[Op] = []
    for index, spec in enumerate(specs):
        try:
            ops.append(_resolve(spec, sizes))
        except ArgumentError as problem:
            loc = ("variants", variant, "ops", index, *problem.where)
            raise VariantError(loc, str(problem)) from None
    return tuple(ops)


def _resolve(spec: OpSpec, sizes: Mapping[str, int]) -> Op:
    match spec:
        case MatvecSpec(out=out):
            return Matvec(out=out)
        case OuterSpec(via=via, out=out):
            return Outer(via=via, out=out)
        case SumSpec(axis=axis, out=out):
            return Sum(axis=_axis(axis, sizes), out=out)
        case MatmulSpec(out=out):
            return Matmul(out=out)
        case HostToDeviceSpec(memory=memory):
            return HostToDevice(memory=memory)
        case DeviceToHostSpec(memory=memory):
            return DeviceToHost(memory=memory)
        case FunctionSpec():
            return _function(spec, sizes)


def _axis(axis: int | str, sizes: Mapping[str, int]) -> int:
    if isinstance(axis, str) and axis not in sizes:
        problem = f"names '{axis}', which is not in sweep{suggest(axis, sizes)}"
        raise ArgumentError(("sum", "axis"), problem)
    value = sizes[axis] if isinstance(axis, str) else axis
    if value not in (0, 1):
        raise ArgumentError(("sum", "axis"), f"must be 0 or 1, got {value}")
    return value


def _function(spec: FunctionSpec, sizes: Mapping[str, int]) -> Function:
    inputs = tuple((name, _shape(name, shape, sizes)) for name, shape in spec.inputs.items())
    args = tuple((name, _argument(value, sizes)) for name, value in spec.args.items())
    return Function(
        function=spec.function,
        inputs=inputs,
        args=args,
        flops=_count("flops", spec.flops, sizes),
        bytes=_count("bytes", spec.bytes, sizes),
        check=spec.check,
    )


def _shape(name: str, shape: Sequence[int | str], sizes: Mapping[str, int]) -> Shape:
    lengths = []
    for axis, formula in enumerate(shape):
        where = ("inputs", name, axis)
        length = _evaluate(where, formula, sizes)
        if not 1 <= length <= LARGEST_COUNT:
            raise ArgumentError(where, f"must be at least 1 and fit into 64 bits, got {length}")
        lengths.append(length)
    return tuple(lengths)


def _count(name: str, formula: int | str, sizes: Mapping[str, int]) -> int:
    count = _evaluate((name,), formula, sizes)
    if not 0 <= count <= LARGEST_COUNT:
        raise ArgumentError((name,), f"must be at least 0 and fit into 64 bits, got {count}")
    return count


def _evaluate(where: tuple[str | int, ...], formula: int | str, sizes: Mapping[str, int]) -> int:
    try:
        return evaluate_formula(formula, sizes)
    except FormulaError as problem:
        raise ArgumentError(where, f"has no value: {problem}") from None


def _argument(value: Scalar, sizes: Mapping[str, int]) -> Scalar:
    """A text that names a sweep variable stands for its value."""
    return sizes[value] if isinstance(value, str) and value in sizes else value
