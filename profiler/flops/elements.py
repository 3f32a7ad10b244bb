"""How many elements an operation computes that has no formula: those of its largest operand.

Where it meets a few rows of a table, such as an embedding, those are all it computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from .call import Call


def count_elements(name: str, call: Call) -> int:
    """Of a call of the operation of that name, as torch writes it: ``aten::add``."""
    rule = _RULES.get(name.removeprefix("aten::").removesuffix("_"))
    return _largest(call) if rule is None else rule(call)


def _largest(call: Call) -> int:
    return max(_size(value) for value in (*call.args, call.out))


def _size(value: Any) -> int:
    """Elements of a tensor, or of all in a list."""
    if isinstance(value, Tensor):
        return value.numel()
    return sum(_size(each) for each in value) if isinstance(value, (list, tuple)) else 0


def _of(parameter: str) -> Callable[[Call], int]:
    """Those of one argument, which are all that meet the others."""
    return lambda call: call[parameter].numel()


def _bags(table: str) -> Callable[[Call], int]:
    """A row of a table, or of the gradients of bags, for each index."""
    return lambda call: call["indices"].numel() * call[table].shape[-1]


def _put(call: Call) -> int:
    """What is added to its places; what only replaces them is moved."""
    if not call["accumulate"]:
        return 0
    table, given = call["self"], [each for each in call["indices"] if each is not None]
    masks = [each for each in given if each.dtype in (torch.bool, torch.uint8)]
    if masks:
        return table.numel()
    places = math.prod(torch.broadcast_shapes(*(each.shape for each in given)))
    kept = [size for at, size in enumerate(table.shape) if not _is_indexed(call["indices"], at)]
    return places * math.prod(kept)


def _put_flat(call: Call) -> int:
    """The same of a table taken for one long row."""
    return call["source"].numel() if call["accumulate"] else 0


def _is_indexed(indices: Any, dimension: int) -> bool:
    return dimension < len(indices) and indices[dimension] is not None


_RULES: Mapping[str, Callable[[Call], int]] = {
    **dict.fromkeys(["index_put", "_index_put_impl", "_unsafe_index_put"], _put),
    **dict.fromkeys(["index_add", "index_reduce"], _of("source")),
    "put": _put_flat,
    **dict.fromkeys(["scatter_add", "scatter_reduce"], _of("index")),
    "embedding_dense_backward": _of("grad_output"),
    **dict.fromkeys(["_embedding_bag", "_embedding_bag_forward_only"], _bags("weight")),
    **dict.fromkeys(["_embedding_bag_backward", "_embedding_bag_dense_backward"], _bags("grad")),
    "_embedding_bag_per_sample_weights_backward": _bags("grad"),
}
"""By names without the underscore at the end of those that work in place."""
