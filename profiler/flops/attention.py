"""FLOPs of fused attention, and of the fused layers around it: of their matrix products alone.

A causal mask that an operation is told of leaves pairs of query and key out, and fused kernels do not compute
them; a mask that comes as a tensor leaves none out. Backward computes the scores again: five products where
forward has two. Every head of queries meets keys and values, also where several share those of one head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from .call import Call, Uncountable

UNCUT = (None, -1)
"""Windows that leave nothing out."""


def count_pairs(queries: int, keys: int, *, causal: bool) -> int:
    """Pairs that are computed; a causal mask begins in the upper left corner: query i sees keys 0 … i.

    >>> count_pairs(3, 5, causal=False), count_pairs(3, 5, causal=True), count_pairs(5, 3, causal=True)
    (15, 6, 12)
    """
    if not causal:
        return queries * keys
    square = min(queries, keys)
    return square * (square + 1) // 2 + max(queries - keys, 0) * keys


@dataclass(frozen=True, slots=True)
class _Heads:
    """All heads of a batch, the sizes of one of them, and the pairs computed in it."""

    count: int
    width: int
    value_width: int
    pairs: int

    def forward(self) -> int:
        """Scores, and their products with the values."""
        return 2 * self.count * self.pairs * (self.width + self.value_width)

    def backward(self) -> int:
        """Scores again; gradients of values, of weights; of queries and keys."""
        return 2 * self.count * self.pairs * (3 * self.width + 2 * self.value_width)


def _heads(q: Tensor, k: Tensor, v: Tensor, *, causal: bool, corner: bool) -> _Heads:
    """Of (batch, head, length, width); `corner` says that a causal mask is known to begin in the upper left one."""
    queries, keys = q.shape[-2], k.shape[-2]
    if causal and not corner and queries != keys:
        raise Uncountable("where its causal mask begins is not known for queries and keys of unequal lengths")
    pairs = count_pairs(queries, keys, causal=causal)
    return _Heads(math.prod(q.shape[:-2]), q.shape[-1], v.shape[-1], pairs)


def _of(call: Call, *, corner: bool) -> _Heads:
    return _heads(call["query"], call["key"], call["value"], causal=bool(call["is_causal"]), corner=corner)


def attention(call: Call) -> int:
    """Of the kernels that do not say which corner a causal mask begins in."""
    return _of(call, corner=False).forward()


def attention_backward(call: Call) -> int:
    """Their backward."""
    return _of(call, corner=False).backward()


def cornered_attention(call: Call) -> int:
    """Of those whose causal mask begins in the upper left corner: on the CPU, and memory-efficient attention."""
    return _of(call, corner=True).forward()


def cornered_attention_backward(call: Call) -> int:
    """Their backward."""
    return _of(call, corner=True).backward()


def lower_attention(call: Call) -> int:
    """The operations below those: (batch, length, head, width), or sequences one after the other."""
    return _lower(call).forward()


def lower_attention_backward(call: Call) -> int:
    """Their backward."""
    return _lower(call).backward()


def _lower(call: Call) -> _Heads:
    known = call.parameters.position
    ends = [call[name] for name in ("cum_seq_q", "cu_seqlens_q", "seqused_k", "seqlen_k") if name in known]
    windows = [
        call[name] for name in ("window_size_left", "window_size_right", "window_size") if name in known
    ]
    if any(end is not None and end.numel() for end in ends):
        raise Uncountable("the lengths of its sequences are data")
    if any(window not in UNCUT for window in windows):
        raise Uncountable("it attends within a window")
    q, k, v = (call[name].transpose(-2, -3) for name in ("query", "key", "value"))
    mask = call["custom_mask_type"] if "custom_mask_type" in known else 2 * call["is_causal"]
    return _heads(q, k, v, causal=bool(mask), corner=mask == 1)


def self_attention(call: Call) -> int:
    """The fast path of MultiheadAttention: four projections and attention, of (batch, length, width)."""
    return _layer_attention(call["query"], call["key"], call["value"], call["embed_dim"])


def encoder_layer(call: Call) -> int:
    """The fast path of TransformerEncoderLayer: attention and two linear maps."""
    x = call["src"]
    linear = 2 * math.prod(x.shape[:-1]) * (call["ffn_weight_1"].numel() + call["ffn_weight_2"].numel())
    return _layer_attention(x, x, x, call["embed_dim"]) + linear


def _layer_attention(q: Tensor, k: Tensor, v: Tensor, width: int) -> int:
    batch, queries, keys = q.shape[0], q.shape[1], k.shape[1]
    projections = 2 * width * (2 * queries * width + keys * (k.shape[2] + v.shape[2]))
    return batch * (projections + 4 * queries * keys * width)
