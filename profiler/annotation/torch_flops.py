# pyright: strict
"""FLOPs of what PyTorch runs, by torch's own formulas, and whether those formulas are the whole of it.

torch counts matrix products, convolutions and fused attention, and says 0 for everything else: for a
matrix–vector product, a sum, an activation. So what it leaves out is measured beside it, one FLOP per element at
least, and operations that are known to neither are noticed: a count is used when what it leaves out is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

LEFT_OUT = 0.02
"""A count that leaves out more than this share is not used."""

ELEMENTWISE = torch.Tag.pointwise

FREE = frozenset(
    [
        "clone",
        "copy_",
        "_to_copy",
        "empty",
        "empty_like",
        "empty_strided",
        "new_empty",
        "new_empty_strided",
        "zeros",
        "zeros_like",
        "new_zeros",
        "ones",
        "ones_like",
        "new_ones",
        "full",
        "full_like",
        "new_full",
        "fill_",
        "zero_",
        "arange",
        "scalar_tensor",
        "lift_fresh",
        "cat",
        "stack",
        "split_with_sizes",
        "index",
        "index_select",
        "embedding",
        "gather",
        "slice_scatter",
        "select_scatter",
        "constant_pad_nd",
        "repeat",
        "roll",
        "flip",
        "tril",
        "triu",
        "bernoulli_",
        "_local_scalar_dense",
        "_unsafe_view",
        "_reshape_alias",
        "contiguous",
        "detach",
        "resize_",
        "set_",
        "sym_size",
        "record_stream",
        "is_same_size",
    ]
)
"""They move or make elements and compute none."""

PER_ELEMENT = frozenset(
    [
        "native_layer_norm",
        "native_group_norm",
        "native_batch_norm",
        "_native_batch_norm_legit",
        "cudnn_batch_norm",
        "_fused_rms_norm",
        "_softmax",
        "_log_softmax",
        "_safe_softmax",
        "sum",
        "mean",
        "var_mean",
        "var",
        "std",
        "amax",
        "amin",
        "max",
        "min",
        "argmax",
        "argmin",
        "norm",
        "linalg_vector_norm",
        "cumsum",
        "prod",
        "any",
        "all",
        "topk",
        "sort",
        "native_dropout",
        "nll_loss_forward",
        "nll_loss2d_forward",
        "mse_loss",
        "max_pool2d_with_indices",
        "avg_pool2d",
        "_adaptive_avg_pool2d",
        "upsample_nearest2d",
        "upsample_bilinear2d",
        "native_layer_norm_backward",
        "native_group_norm_backward",
        "native_batch_norm_backward",
        "cudnn_batch_norm_backward",
        "_fused_rms_norm_backward",
        "_softmax_backward_data",
        "_log_softmax_backward_data",
        "native_dropout_backward",
        "nll_loss_backward",
        "nll_loss2d_backward",
        "embedding_dense_backward",
        "index_put_",
        "_index_put_impl_",
        "index_add",
        "scatter_add",
        "gelu_backward",
        "silu_backward",
        "threshold_backward",
        "max_pool2d_with_indices_backward",
        "avg_pool2d_backward",
        "_adaptive_avg_pool2d_backward",
        "masked_fill_",
        "where",
        "_foreach_add_",
    ]
)
"""A small number of FLOPs for each element of their largest operand."""


@dataclass(slots=True)
class Tally:
    """What ran between two points: counted FLOPs, elements that were computed uncounted, unknown operations."""

    counted: int = 0
    elements: int = 0
    unknown: bool = False

    def add(self, other: Tally) -> None:
        """What ran in a part ran in the whole."""
        self.counted += other.counted
        self.elements += other.elements
        self.unknown = self.unknown or other.unknown

    @property
    def flops(self) -> int | None:
        """torch's count where it is right within LEFT_OUT; None where it is not. 0 is nothing computed at all."""
        if self.unknown or self.elements > LEFT_OUT * self.counted:
            return None
        return self.counted


class CountingMode(TorchDispatchMode):
    """Adds every operation of its thread to ``tallies[-1]``."""

    def __init__(self) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]  torch leaves its parameter untyped
        self.tallies: list[Tally] = [Tally()]

    def begin(self) -> None:
        """Count from here on."""
        self.__enter__()

    def end(self) -> None:
        """Count no longer."""
        self.__exit__(None, None, None)  # pyright: ignore[reportUnknownMemberType]  as untyped

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation, in its parts where torch has only formulas for those."""
        kwargs = dict(kwargs or {})
        if func._overloadpacket not in flop_registry:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **kwargs)
        self._count(func, args, kwargs, out)
        return out

    def _count(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        tally, packet = self.tallies[-1], func._overloadpacket
        name = packet.__name__
        if packet in flop_registry:
            tally.counted += int(flop_registry[packet](*args, **kwargs, out_val=out))
        elif func.is_view or name in FREE:
            return
        elif ELEMENTWISE in func.tags or name in PER_ELEMENT:
            tally.elements += max((tensor.numel() for tensor in _tensors((args, out))), default=0)
        else:
            tally.unknown = True


def _tensors(values: Any) -> list[torch.Tensor]:
    return [v for v in tree_leaves(values) if isinstance(v, torch.Tensor)]
