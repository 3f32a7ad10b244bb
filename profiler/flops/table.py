"""Which operation has which formula, and at which rate it computes; the one place where that is said.

torch's own table (torch.utils.flop_counter) is not asked: it leaves out groups in gradients of weights, counts
complex products as real ones and causal attention as full, and knows neither attention on the CPU nor the fused
layers, recurrent networks or products of integers. Programs add theirs by ``register_flops``; what they told
torch by ``register_flop_formula`` is honoured too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from . import attention, products
from .call import Call

Formula = Callable[[Call], int]

COMPLEX = 4
"""A complex multiplication is four real ones and two additions, a complex addition two: eight for two."""

_TRANSPOSABLE = ("convolution", "_convolution", "convolution_overrideable")

FORMULAS: dict[str, Formula] = {
    **dict.fromkeys(
        [
            *("mm", "bmm", "mv", "linear", "_int_mm", "_scaled_mm", "_scaled_mm_v2", "mkldnn_linear"),
            *("_weight_int8pack_mm", "_weight_int4pack_mm", "_weight_int4pack_mm_for_cpu"),
            *("_weight_int4pack_mm_with_scales_and_zeros", "_dyn_quant_matmul_4bit"),
        ],
        products.product,
    ),
    **dict.fromkeys(
        ["addmm", "addmm_", "addmv", "addmv_", "baddbmm", "baddbmm_", "_addmm_activation"],
        products.added_product,
    ),
    **dict.fromkeys(["addbmm", "addbmm_"], products.summed_product),
    **dict.fromkeys(["dot", "vdot"], products.inner_product),
    **dict.fromkeys(["_grouped_mm", "_scaled_grouped_mm", "_scaled_grouped_mm_v2"], products.grouped_product),
    "_foreach_mm": products.product_of_each,
    **dict.fromkeys(_TRANSPOSABLE, products.convolution),
    **dict.fromkeys(
        [
            *("cudnn_convolution", "cudnn_convolution_relu", "cudnn_convolution_add_relu"),
            *("miopen_convolution", "mkldnn_convolution", "_slow_conv2d_forward", "slow_conv3d_forward"),
            *("_conv_depthwise2d", "conv_depthwise3d", "slow_conv_dilated2d", "slow_conv_dilated3d"),
        ],
        products.plain_convolution,
    ),
    **dict.fromkeys(
        ["cudnn_convolution_transpose", "slow_conv_transpose2d", "slow_conv_transpose3d"],
        products.transposed_convolution,
    ),
    **dict.fromkeys(
        ["convolution_backward", "convolution_backward_overrideable"], products.convolution_backward
    ),
    "conv_tbc": products.convolution_over_time,
    **dict.fromkeys(["_cudnn_rnn", "miopen_rnn"], products.recurrent),
    **dict.fromkeys(["_cudnn_rnn_backward", "miopen_rnn_backward"], products.recurrent_backward),
    "mkldnn_rnn_layer": products.recurrent_layer,
    "mkldnn_rnn_layer_backward": products.recurrent_layer_backward,
    **dict.fromkeys(
        [
            *("_scaled_dot_product_flash_attention", "_scaled_dot_product_cudnn_attention"),
            "_scaled_dot_product_fused_attention_overrideable",
        ],
        attention.attention,
    ),
    **dict.fromkeys(
        [
            "_scaled_dot_product_flash_attention_backward",
            "_scaled_dot_product_cudnn_attention_backward",
            "_scaled_dot_product_fused_attention_overrideable_backward",
        ],
        attention.attention_backward,
    ),
    **dict.fromkeys(
        ["_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_efficient_attention"],
        attention.cornered_attention,
    ),
    **dict.fromkeys(
        [
            "_scaled_dot_product_flash_attention_for_cpu_backward",
            "_scaled_dot_product_efficient_attention_backward",
        ],
        attention.cornered_attention_backward,
    ),
    **dict.fromkeys(["_flash_attention_forward", "_efficient_attention_forward"], attention.lower_attention),
    **dict.fromkeys(
        ["_flash_attention_backward", "_efficient_attention_backward"], attention.lower_attention_backward
    ),
    "_native_multi_head_attention": attention.self_attention,
    "_transformer_encoder_layer_fwd": attention.encoder_layer,
}
"""Operations of namespace aten by their names; all overloads of a name have the same formula."""

QUANTIZED = frozenset(
    [
        *("linear", "linear_relu", "linear_leaky_relu", "linear_tanh", "linear_dynamic"),
        *("linear_relu_dynamic", "linear_dynamic_fp16", "linear_relu_dynamic_fp16"),
    ]
)
"""Operations of namespace quantized that are one product."""

BY_CUDNN = ("conv", "cudnn", "miopen", "mkldnn_conv")
"""Beginnings of the names that cuDNN's switch for TF32 is for; products have cuBLAS's."""


def find_formula(namespace: str, name: str) -> Formula | None:
    """The formula of an operation, by the two parts of its name."""
    if namespace == "aten":
        return FORMULAS.get(name)
    if namespace == "quantized" and name in QUANTIZED:
        return products.product
    return None


def find_rate(name: str, tensors: tuple[Tensor, ...]) -> str:
    """The kind of arithmetic: the first operand's type; of complex numbers that of their parts; or tf32."""
    if not tensors:
        return ""
    first = tensors[0]
    dtype = first.dtype.to_real() if first.dtype.is_complex else first.dtype
    if dtype is torch.float32 and first.device.type == "cuda" and _rounds_to_tf32(name):
        return "tf32"
    return str(dtype).removeprefix("torch.")


def _rounds_to_tf32(name: str) -> bool:
    backends: Any = torch.backends
    cudnn = name.lstrip("_").startswith(BY_CUDNN)
    switch = backends.cudnn if cudnn else backends.cuda.matmul
    try:
        return bool(switch.allow_tf32)
    except RuntimeError:  # set by the newer of two interfaces, after which the older one refuses to answer
        newer = backends.cudnn.conv if cudnn else switch
        return newer.fp32_precision == "tf32"
