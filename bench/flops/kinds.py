"""Kinds of modules of small sizes, each with what loops count that compute the same: tests/drawing/brute_force.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from drawing import brute_force
from drawing.brute_force import Machine
from torch import Tensor, nn
from torch.nn import functional

Count = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Kind:
    """A module, what it gets, and its FLOPs by brute force; None where it has no backward."""

    name: str
    module: nn.Module
    inputs: tuple[Tensor, ...]
    forward: Count
    backward: Count | None = None


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


class First(nn.Module):
    """The first of a module's results."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.inner(*inputs)[0]


def ones(*shape: int, dtype: Any = np.float64) -> Any:
    return np.ones(shape, dtype)


def given(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    made = torch.randn(*shape, dtype=dtype)
    return made.requires_grad_()


def product(m: int, k: int, n: int, *, complex: bool = False) -> int:
    machine, dtype = Machine(), np.complex128 if complex else np.float64
    machine.multiply_matrices(ones(m, k, dtype=dtype), ones(k, n, dtype=dtype))
    return machine.flops


def products(m: int, k: int, n: int, *, complex: bool = False) -> tuple[Count, Count]:
    """Forward, and the gradients of both factors."""
    return (
        lambda: product(m, k, n, complex=complex),
        lambda: product(m, n, k, complex=complex) + product(k, m, n, complex=complex),
    )


def convolution(name: str, layer: Any, x: Tensor) -> Kind:
    """Any of torch's, plain or transposed; loops run on its settings."""
    settings: Any = {
        **{key: getattr(layer, key)[0] for key in ("stride", "padding", "dilation")},
        "groups": layer.groups,
    }
    weight, image = ones(*layer.weight.shape), ones(*x.shape)
    out = ones(*layer(x).shape)
    wanted = (True, True)

    def forward() -> int:
        machine = Machine()
        if layer.transposed:
            brute_force.convolve_transposed(
                machine, image, weight, output_padding=layer.output_padding[0], **settings
            )
        else:
            brute_force.convolve(machine, image, weight, **settings)
        return machine.flops

    def backward() -> int:
        machine = Machine()
        run = brute_force.convolve_transposed_backward if layer.transposed else brute_force.convolve_backward
        run(machine, out, image, weight, wanted=wanted, **settings)
        return machine.flops

    return Kind(name, layer, (x,), forward, backward)


def attention(
    name: str, *, causal: bool = False, heads: int = 2, shared: int = 2, mask: bool = False
) -> Kind:
    length, width = 12, 96
    q, kv = given(1, heads, length, width), given(1, shared, length, width)
    seen = torch.ones(length, length, dtype=torch.bool) if mask else None

    def attend(q: Tensor, kv: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(
            q, kv, kv, is_causal=causal, attn_mask=seen, enable_gqa=heads != shared
        )

    arrays = ones(*q.shape), ones(*kv.shape), ones(*kv.shape)

    def forward() -> int:
        machine = Machine()
        brute_force.attend(machine, *arrays, causal=causal)
        return machine.flops

    def backward() -> int:
        machine = Machine()
        brute_force.attend_backward(machine, arrays[0], *arrays, causal=causal)
        return machine.flops

    return Kind(name, Call(attend), (q, kv), forward, backward)


def lstm() -> Kind:
    steps, batch, width, hidden = 3, 2, 48, 64
    layer = nn.LSTM(width, hidden)

    def forward() -> int:
        machine = Machine()
        weights = (ones(4 * hidden, width), ones(4 * hidden, hidden), ones(4 * hidden))
        brute_force.run_lstm(machine, ones(steps, batch, width), *weights)
        return machine.flops

    return Kind(
        "LSTM",
        First(layer),
        (given(steps, batch, width),),
        forward,
        lambda: 2 * forward(),  # each product has two gradients, as every kind of product above shows
    )


def encoder() -> Kind:
    width, length = 64, 10
    layer = nn.TransformerEncoderLayer(width, 2, 128, batch_first=True, dropout=0.0).eval()

    def forward() -> int:
        machine = Machine()
        for inputs, outputs in ((width, 3 * width), (width, width), (width, 128), (128, width)):
            machine.multiply_matrices(ones(length, inputs), ones(inputs, outputs))
        heads = ones(1, 2, length, width // 2)
        brute_force.attend(machine, heads, heads, heads, causal=False)
        return machine.flops

    x = torch.randn(1, length, width)
    return Kind("TransformerEncoderLayer, fast path", layer, (x,), forward)


def mixture() -> Kind:
    rows, width, experts = 12, 48, nn.ModuleList(nn.Linear(48, 48, bias=False) for _ in range(3))
    chosen = torch.tensor([0] * 7 + [2] * 5)

    class Mixture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = experts

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.experts[int(at)](x[chosen == at]) for at in chosen.unique()])

    forward, backward = products(rows, width, width)
    return Kind("mixture of experts, by data", Mixture(), (given(rows, width),), forward, backward)


def custom(name: str, *, registered: bool) -> Kind:
    from flopprof import register_flops

    def run(a: Tensor, b: Tensor) -> Tensor:
        return a @ b

    made: Any = torch.library.custom_op(f"bench::{name}", run, mutates_args=())
    made.register_fake(run)
    if registered:
        register_flops(made, lambda a, b: 2 * a.shape[0] * a.shape[1] * b.shape[1])
    kind = "with a registered formula" if registered else "without a formula"
    inputs = torch.randn(16, 32), torch.randn(32, 16)
    return Kind(
        f"custom operation {kind}", Call(lambda a, b: made(a, b)), inputs, lambda: product(16, 32, 16)
    )


def kinds() -> Iterator[Kind]:
    """Every one."""
    yield Kind("Linear", nn.Linear(48, 64), (given(16, 48),), *products(16, 48, 64))
    yield Kind("Linear, batch of three", nn.Linear(48, 64), (given(3, 8, 48),), *products(24, 48, 64))
    half = nn.Linear(48, 64, bias=False).to(torch.bfloat16)
    yield Kind("Linear, bfloat16", half, (given(16, 48, dtype=torch.bfloat16),), *products(16, 48, 64))
    one = products(24, 16, 20)
    yield Kind(
        "broadcast product",
        Call(lambda a, b: a @ b),
        (given(3, 24, 16), given(3, 16, 20)),
        lambda: 3 * one[0](),
        lambda: 3 * one[1](),
    )
    number = torch.complex64
    yield Kind(
        "complex product",
        Call(lambda a, b: a @ b),
        (given(20, 24, dtype=number), given(24, 20, dtype=number)),
        *products(20, 24, 20, complex=True),
    )
    whole = torch.randint(-4, 4, (32, 32), dtype=torch.int8)
    yield Kind("int8 product", Call(torch._int_mm), (whole, whole), lambda: product(32, 32, 32))
    for places, make in ((1, nn.Conv1d), (2, nn.Conv2d), (3, nn.Conv3d)):
        layer = make(8, 8, 3, padding=1, bias=False)
        yield convolution(f"Conv{places}d", layer, given(1, 8, *[6] * places))
    yield convolution("Conv2d, groups", nn.Conv2d(16, 16, 3, groups=4, bias=False), given(2, 16, 8, 8))
    yield convolution("Conv2d, depthwise", nn.Conv2d(16, 16, 5, groups=16, bias=False), given(2, 16, 9, 9))
    strided = nn.Conv2d(8, 12, 3, stride=2, padding=2, dilation=2, bias=False)
    yield convolution("Conv2d, stride and dilation", strided, given(2, 8, 11, 11))
    yield convolution(
        "ConvTranspose2d", nn.ConvTranspose2d(8, 8, 4, 2, padding=1, bias=False), given(2, 8, 5, 5)
    )
    grouped = nn.ConvTranspose2d(16, 16, 3, 2, groups=8, output_padding=0, bias=False)
    yield convolution("ConvTranspose2d, groups", grouped, given(2, 16, 5, 5))
    yield attention("attention")
    yield attention("attention, causal", causal=True)
    yield attention("attention, mask as a tensor", mask=True)
    yield attention("attention, grouped queries", heads=4)
    yield lstm()
    yield mixture()
    yield encoder()
    yield Kind("BatchNorm2d", nn.BatchNorm2d(8), (given(2, 8, 4, 4),), lambda: 0, lambda: 0)
    yield custom("known", registered=True)
    yield custom("unknown", registered=False)


def relative(value: float, to: float) -> float:
    """How many times another it is."""
    return value / to if to else math.inf
