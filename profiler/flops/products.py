"""FLOPs of matrix products, convolutions and recurrent networks: two for each multiplication of two elements.

Formulas count as for real numbers; table.py knows of complex ones. An element of a product is a sum over the
inner dimension, so the result's size and that dimension are all it takes. In a convolution every position of the
output (of a transposed one: of the input) meets every weight once, padding included, and does so again in either
gradient, whatever stride, dilation and groups are: a group's weights are that much fewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from .call import Call, Uncountable

PACKED_PAIRS = "float4_e2m1fn_x2"
"""A type of two numbers to an element."""


def _inner(out: Tensor, a: Tensor) -> int:
    numbers = 2 if str(a.dtype).endswith(PACKED_PAIRS) else 1
    return 2 * out.numel() * a.shape[-1] * numbers


def product(call: Call) -> int:
    """The first argument times something, along its last dimension."""
    return _inner(call.out, call.args[0])


def added_product(call: Call) -> int:
    """The same where something is added to the product: that addition is an element's, and not counted."""
    return _inner(call.out, call.args[1])


def summed_product(call: Call) -> int:
    """The products of a batch, added up: addbmm."""
    batch = call.args[1]
    return batch.shape[0] * _inner(call.out, batch)


def inner_product(call: Call) -> int:
    """Two vectors."""
    return 2 * call.args[0].numel()


def product_of_each(call: Call) -> int:
    """A list of products."""
    return sum(_inner(out, a) for out, a in zip(call.out, call.args[0], strict=True))


def grouped_product(call: Call) -> int:
    """Products of slices of different lengths, whose ends are data: unknown where reading them means waiting."""
    a, b, ends = call.args[0], call.args[1], call["offs"]
    if ends is None:
        return _inner(call.out, a)
    if ends.device.type != "cpu":
        raise Uncountable("the sizes of its groups are data on the device")
    used = int(ends[-1]) if ends.numel() else 0
    if a.dim() == 2:
        return 2 * used * (a.shape[0] if b.dim() == 2 else a.shape[1]) * b.shape[-1]
    return 2 * used * a.shape[-1] * a.shape[-2]


def convolution(call: Call) -> int:
    """One that its arguments say to be transposed or not."""
    x, weight = call.args[:2]
    return _meetings(x if call["transposed"] else call.out, weight)


def plain_convolution(call: Call) -> int:
    """One that is never transposed."""
    return _meetings(call.out, call.args[1])


def transposed_convolution(call: Call) -> int:
    """One that always is."""
    return _meetings(call.args[0], call.args[1])


def convolution_backward(call: Call) -> int:
    """The convolution's own number for either gradient that is wanted; the bias's is a sum."""
    grad, x, weight = call.args[:3]
    for_input, for_weight, _ = call["output_mask"]
    return (bool(for_input) + bool(for_weight)) * _meetings(x if call["transposed"] else grad, weight)


def convolution_over_time(call: Call) -> int:
    """conv_tbc: inputs are (time, batch, channel), weights (length, channel in, channel out)."""
    return 2 * call.out.numel() * math.prod(call.args[1].shape[:2])


def _meetings(positions: Tensor, weight: Tensor) -> int:
    """`positions` is (batch, channel, place …), the batch being left out where there is none."""
    places = weight.dim() - 2
    batch = positions.shape[0] if positions.dim() == weight.dim() else 1
    return 2 * batch * math.prod(positions.shape[positions.dim() - places :]) * weight.numel()


def recurrent(call: Call) -> int:
    """All layers at once, as cuDNN runs them: every row meets every weight."""
    x, weights = call.args[:2]
    return 2 * _rows(x, call["batch_sizes"]) * _matrices(weights)


def recurrent_backward(call: Call) -> int:
    """As much for the inputs' gradients, which are always computed, and again for the weights' if wanted."""
    wanted = call["output_mask"]
    return (1 + bool(wanted[3])) * recurrent(call)


def recurrent_layer(call: Call) -> int:
    """One layer in one direction, as oneDNN runs it; its first two weights are matrices."""
    return 2 * _rows(call.args[0], ()) * _matrices(call.args[1:3])


def recurrent_layer_backward(call: Call) -> int:
    """Gradients of inputs and of weights, both always computed."""
    return 2 * recurrent_layer(call)


def _rows(x: Tensor, batch_sizes: Sequence[int]) -> int:
    """Steps of all sequences; packed ones lie one after the other."""
    return sum(batch_sizes) or math.prod(x.shape[:-1])


def _matrices(weights: Sequence[Tensor]) -> int:
    """Elements of the matrices among weights; the rest are biases."""
    return sum(weight.numel() for weight in weights if weight.dim() == 2)
