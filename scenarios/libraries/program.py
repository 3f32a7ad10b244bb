"""A step made executable: its inputs and the calls that one rep makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..operations.ops import HostMemory, HostToDevice, Op, Shape, op_label
from ..operations.shapes import OpShapes

Array = Any
"""An array of the step's library."""

Allocate = Callable[[Shape, HostMemory | None], Array]
"""A filled array of this shape: in this kind of host memory, or on the device (None)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One library call of a rep; the recorder puts a range of this name around it."""

    label: str
    run: Callable[[Any], Any]
    """Takes the previous call's output (None for the first) and returns its own, fresh unless the op reuses it."""


class Reused:
    """A function whose first result is written over by every later call."""

    __slots__ = ("_function", "_out")

    def __init__(self, function: Callable[..., Array]) -> None:
        self._function, self._out = function, None

    def __call__(self, *operands: Array) -> Array:
        """The result of these operands, always the same array."""
        if self._out is None:
            self._out = self._function(*operands)
        else:
            self._function(*operands, out=self._out)
        return self._out


@dataclass(frozen=True, slots=True)
class Program:
    """A rep is ``value = None``, then ``value = call.run(value)`` for each call."""

    calls: tuple[Call, ...]
    inputs: tuple[tuple[Array, ...], ...]
    """For each op of the step, the arrays allocated for it; a chained operand is not among them."""


def allocate_inputs(chain: Sequence[OpShapes], allocate: Allocate) -> tuple[tuple[Array, ...], ...]:
    """The arrays of every op, allocated once; a host-to-device copy starts from the host."""
    return tuple(
        tuple(allocate(shape, _source_memory(shapes.op)) for shape in shapes.own) for shapes in chain
    )


def chain_calls(
    chain: Sequence[OpShapes],
    inputs: Sequence[tuple[Array, ...]],
    operation: Callable[[Op], Callable[..., Any]],
) -> tuple[Call, ...]:
    """One call for each op, its own inputs bound."""
    return tuple(
        Call(op_label(shapes.op), _bind(operation(shapes.op), own, shapes.chained))
        for shapes, own in zip(chain, inputs, strict=True)
    )


def compose(calls: Sequence[Call]) -> Callable[[], Any]:
    """One function that makes a whole rep."""
    runs = tuple(call.run for call in calls)

    def rep() -> Any:
        value = None
        for run in runs:
            value = run(value)
        return value

    return rep


def _bind(function: Callable[..., Any], own: tuple[Array, ...], chained: bool) -> Callable[[Any], Any]:
    if not chained:
        return lambda _: function(*own)
    if not own:
        return function
    return lambda value: function(value, *own)


def _source_memory(op: Op) -> HostMemory | None:
    return op.memory if isinstance(op, HostToDevice) else None
