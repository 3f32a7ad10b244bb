"""Formulas of operations that only a GPU runs: called on tensors without contents, held against loops on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from drawing.brute_force import Machine, attend, attend_backward
from running.counted import count_fake

torch = pytest.importorskip("torch")

from flopprof.profiler.flops.call import Call, Parameters  # noqa: E402
from flopprof.profiler.flops.table import FORMULAS  # noqa: E402

pytestmark = pytest.mark.torch

aten = torch.ops.aten
NOTHING = None


def empty(*shape: int, dtype: Any = torch.float16) -> Any:
    return torch.empty(shape, dtype=dtype, device="meta")


Q, SCORES, SEED = empty(2, 4, 6, 8), empty(2, 4, 6, dtype=torch.float32), empty(dtype=torch.int64)
TURNED = Q.transpose(1, 2)
ENDS = torch.empty(0, dtype=torch.int32, device="meta")

FORWARD: dict[str, Callable[[bool], Any]] = {
    "flash": lambda causal: aten._scaled_dot_product_flash_attention(Q, Q, Q, 0.0, causal),
    "efficient": lambda causal: aten._scaled_dot_product_efficient_attention(
        Q, Q, Q, NOTHING, True, 0.0, causal
    ),
    "cudnn": lambda causal: aten._scaled_dot_product_cudnn_attention(Q, Q, Q, NOTHING, True, 0.0, causal),
    "lower flash": lambda causal: aten._flash_attention_forward(
        TURNED, TURNED, TURNED, NOTHING, NOTHING, 6, 6, 0.0, causal, False
    ),
    "lower efficient": lambda causal: aten._efficient_attention_forward(
        *(TURNED, TURNED, TURNED, *([NOTHING] * 5)), 0.0, int(causal), True
    ),
}
BACKWARD: dict[str, Callable[[bool], Any]] = {
    "flash": lambda causal: aten._scaled_dot_product_flash_attention_backward(
        Q, Q, Q, Q, Q, SCORES, SEED, SEED, 6, 6, 0.0, causal, SEED, SEED
    ),
    "efficient": lambda causal: aten._scaled_dot_product_efficient_attention_backward(
        Q, Q, Q, Q, NOTHING, Q, SCORES, SEED, SEED, 0.0, [True] * 4, causal
    ),
    "cudnn": lambda causal: aten._scaled_dot_product_cudnn_attention_backward(
        Q, Q, Q, Q, Q, SCORES, SEED, SEED, NOTHING, NOTHING, NOTHING, 6, 6, 0.0, causal
    ),
    "lower flash": lambda causal: aten._flash_attention_backward(
        *([TURNED] * 5), SCORES, ENDS, ENDS, 6, 6, 0.0, causal, SEED, SEED
    ),
    "lower efficient": lambda causal: aten._efficient_attention_backward(
        *([TURNED] * 4), NOTHING, TURNED, NOTHING, NOTHING, 6, 6, SCORES, 0.0, SEED, SEED, int(causal), False
    ),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", FORWARD)
def test_fused_attention(kind: str, causal: bool) -> None:
    machine = Machine()
    attend(machine, *(np.ones(Q.shape) for _ in range(3)), causal=causal)
    assert count_fake(lambda: FORWARD[kind](causal)).products == {"float16": machine.flops}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", BACKWARD)
def test_fused_attention_backward(kind: str, causal: bool) -> None:
    machine = Machine()
    attend_backward(machine, *(np.ones(Q.shape) for _ in range(4)), causal=causal)
    assert count_fake(lambda: BACKWARD[kind](causal)).products == {"float16": machine.flops}


def test_a_causal_mask_whose_corner_is_unknown_has_no_figure() -> None:
    fewer = empty(2, 4, 3, 8)
    tally = count_fake(lambda: aten._scaled_dot_product_flash_attention(fewer, Q, Q, 0.0, True))
    assert not tally.products
    assert ["where its causal mask begins" in reason for reason in tally.unknown] == [True]
    assert count_fake(lambda: aten._scaled_dot_product_flash_attention(fewer, Q, Q)).products


def test_sequences_whose_lengths_are_data_have_no_figure() -> None:
    ends = torch.empty(3, dtype=torch.int32, device="meta")
    row = empty(12, 4, 8)
    tally = count_fake(
        lambda: aten._flash_attention_forward(row, row, row, ends, ends, 6, 6, 0.0, False, False)
    )
    assert list(tally.unknown) == ["aten::_flash_attention_forward: the lengths of its sequences are data"]


def test_a_window_has_no_figure() -> None:
    tally = count_fake(
        lambda: aten._flash_attention_forward(
            *([TURNED] * 3), NOTHING, NOTHING, 6, 6, 0.0, True, False, window_size_left=2
        )
    )
    assert list(tally.unknown) == ["aten::_flash_attention_forward: it attends within a window"]


def network(layers: int, directions: int, inputs: int, hidden: int) -> list[Any]:
    weights: list[Any] = []
    for layer in range(layers):
        width = inputs if layer == 0 else hidden * directions
        for _ in range(directions):
            weights += [empty(4 * hidden, width), empty(4 * hidden, hidden), *([empty(4 * hidden)] * 2)]
    return weights


@pytest.mark.parametrize("packed", [[], [3, 3, 2, 1]])
def test_recurrent_networks_on_cudnn(packed: list[int]) -> None:
    weights = network(layers=2, directions=2, inputs=5, hidden=4)
    rows = sum(packed) or 7 * 3
    x = empty(rows, 5) if packed else empty(7, 3, 5)
    machine = Machine()
    for weight in weights:
        if weight.dim() == 2:
            machine.multiply_matrices(np.ones((rows, weight.shape[1])), np.ones(weight.shape).T)
    state = empty(4, 3, 4)
    forward = (x, weights, 4, NOTHING, state, state, 2, 4, 0, 2, False, 0.0, True, True, packed, NOTHING)
    assert formula("_cudnn_rnn", *forward) == machine.flops
    backward = (
        *(x, weights, 4, state, state, state, x, x, NOTHING, NOTHING, 2, 4, 0, 2, False, 0.0),
        *(True, True, packed, NOTHING, x),
    )
    assert formula("_cudnn_rnn_backward", *backward, [True] * 4) == 2 * machine.flops
    assert formula("_cudnn_rnn_backward", *backward, [True, True, True, False]) == machine.flops


def formula(name: str, *args: Any) -> int:
    parameters = Parameters.of(getattr(aten, name).default._schema)
    return FORMULAS[name](Call(parameters, args, {}, None))


def test_groups_whose_sizes_are_on_the_device_have_no_figure() -> None:
    rows, stack = empty(6, 16, dtype=torch.bfloat16), empty(2, 16, 8, dtype=torch.bfloat16)
    ends = torch.empty(2, dtype=torch.int32, device="meta")
    tally = count_fake(lambda: aten._grouped_mm(rows, stack, ends))
    assert list(tally.unknown) == ["aten::_grouped_mm: the sizes of its groups are data on the device"]
    stacked = empty(2, 3, 16, dtype=torch.bfloat16)
    assert count_fake(lambda: aten._grouped_mm(stacked, stack)).products == {"bfloat16": 2 * 2 * 3 * 16 * 8}
