# pyright: strict, reportPrivateUsage=false
"""Formulas that a program adds, and what is known of every operation met so far; one for the process."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from .call import Call, Uncountable
from .operations import Operation, Work, find_operation, name_operation
from .table import Formula

OwnFormula = Callable[..., float | None]
"""A program's formula: from the operation's arguments to FLOPs, or to None where it does not know."""


class Registry:
    """A program's formulas by the operation's name, its Triton kernels' by the kernel."""

    def __init__(self) -> None:
        self._formulas: dict[str, OwnFormula] = {}
        self._kernels: dict[Any, OwnFormula] = {}
        self._known: dict[Any, Operation] = {}

    def add(self, op: Any, formula: OwnFormula) -> None:
        """Take a formula, in place of one there may be. Raises TypeError for what is no operation."""
        if not callable(formula):
            raise TypeError(f"the formula of {_name(op)} must be a function, got {formula!r}")
        if is_kernel(op):
            self._kernels[find_kernel(op)] = formula
        else:
            self._formulas[_name(op)] = formula
        self._known.clear()

    def find(self, func: Any) -> Operation:
        """What there is to know of an operation."""
        operation = self._known.get(func)
        if operation is None:
            operation = self._known[func] = self._look_up(func)
        return operation

    def find_kernel(self, kernel: Any) -> OwnFormula | None:
        """The formula of a Triton kernel."""
        return self._kernels.get(find_kernel(kernel))

    def _look_up(self, func: Any) -> Operation:
        operation = find_operation(func)
        own = self._formulas.get(operation.name)
        formula = from_arguments(own) if own is not None else _told_torch(func, operation)
        return operation if formula is None else operation.counted_by(formula)


@functools.cache
def registry() -> Registry:
    """The process's."""
    return Registry()


def register_flops(op: Any, fn: OwnFormula) -> None:
    """Say how many FLOPs a call of an operation of yours computes: ``fn`` gets the call's arguments.

    ``op`` is a custom operation (what ``torch.library.custom_op`` made, ``torch.ops.mine.op``, or its name
    ``"mine::op"``), or a Triton kernel. Multiplications and additions count one each. Where ``fn`` returns None,
    the range has no FLOPs. Raises TypeError for an ``op`` that is none of these.

    >>> register_flops("mine::product", lambda a, b: 2 * a.shape[0] * a.shape[1] * b.shape[1])
    """
    registry().add(op, fn)


def from_arguments(function: OwnFormula) -> Formula:
    """A program's own formula as one of the table's."""

    def count(call: Call) -> int:
        return whole(function(*call.args, **call.kwargs))

    return count


def whole(flops: float | None) -> int:
    """A program's number. Raises Uncountable where it gives none."""
    if flops is None:
        raise Uncountable("the program's formula gives no number")
    if not 0 <= flops < math.inf:
        raise Uncountable(f"the program's formula gives {flops}")
    return round(flops)


def is_kernel(op: Any) -> bool:
    """Whether it is a kernel of Triton's, or a wrapper of one that tunes it."""
    return type(op).__module__.partition(".")[0] == "triton" and hasattr(op, "run")


def find_kernel(kernel: Any) -> Any:
    """The kernel in the wrappers that choose its settings."""
    while hasattr(kernel, "fn") and hasattr(kernel.fn, "run"):
        kernel = kernel.fn
    return kernel


def _name(op: Any) -> str:
    if isinstance(op, str) and op.count("::") == 1:
        return op
    if isinstance(op, torch._ops.OpOverloadPacket):
        return op._qualified_op_name
    if isinstance(op, (torch._ops.OpOverload, torch._ops.HigherOrderOperator)):
        return name_operation(op)
    overload = getattr(op, "_opoverload", None)
    if isinstance(overload, torch._ops.OpOverload):
        return name_operation(overload)
    raise TypeError(
        f"register_flops takes a custom operation, its name such as 'mine::op', or a Triton kernel; got {op!r}"
    )


def _told_torch(func: Any, operation: Operation) -> Formula | None:
    """What the program said by torch's own ``register_flop_formula``, of operations that are not torch's."""
    told = flop_registry.get(getattr(func, "_overloadpacket", func))
    if told is None or operation.work is not Work.UNKNOWN:
        return None
    if inspect.unwrap(told).__module__.partition(".")[0] == "torch":
        return None

    def count(call: Call) -> int:
        return whole(told(*call.args, **call.kwargs, out_val=call.out))

    return count
