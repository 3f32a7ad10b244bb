"""Tensors that were made without contents, and whether what filled them was seen.

Kernels that go past PyTorch's dispatcher (Triton's, CuPy's, an extension's) write into tensors that it made empty.
Nothing can be said of their work, but that it was there: the tensor is read, or returned, and nobody filled it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from .call import Call, tensors_in
from .operations import Operation
from .products import added_product, summed_product

ADDED_TO = (added_product, summed_product)
"""Formulas of operations whose first argument is what a product is added to, `beta` times."""


class Blanks:
    """The storages that wait to be filled."""

    def __init__(self) -> None:
        self._storages: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._storages)

    def add(self, tensor: Any) -> None:
        """One more, if there is anything to fill."""
        if isinstance(tensor, Tensor) and tensor.numel():
            self._storages |= _keys(tensor)

    def hold(self, tensor: Tensor) -> bool:
        """Whether a tensor is one of them, or a part of one."""
        return not _keys(tensor).isdisjoint(self._storages)

    def meet(self, operation: Operation, call: Call) -> bool:
        """Note what an operation fills; whether it reads what nothing filled."""
        made = _keys(call.out)
        read: set[int] = set()
        for name, value in _named(call):
            if name == "self" and operation.formula in ADDED_TO and call["beta"] == 0:
                continue  # nothing reads it then, not even what is no number
            keys = _keys(value)
            if operation.writes_any or name in operation.written:
                self._storages -= keys
            else:
                read |= keys
        unfilled = (read - made) & self._storages
        self._storages -= unfilled | (made - read)  # told once; and an address may be a new tensor's
        return bool(unfilled)


def _named(call: Call) -> Iterator[tuple[str, Any]]:
    yield from zip(call.parameters.position, call.args, strict=False)
    yield from call.kwargs.items()


def _keys(value: Any) -> set[int]:
    """Addresses of the storages of tensors; sparse ones have none of their own."""
    return {
        tensor.untyped_storage()._cdata for tensor in tensors_in((value,)) if tensor.layout is torch.strided
    }
