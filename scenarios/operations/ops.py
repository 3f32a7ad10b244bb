"""The operations a variant is made of, with every argument resolved to a value.

An operation's output is fresh each rep unless it says ``out: reuse``; the output of one is the first input of the next.
Matrix operands are two-dimensional, a vector is a column (n×1) or a row (1×n), as the library's matrix product takes
them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

HostMemory = Literal["pinned", "pageable"]

Via = Literal["matmul", "multiply"]

Out = Literal["fresh", "reuse"]
"""Whether an op's result is new memory each rep, or that of the first rep written over."""

Scalar = int | float | str | bool

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matvec:
    """(m×n)·(n×1) by the library's matrix product."""

    kind: ClassVar[str] = "matvec"
    out: Out = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    """(m×1)·(1×n) by the library's matrix product, or by broadcast multiplication.

    In a fused step it is always the multiplication: a library's matrix product cannot be fused into.
    """

    kind: ClassVar[str] = "outer"
    via: Via = "matmul"
    out: Out = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The sum of an m×n matrix along axis 0 (n results) or 1 (m results)."""

    kind: ClassVar[str] = "sum"
    axis: int = 0
    out: Out = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matmul:
    """(m×k)·(k×n) by the library's matrix product."""

    kind: ClassVar[str] = "matmul"
    out: Out = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostToDevice:
    """A copy from the host's memory to the device's."""

    kind: ClassVar[str] = "h2d"
    memory: HostMemory = "pageable"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceToHost:
    """A copy from the device's memory to the host's."""

    kind: ClassVar[str] = "d2h"
    memory: HostMemory = "pageable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """The user's own function, called ``f(*inputs, **args)`` once a rep."""

    kind: ClassVar[str] = "function"
    function: str
    """``package.module:name``."""
    inputs: tuple[tuple[str, Shape], ...]
    args: tuple[tuple[str, Scalar], ...] = ()
    flops: int
    bytes: int
    check: str | None = None
    """``package.module:reference``, called with the same arguments as float64 NumPy arrays."""


Op = Matvec | Outer | Sum | Matmul | HostToDevice | DeviceToHost | Function

OP_CLASSES: dict[str, type[Op]] = {
    cls.kind: cls for cls in (Matvec, Outer, Sum, Matmul, HostToDevice, DeviceToHost, Function)
}

COPIES = (HostToDevice, DeviceToHost)


def reuses_output(op: Op) -> bool:
    """Whether an op writes into a given result."""
    return isinstance(op, Matvec | Outer | Sum | Matmul) and op.out == "reuse"


def op_label(op: Op) -> str:
    """What the op's range is called: its kind, or the function's name.

    >>> op_label(Sum(axis=1))
    'sum'
    """
    return op.function.rpartition(":")[2].rpartition(".")[2] if isinstance(op, Function) else op.kind


def op_to_json(op: Op) -> dict[str, Any]:
    """An op as a JSON object; ``op_from_json`` reads it back.

    >>> op_to_json(Sum(axis=1))
    {'op': 'sum', 'axis': 1}
    """
    plain: dict[str, Any] = {field.name: getattr(op, field.name) for field in fields(op)}
    if plain.get("out") == "fresh":  # what it always was, and what keys of steps were made without
        del plain["out"]
    if isinstance(op, Function):
        plain["inputs"] = [[name, list(shape)] for name, shape in op.inputs]
        plain["args"] = dict(op.args)
    return {"op": op.kind, **plain}


def op_from_json(plain: dict[str, Any]) -> Op:
    """The op that ``op_to_json`` wrote."""
    values = {name: value for name, value in plain.items() if name != "op"}
    if plain["op"] == Function.kind:
        values["inputs"] = tuple((name, tuple(shape)) for name, shape in values["inputs"])
        values["args"] = tuple(values["args"].items())
    return OP_CLASSES[plain["op"]](**values)


def op_identity(op: Op) -> dict[str, Any]:
    """What makes two ops the same computation: how a function is accounted and checked does not."""
    accounting = ("flops", "bytes", "check")
    return {name: value for name, value in op_to_json(op).items() if name not in accounting}
