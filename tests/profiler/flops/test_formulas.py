"""Formulas against loops that count: the loops' results must be PyTorch's, and their counts the formulas'."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from drawing.brute_force import (
    Machine,
    attend,
    attend_backward,
    convolve,
    convolve_backward,
    convolve_transposed,
    convolve_transposed_backward,
    run_lstm,
)
from drawing.draws import one_in
from hypothesis import given
from hypothesis import strategies as st
from running.counted import count, products

torch = pytest.importorskip("torch")

from flopprof.profiler.flops.table import find_rate  # noqa: E402
from torch.nn import functional  # noqa: E402

pytestmark = pytest.mark.torch


def random(*shape: int, dtype: Any = torch.float64) -> Any:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape)))


def same(result: Any, brute: Any) -> bool:
    return brute is None or bool(np.allclose(result.detach().numpy(), brute))


def flat(result: Any) -> Any:
    return result.reshape(-1, result.shape[-1]).numpy()


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@given(m=st.integers(1, 5), k=st.integers(0, 5), n=st.integers(1, 5))
def test_a_product_counts_what_loops_do(m: int, k: int, n: int, dtype: Any) -> None:
    a, b = random(m, k, dtype=dtype), random(k, n, dtype=dtype)
    machine = Machine()
    assert same(a @ b, machine.multiply_matrices(a.numpy(), b.numpy()))
    assert products(lambda: torch.mm(a, b)) == machine.flops


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize(
    ("work", "shapes"),
    [
        (lambda a, b: torch.bmm(a, b), [(3, 2, 4), (3, 4, 5)]),
        (lambda a, b: torch.matmul(a, b), [(2, 3, 4), (4, 5)]),
        (lambda a, b: torch.matmul(a, b), [(2, 1, 3, 4), (1, 3, 4, 5)]),
        (lambda a, b: torch.matmul(a, b), [(3, 4), (2, 4, 5)]),
        (lambda a, b: torch.einsum("bik,bkj->bij", a, b), [(2, 3, 4), (2, 4, 5)]),
        (lambda a, b: torch.tensordot(a, b, dims=1), [(3, 4), (4, 5)]),
        (lambda a, b: torch.baddbmm(torch.zeros(2, 3, 5, dtype=a.dtype), a, b), [(2, 3, 4), (2, 4, 5)]),
    ],
)
def test_batched_and_broadcast_products(work: Callable[..., Any], shapes: Any, dtype: Any) -> None:
    a, b = (random(*shape, dtype=dtype) for shape in shapes)
    out, machine = work(a, b), Machine()
    batches = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    wide_a, wide_b = (np.broadcast_to(x.numpy(), batches + x.shape[-2:]) for x in (a, b))
    result = np.zeros((*batches, a.shape[-2], b.shape[-1]), wide_a.dtype)
    for at in np.ndindex(*batches):
        result[at] = machine.multiply_matrices(wide_a[at], wide_b[at])
    assert same(out, result)
    assert products(lambda: work(a, b)) == machine.flops


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_vectors_and_sums_of_products(dtype: Any) -> None:
    matrix, vector, batch = random(3, 4, dtype=dtype), random(4, dtype=dtype), random(2, 3, 4, dtype=dtype)
    machine = Machine()
    assert same(matrix @ vector, machine.multiply_matrices(matrix.numpy(), vector.numpy()[:, None])[:, 0])
    assert products(lambda: matrix @ vector) == machine.flops
    assert products(lambda: torch.addmv(torch.zeros(3, dtype=dtype), matrix, vector)) == machine.flops
    machine = Machine()
    assert same(
        vector @ vector, machine.multiply_matrices(vector.numpy()[None], vector.numpy()[:, None])[0, 0]
    )
    assert products(lambda: vector @ vector) == products(lambda: torch.vdot(vector, vector)) == machine.flops
    machine = Machine()
    for each in batch.numpy():
        machine.multiply_matrices(each, each.T)
    summed = torch.zeros(3, 3, dtype=dtype)
    assert products(lambda: torch.addbmm(summed, batch, batch.transpose(1, 2))) == machine.flops


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (4,)])
def test_linear_maps(shape: tuple[int, ...], bias: bool, inference: bool) -> None:
    layer, x, machine = torch.nn.Linear(4, 5, bias=bias), torch.ones(*shape), Machine()
    machine.multiply_matrices(flat(x), layer.weight.detach().numpy().T)
    with torch.inference_mode(inference):
        assert products(lambda: layer(x)) == machine.flops


def test_products_of_small_numbers_are_products() -> None:
    machine = Machine()
    machine.multiply_matrices(np.ones((17, 16)), np.ones((16, 24)))
    whole = torch.ones(17, 16, dtype=torch.int8), torch.ones(16, 24, dtype=torch.int8)
    half = torch.ones(17, 16, dtype=torch.bfloat16), torch.ones(16, 24, dtype=torch.bfloat16)
    assert count(lambda: torch._int_mm(*whole)).products == {"int8": machine.flops}
    assert count(lambda: torch.mm(*half)).products == {"bfloat16": machine.flops}
    eighth = half[0].to(torch.float8_e4m3fn), half[1].t().contiguous().t().to(torch.float8_e4m3fn)
    one = torch.ones(())
    assert count(lambda: torch._scaled_mm(*eighth, one, one, out_dtype=torch.bfloat16)).products == {
        "float8_e4m3fn": machine.flops
    }


def test_products_of_groups_follow_their_ends() -> None:
    rows, stack = torch.ones(6, 16, dtype=torch.bfloat16), torch.ones(2, 16, 8, dtype=torch.bfloat16)
    ends = torch.tensor([2, 5], dtype=torch.int32)  # the sixth row is in no group
    machine = Machine()
    for start, end in ((0, 2), (2, 5)):
        machine.multiply_matrices(np.ones((end - start, 16)), np.ones((16, 8)))
    assert products(lambda: torch._grouped_mm(rows, stack, offs=ends)) == machine.flops


def test_dynamically_quantised_linear_maps_are_products() -> None:
    torch.backends.quantized.engine = "onednn"
    model = torch.ao.nn.quantized.dynamic.Linear(16, 8)
    machine = Machine()
    machine.multiply_matrices(np.ones((3, 16)), np.ones((16, 8)))
    assert products(lambda: model(torch.ones(3, 16))) == machine.flops


CONVOLUTIONS = [
    {"places": places, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    for places, stride, padding, dilation, groups in [
        *product([1], [1, 2, 3], [0, 2], [1, 2], [1, 2, 4]),
        *product([2], [1, 2], [1], [1, 2], [1, 4]),
        (3, 2, 1, 1, 2),
    ]
]


@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("case", one_in(5, CONVOLUTIONS), ids=lambda case: "-".join(map(str, case.values())))
def test_convolutions_and_their_gradients(case: dict[str, int], wanted: tuple[bool, bool]) -> None:
    settings: Any = {key: value for key, value in case.items() if key != "places"}
    places, groups = case["places"], case["groups"]
    x, weight = random(2, 4, *([7] * places)), random(8, 4 // groups, *([3] * places))
    run: Any = (functional.conv1d, functional.conv2d, functional.conv3d)[places - 1]
    forward, backward = Machine(), Machine()
    out = run(x, weight, **settings)
    assert same(out, convolve(forward, x.numpy(), weight.numpy(), **settings))
    gradient = random(*out.shape)
    brute = convolve_backward(
        backward, gradient.numpy(), x.numpy(), weight.numpy(), wanted=wanted, **settings
    )
    check(lambda a, b: run(a, b, **settings), (x, weight), gradient, wanted, forward, backward, brute)


@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("case", one_in(5, CONVOLUTIONS), ids=lambda case: "-".join(map(str, case.values())))
def test_transposed_convolutions_and_their_gradients(case: dict[str, int], wanted: tuple[bool, bool]) -> None:
    settings: Any = {key: value for key, value in case.items() if key != "places"}
    places, groups = case["places"], case["groups"]
    x, weight = random(2, 8, *([4] * places)), random(8, 4 // groups, *([3] * places))
    spare: Any = {"output_padding": case["stride"] - 1}
    run: Any = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[
        places - 1
    ]
    forward, backward = Machine(), Machine()
    out = run(x, weight, **settings, **spare)
    trimmed = convolve_transposed(forward, x.numpy(), weight.numpy(), output_padding=0, **settings)
    assert same(out[(..., *(slice(n) for n in trimmed.shape[2:]))], trimmed)
    gradient = torch.zeros_like(out)
    gradient[(..., *(slice(n) for n in trimmed.shape[2:]))] = random(*trimmed.shape)
    cut = gradient[(..., *(slice(n) for n in trimmed.shape[2:]))]
    brute = convolve_transposed_backward(
        backward, cut.numpy(), x.numpy(), weight.numpy(), wanted=wanted, **settings
    )
    check(
        lambda a, b: run(a, b, **settings, **spare), (x, weight), gradient, wanted, forward, backward, brute
    )


def check(
    run: Callable[..., Any],
    operands: tuple[Any, Any],
    gradient: Any,
    wanted: tuple[bool, bool],
    forward: Machine,
    backward: Machine,
    brute: Any,
) -> None:
    """A pass forward and one backward, counted each on its own."""
    leaves = [each.clone().requires_grad_(need) for each, need in zip(operands, wanted, strict=True)]
    outs: list[Any] = []
    assert products(lambda: outs.append(run(*leaves))) == forward.flops
    assert products(lambda: outs[0].backward(gradient)) == backward.flops
    for leaf, expected in zip(leaves, brute, strict=True):
        assert leaf.grad is None or same(leaf.grad, expected)


def test_a_convolution_without_a_batch() -> None:
    x, weight, machine = random(4, 7), random(2, 4, 3), Machine()
    brute = convolve(machine, x.numpy()[None], weight.numpy(), stride=1, padding=0, dilation=1, groups=1)
    assert same(functional.conv1d(x, weight), brute[0])
    assert products(lambda: functional.conv1d(x, weight)) == machine.flops


def test_a_convolution_over_time() -> None:
    x, weight, machine = random(7, 2, 4), random(3, 4, 5), Machine()
    convolve(
        machine,
        x.permute(1, 2, 0).numpy(),
        weight.permute(2, 1, 0).numpy(),
        stride=1,
        padding=1,
        dilation=1,
        groups=1,
    )
    assert products(lambda: torch.conv_tbc(x, weight, torch.zeros(5, dtype=x.dtype), 1)) == machine.flops


ATTENTION = [
    *({"heads": (2, 2), "lengths": (5, 5), "causal": causal} for causal in (False, True)),
    *({"heads": (2, 2), "lengths": (3, 6), "causal": causal} for causal in (False, True)),
    *({"heads": (2, 2), "lengths": (6, 3), "causal": causal} for causal in (False, True)),
    *({"heads": (4, 2), "lengths": (5, 5), "causal": causal} for causal in (False, True)),
    {"heads": (4, 1), "lengths": (5, 4), "causal": False},
    {"heads": (2, 2), "lengths": (5, 5), "causal": False, "masked": True},
]


@pytest.mark.parametrize("case", ATTENTION, ids=lambda case: "-".join(map(str, case.values())))
def test_fused_attention_on_the_cpu(case: dict[str, Any]) -> None:
    (heads, shared), (queries, keys), causal = case["heads"], case["lengths"], case["causal"]
    q, k, v = random(2, heads, queries, 8), random(2, shared, keys, 8) + 1, random(2, shared, keys, 8)
    mask = torch.arange(keys) % 2 == torch.arange(queries)[:, None] % 2 if case.get("masked") else None
    told = {"is_causal": causal, "enable_gqa": heads != shared, "attn_mask": mask}
    forward, backward = Machine(), Machine()
    arrays = [each.numpy() for each in (q, k, v)]
    seen = None if mask is None else mask.numpy()
    leaves = [each.requires_grad_() for each in (q, k, v)]
    outs: list[Any] = []
    tally = count(lambda: outs.append(functional.scaled_dot_product_attention(*leaves, **told)))
    assert same(outs[0], attend(forward, *arrays, causal=causal, mask=seen))
    assert tally.products == {"float64": forward.flops}
    gradient = random(*outs[0].shape)
    brute = attend_backward(backward, gradient.numpy(), *arrays, causal=causal, mask=seen)
    assert products(lambda: outs[0].backward(gradient)) == backward.flops
    assert all(same(leaf.grad, expected) for leaf, expected in zip(leaves, brute, strict=True))


def test_attention_made_of_products_computes_every_pair() -> None:
    """Dropout keeps it from being fused: then a causal mask is applied to scores that were all computed."""
    q, machine = random(1, 2, 5, 8), Machine()
    attend(machine, q.numpy(), q.numpy(), q.numpy(), causal=False)
    work = functional.scaled_dot_product_attention
    assert products(lambda: work(q, q, q, dropout_p=0.5, is_causal=True)) == machine.flops


@pytest.mark.parametrize("train", [False, True])
def test_lstm_layers(train: bool) -> None:
    network = torch.nn.LSTM(6, 4, dtype=torch.float32).train(train)
    x, machine = random(5, 3, 6).float(), Machine()
    weights = [each.detach().double().numpy() for each in network.parameters()]
    brute = run_lstm(machine, x.double().numpy(), weights[0], weights[1], weights[2] + weights[3])
    outs: list[Any] = []
    assert products(lambda: outs.append(network(x)[0])) == machine.flops
    assert np.allclose(outs[0].detach().numpy(), brute, atol=1e-5)
    # Backward meets every weight twice: for the gradient of its input and for its own.
    assert products(lambda: outs[0].sum().backward()) == 2 * machine.flops


@pytest.mark.parametrize("kind", [torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"bidirectional": True}, {"batch_first": True}])
def test_recurrent_networks_meet_every_weight_at_every_step(kind: Any, options: dict[str, Any]) -> None:
    network = kind(6, 4, **options)
    matrices = [each for name, each in network.named_parameters() if "weight" in name]
    machine = Machine()
    for matrix in matrices:
        machine.multiply_matrices(np.ones((5 * 3, matrix.shape[1])), matrix.detach().numpy().T)
    assert products(lambda: network(torch.ones(5, 3, 6))) == machine.flops


def encoder(machine: Machine, x: Any, layer: Any) -> None:
    """The products of an encoder layer, from its modules' weights."""
    rows = flat(x)
    width = x.shape[-1]
    for weight in (layer.self_attn.in_proj_weight, layer.self_attn.out_proj.weight):
        machine.multiply_matrices(rows, weight.detach().double().numpy().T)
    heads = layer.self_attn.num_heads
    q = np.ones((x.shape[0], heads, x.shape[1], width // heads))
    attend(machine, q, q, q, causal=False)
    machine.multiply_matrices(rows, layer.linear1.weight.detach().double().numpy().T)
    machine.multiply_matrices(
        np.ones((len(rows), layer.linear1.out_features)), layer.linear2.weight.detach().numpy().T
    )


def test_the_fast_path_of_an_encoder_layer() -> None:
    layer = torch.nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, dropout=0.0).eval()
    x, machine = random(2, 5, 8).float(), Machine()
    encoder(machine, x.double(), layer)
    with torch.no_grad():
        fast = count(lambda: layer(x))
    assert fast.products == {"float32": machine.flops}
    assert not fast.elements, "it is one operation"
    assert products(lambda: layer(x)) == machine.flops, "with gradients it is many"


@pytest.mark.parametrize("lengths", [(5, 5), (3, 3)])
def test_the_fast_path_of_attention(lengths: tuple[int, int]) -> None:
    layer = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = random(2, lengths[0], 8).float()
    with torch.no_grad():
        fast = products(lambda: layer(x, x, x))
    assert fast == products(lambda: layer(x, x, x))


def test_tf32_is_a_rate_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class OnGpu:
        dtype, device = torch.float32, torch.device("cuda")

    a: Any = OnGpu()
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert find_rate("convolution", (a,)) == find_rate("_cudnn_rnn", (a,)) == "tf32"
    assert find_rate("mm", (a,)) == "float32"
    assert find_rate("mm", (torch.ones(1, dtype=torch.complex64),)) == "float32"
