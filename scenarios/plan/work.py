"""FLOPs and bytes that an operation cannot avoid.

| op | shape | FLOPs | least elements moved |
|---|---|---|---|
| matvec | (m×n)·(n×1) | 2mn − m | mn + n + m |
| outer | (m×1)·(1×n) | mn | m + n + mn |
| sum axis 0 / 1 | m×n | mn − n / mn − m | mn + n / mn + m |
| matmul | (m×k)·(k×n) | 2mkn − mn | mk + kn + mn |
| h2d, d2h | any | 0 | none; its bytes cross the link |

A FLOP is one addition or one multiplication of the definition, not what a kernel happens to execute. A step's
work is the sum of its ops'; a fused step keeps the FLOPs and moves only its inputs and its result.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from math import prod
from typing import Literal

from ..operations.ops import Function, HostToDevice, Matmul, Matvec, Outer, Shape, Sum, op_label
from ..operations.shapes import OpShapes, chain_shapes
from .step import Step

Unit = Literal["fma", "tensor"]

ITEM_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Arithmetic and memory traffic that an operation cannot avoid."""

    flops: int
    bytes: int
    link_bytes: int = 0
    """Bytes that cross between host and device; they are not memory traffic of the device."""

    def __add__(self, other: Work) -> Work:
        return Work(
            flops=self.flops + other.flops,
            bytes=self.bytes + other.bytes,
            link_bytes=self.link_bytes + other.link_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpWork:
    """One term of a step's work: an op, or a fused chain of them."""

    label: str
    flops: int
    bytes: int
    link_bytes: int
    unit: Unit
    """``tensor`` for a matrix product the library may run on tensor units where the part has them."""
    dtype: str
    itemsize: int
    result_bytes: int | None = None
    """What it gives; None where only the call can say."""

    @property
    def work(self) -> Work:
        """The same without its name."""
        return Work(flops=self.flops, bytes=self.bytes, link_bytes=self.link_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallWork:
    """The ops under one call of a rep: one when eager or fused, all of them in a graph's replay."""

    label: str
    ops: tuple[OpWork, ...]

    @property
    def work(self) -> Work:
        """The sum over its ops."""
        return sum((op.work for op in self.ops), Work(flops=0, bytes=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWork:
    """What one rep of a step must compute and move."""

    calls: tuple[CallWork, ...]
    """In the order of ``Program.calls``, with the same labels."""
    working_set_bytes: int
    """All arrays of a rep, each once: inputs, intermediates, result."""

    @property
    def ops(self) -> tuple[OpWork, ...]:
        """Every term of the step's floor."""
        return tuple(op for call in self.calls for op in call.ops)

    @property
    def total(self) -> Work:
        """The sum over the step's ops."""
        return sum((call.work for call in self.calls), Work(flops=0, bytes=0))


def step_work(step: Step) -> StepWork:
    """The FLOPs and bytes of one rep, by call and by op."""
    return chain_work(step, chain_shapes(step.ops, step.params))


def chain_work(step: Step, chain: tuple[OpShapes, ...]) -> StepWork:
    """The same from the shapes of the step's ops."""
    itemsize = ITEM_BYTES[step.dtype]
    each = tuple(_op_work(shapes, step.dtype) for shapes in chain)
    working_set = itemsize * _working_set(chain)
    if step.mode == "fused":
        fused = _fused_work(chain, each, step.dtype)
        return StepWork(
            calls=(CallWork(label=fused.label, ops=(fused,)),),
            working_set_bytes=fused.bytes,
        )
    if step.mode == "graph":
        return StepWork(calls=(CallWork(label="replay", ops=each),), working_set_bytes=working_set)
    calls = tuple(CallWork(label=op.label, ops=(op,)) for op in each)
    return StepWork(calls=calls, working_set_bytes=working_set)


def step_labels(step: Step) -> tuple[str, ...]:
    """The labels of a step's calls, in order: op names, ``outer+sum`` when fused, ``replay`` for a graph."""
    if step.mode == "graph":
        return ("replay",)
    labels = tuple(op_label(op) for op in step.ops)
    return ("+".join(labels),) if step.mode == "fused" else labels


def needed_bytes(step: Step) -> int:
    """Memory the step's inputs, intermediates and results take on its device, about.

    Operands of a copy that lie on the host do not count, nor does an outer product that is fused into a sum; what
    a library allocates inside a call (workspaces, a function's own intermediates) is not known.
    """
    elements = 0
    chain = chain_shapes(step.ops, step.params)
    for shapes, following in zip_longest(chain, chain[1:]):
        op = shapes.op
        if not isinstance(op, HostToDevice):
            elements += sum(prod(shape) for shape in shapes.own)
        is_summed = following is not None and isinstance(following.op, Sum)
        is_never_stored = step.mode == "fused" and isinstance(op, Outer) and is_summed
        if op.kind != "d2h" and not is_never_stored:
            elements += prod(shapes.output or ())
    return elements * ITEM_BYTES[step.dtype]


def _op_work(shapes: OpShapes, dtype: str) -> OpWork:
    work = op_costs(shapes, ITEM_BYTES[dtype])
    return OpWork(
        label=op_label(shapes.op),
        flops=work.flops,
        bytes=work.bytes,
        link_bytes=work.link_bytes,
        unit=_unit(shapes, dtype),
        dtype=dtype,
        itemsize=ITEM_BYTES[dtype],
        result_bytes=_result_bytes(shapes, ITEM_BYTES[dtype]),
    )


def op_costs(shapes: OpShapes, itemsize: int) -> Work:
    """One op's work by the table of this module."""
    match shapes.op:
        case Matvec() | Matmul():
            (rows, inner), (_, columns) = shapes.operands[:2]
            return Work(flops=2 * rows * inner * columns - rows * columns, bytes=itemsize * _moved(shapes))
        case Outer():
            return Work(flops=prod(_result(shapes)), bytes=itemsize * _moved(shapes))
        case Sum():
            flops = prod(shapes.operands[0]) - prod(_result(shapes))
            return Work(flops=flops, bytes=itemsize * _moved(shapes))
        case Function(flops=flops, bytes=moved):
            return Work(flops=flops, bytes=moved)
        case _:
            return Work(flops=0, bytes=0, link_bytes=itemsize * prod(_result(shapes)))


def _fused_work(chain: tuple[OpShapes, ...], each: tuple[OpWork, ...], dtype: str) -> OpWork:
    """The chain as one call: all FLOPs; inputs read once, the result written once."""
    itemsize = ITEM_BYTES[dtype]
    if any(isinstance(shapes.op, Function) for shapes in chain):
        moved = sum(op.bytes for op in each)
    else:
        own = sum(prod(shape) for shapes in chain for shape in shapes.own)
        moved = itemsize * (own + prod(_result(chain[-1])))
    return OpWork(
        label="+".join(op.label for op in each),
        flops=sum(op.flops for op in each),
        bytes=moved,
        link_bytes=0,
        unit="tensor" if any(op.unit == "tensor" for op in each) else "fma",
        dtype=dtype,
        itemsize=itemsize,
        result_bytes=each[-1].result_bytes,
    )


def product_unit(dtype: str) -> Unit:
    """The unit a matrix product may run on; TF32 is off, so a float32 product runs on the ordinary lanes."""
    return "tensor" if dtype != "float32" else "fma"


def _unit(shapes: OpShapes, dtype: str) -> Unit:
    return product_unit(dtype) if isinstance(shapes.op, Matmul) else "fma"


def _moved(shapes: OpShapes) -> int:
    return sum(prod(shape) for shape in shapes.operands) + prod(_result(shapes))


def _result_bytes(shapes: OpShapes, itemsize: int) -> int | None:
    return None if shapes.output is None else itemsize * prod(shapes.output)


def _result(shapes: OpShapes) -> Shape:
    assert shapes.output is not None
    return shapes.output


def _working_set(chain: tuple[OpShapes, ...]) -> int:
    own = sum(prod(shape) for shapes in chain for shape in shapes.own)
    return own + sum(prod(shapes.output) for shapes in chain if shapes.output is not None)
