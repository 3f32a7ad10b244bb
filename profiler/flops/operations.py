"""What kinds of operation there are: counted by a formula, per element, free, made of others, or unknown.

Operations that compute element by element are not FLOPs of products, but say how much a count leaves out. They
count one for each element of their largest operand, interpolation as many as it takes. Closed lists, for what is
neither here nor in the table of formulas has to be noticed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch

from .call import Parameters
from .table import Formula, find_formula

NO_PARAMETERS = Parameters({}, ())


class Work(Enum):
    """What an operation does, as far as counting is concerned."""

    FREE = "moves or makes elements"
    BLANK = "makes room that something else has to fill"
    ELEMENTS = "computes element by element"
    PARTS = "is made of other operations"
    COUNTED = "has a formula"
    UNKNOWN = "has none"


@dataclass(frozen=True, slots=True)
class Operation:
    """An overload of an operation: its name as torch writes it, its work, and how to count that."""

    name: str
    work: Work
    formula: Formula | None = None
    parameters: Parameters = NO_PARAMETERS
    per_element: int = 1
    written: frozenset[str] = frozenset()
    """Names of the parameters that it writes to."""
    writes_any: bool = False
    """Not torch's own, so that what it writes to is not known."""

    own_formula: bool = False
    """It is the program's, which knows of complex numbers and of sparse tensors itself."""

    def counted_by(self, formula: Formula) -> Operation:
        """The same operation with a formula of the program's."""
        return replace(self, work=Work.COUNTED, formula=formula, own_formula=True)


BLANK = frozenset(
    ["empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"]
)

_FREE = """
    clone _lazy_clone copy copy_ _to_copy _copy_from _pin_memory lift lift_fresh lift_fresh_copy detach detach_
    zeros zeros_like new_zeros ones ones_like new_ones full full_like new_full fill fill_ zero zero_ eye arange range
    linspace logspace scalar_tensor _efficientzerotensor complex tril_indices triu_indices
    cat _cat stack _stack _chunk_cat split split_with_sizes split_with_sizes_copy unsafe_split
    unsafe_split_with_sizes unsafe_chunk
    index _unsafe_index index_select masked_select gather take embedding embedding_renorm_ nonzero nonzero_static
    slice_scatter select_scatter diagonal_scatter as_strided_scatter slice_backward select_backward
    diagonal_backward unfold_backward masked_scatter masked_scatter_ masked_scatter_backward
    index_copy index_copy_ index_fill index_fill_ scatter scatter_
    constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
    replication_pad3d repeat repeat_interleave roll flip rot90 tril tril_ triu triu_ diag_embed block_diag
    pixel_shuffle pixel_unshuffle channel_shuffle im2col _reshape_copy _reshape_alias _unsafe_view contiguous
    as_strided_ transpose_ t_ squeeze_ unsqueeze_ swapaxes_ swapdims_ unflatten_dense_tensors
    resize resize_ resize_as_ _resize_output_ set_ set_data record_stream is_same_size is_pinned is_set_to
    _local_scalar_dense _assert_async _assert_scalar _assert_tensor_metadata _functional_assert_async
    _has_same_storage_numel _fused_sdp_choice sym_size sym_stride sym_numel sym_storage_offset
    _weight_norm_differentiable_backward to_mkldnn mkldnn_reorder_conv2d_weight mkldnn_reorder_conv3d_weight
    _cudnn_init_dropout_state _cudnn_rnn_flatten_weight _foreach_copy_ _foreach_copy _foreach_clone _foreach_zero_
    _foreach_zero max_unpool2d max_unpool3d bincount is_nonzero nested_size int_repr
    q_scale q_zero_point q_per_channel_scales q_per_channel_zero_points q_per_channel_axis qscheme
    _empty_affine_quantized _empty_per_channel_affine_quantized _make_per_tensor_quantized_tensor
    _pack_padded_sequence _pad_packed_sequence _print resize_as _new_zeros_with_same_feature_meta
    _sparse_coo_tensor_with_dims _sparse_coo_tensor_with_dims_and_tensors is_coalesced _coalesced_ sparse_dim
    dense_dim sparse_mask _linalg_check_errors lu_unpack _unsafe_masked_index
    """

FREE = frozenset(_FREE.split())
"""Operations that move or make elements and compute none."""

_ELEMENTS = """
    rand rand_like randn randn_like randint randint_like randperm random random_ normal normal_ normal_functional
    uniform uniform_ bernoulli bernoulli_ exponential_ geometric_ cauchy_ log_normal_ multinomial poisson binomial
    native_dropout native_dropout_backward _fused_dropout _masked_scale
    native_layer_norm native_layer_norm_backward native_group_norm native_group_norm_backward
    native_batch_norm native_batch_norm_backward _native_batch_norm_legit _native_batch_norm_legit_functional
    _native_batch_norm_legit_no_training _batch_norm_with_update _batch_norm_with_update_functional
    _batch_norm_no_update batch_norm_backward cudnn_batch_norm cudnn_batch_norm_backward miopen_batch_norm
    miopen_batch_norm_backward batch_norm_stats batch_norm_gather_stats batch_norm_gather_stats_with_counts
    batch_norm_elemt batch_norm_backward_reduce batch_norm_backward_elemt batch_norm_update_stats
    _fused_rms_norm _fused_rms_norm_backward _weight_norm_interface _weight_norm_interface_backward renorm
    _softmax _log_softmax _safe_softmax _softmax_backward_data _log_softmax_backward_data _masked_softmax
    _masked_softmax_backward logsumexp
    sum nansum mean median nanmedian mode var var_mean std std_mean prod norm native_norm linalg_vector_norm
    amax amin aminmax _aminmax max min argmax argmin any all count_nonzero cumsum cumsum_ cumprod cumprod_
    _cummax_helper _cummin_helper logcumsumexp _logcumsumexp dist trace histc searchsorted bucketize isin
    topk sort argsort kthvalue unique_consecutive _unique2 _unique unique_dim allclose equal
    _is_all_true _is_any_true
    nll_loss_forward nll_loss_backward nll_loss2d_forward nll_loss2d_backward mse_loss mse_loss_backward
    binary_cross_entropy binary_cross_entropy_backward binary_cross_entropy_with_logits huber_loss
    huber_loss_backward smooth_l1_loss smooth_l1_loss_backward soft_margin_loss soft_margin_loss_backward
    multi_margin_loss multi_margin_loss_backward multilabel_margin_loss_forward multilabel_margin_loss_backward
    gelu_ gelu_backward silu_backward mish_backward elu_backward glu glu_backward hardtanh_backward hardswish
    hardswish_ hardswish_backward hardsigmoid_backward leaky_relu_backward log_sigmoid_forward
    log_sigmoid_backward softplus_backward softshrink_backward hardshrink_backward threshold_backward
    rrelu_with_noise rrelu_with_noise_functional rrelu_with_noise_backward _prelu_kernel _prelu_kernel_backward
    sigmoid_backward tanh_backward logit_backward
    max_pool2d_with_indices max_pool2d_with_indices_backward max_pool3d_with_indices
    max_pool3d_with_indices_backward avg_pool2d avg_pool2d_backward avg_pool3d avg_pool3d_backward
    _adaptive_avg_pool2d _adaptive_avg_pool2d_backward _adaptive_avg_pool3d _adaptive_avg_pool3d_backward
    adaptive_max_pool2d adaptive_max_pool2d_backward adaptive_max_pool3d adaptive_max_pool3d_backward
    fractional_max_pool2d fractional_max_pool2d_backward fractional_max_pool3d fractional_max_pool3d_backward
    upsample_nearest1d upsample_nearest1d_backward upsample_nearest2d upsample_nearest2d_backward
    upsample_nearest3d upsample_nearest3d_backward _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d _upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward
    _upsample_nearest_exact3d_backward
    reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward replication_pad1d_backward
    replication_pad2d_backward replication_pad3d_backward col2im
    embedding_dense_backward _embedding_bag _embedding_bag_forward_only _embedding_bag_backward
    _embedding_bag_dense_backward _embedding_bag_per_sample_weights_backward
    index_put index_put_ _index_put_impl_ _unsafe_index_put index_add index_add_ index_reduce index_reduce_
    scatter_add scatter_add_ scatter_reduce scatter_reduce_ put put_ segment_reduce _segment_reduce_backward
    masked_fill masked_fill_ where addr addr_ polar linalg_cross affine_grid_generator
    _thnn_fused_lstm_cell _thnn_fused_lstm_cell_backward_impl _thnn_fused_gru_cell _thnn_fused_gru_cell_backward
    _transform_bias_rescale_qkv floor_divide floor_divide_
    quantize_per_tensor quantize_per_tensor_dynamic quantize_per_channel dequantize
    _fake_quantize_learnable_per_tensor_affine fake_quantize_per_tensor_affine_cachemask
    fake_quantize_per_channel_affine_cachemask
    _amp_foreach_non_finite_check_and_unscale_ _amp_update_scale_
    _fused_adam_ _fused_adamw_ _fused_sgd_ _fused_adagrad_
    _add_relu cummax cummin _coalesce renorm_ rrelu_with_noise_ _unsafe_masked_index_put_accumulate
    exponential geometric cauchy log_normal __lshift__ __rshift__
    """

ELEMENTS = frozenset(_ELEMENTS.split())
"""Operations that compute element by element, where torch does not say so itself by its tag."""

INTERPOLATION = {
    "upsample_linear1d": 4,
    "upsample_bilinear2d": 8,
    "_upsample_bilinear2d_aa": 16,
    "upsample_trilinear3d": 16,
    "upsample_bicubic2d": 40,
    "_upsample_bicubic2d_aa": 64,
    "grid_sampler_2d": 20,
    "grid_sampler_3d": 40,
    "cudnn_grid_sampler": 20,
}
"""FLOPs for each element of what is interpolated; backward as many."""

COMMUNICATION = frozenset(
    ["c10d", "_c10d_functional", "c10d_functional", "_c10d_functional_autograd", "fsdp"]
)
"""Namespaces that move elements between processes."""

BESIDE = frozenset(["profiler", "prim", "debugprims", "inductor_prims", "autograd"])
"""Namespaces that mark and ask."""


def find_operation(func: Any) -> Operation:
    """What there is to know of an overload, or of a higher-order operation."""
    if not isinstance(func, torch._ops.OpOverload):
        return Operation(name_operation(func), Work.UNKNOWN)
    schema = func._schema
    namespace, _, name = schema.name.partition("::")
    formula = find_formula(namespace, name)
    return Operation(
        name=schema.name,
        work=Work.COUNTED if formula else _find_work(func, namespace, name),
        formula=formula,
        parameters=Parameters.of(schema),
        per_element=INTERPOLATION.get(name.removesuffix("_backward"), 1),
        written=_find_written(schema),
        writes_any=namespace != "aten",
    )


def name_operation(func: Any) -> str:
    """As the dispatcher calls it, without its overload: ``aten::mm``."""
    if isinstance(func, torch._ops.OpOverload):
        return func._schema.name
    return func.name() if callable(getattr(func, "name", None)) else str(func)


def _find_written(schema: Any) -> frozenset[str]:
    arguments = [each for each in schema.arguments if each.alias_info is not None]
    return frozenset(each.name for each in arguments if each.alias_info.is_write)


def _find_work(func: Any, namespace: str, name: str) -> Work:
    torchs = namespace == "aten"
    if torchs and name in BLANK:
        return Work.BLANK
    if namespace in COMMUNICATION | BESIDE or func.is_view:
        return Work.FREE
    if torchs and (name in FREE or name.endswith("_copy")):
        return Work.FREE
    if _is_pointwise(func) or (torchs and _computes_elements(name)):
        return Work.ELEMENTS
    if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
        return Work.PARTS
    return Work.UNKNOWN


def _computes_elements(name: str) -> bool:
    if name in ELEMENTS or name.removesuffix("_backward") in INTERPOLATION:
        return True
    if name.startswith("_foreach_"):
        return True
    plain = getattr(
        torch.ops.aten, name.removesuffix("_"), None
    )  # of abs_ only abs says that it is pointwise
    return plain is not None and any(_is_pointwise(getattr(plain, each)) for each in plain.overloads())


def _is_pointwise(func: Any) -> bool:
    return torch.Tag.pointwise in func.tags
