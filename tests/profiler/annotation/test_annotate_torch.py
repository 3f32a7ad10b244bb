"""Ranges around PyTorch modules, and when torch's FLOPs may be believed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from flopprof.profiler import annotate_torch  # noqa: E402
from flopprof.profiler.annotation import torch_modules as torch_annotation  # noqa: E402
from flopprof.profiler.annotation.torch_flops import CountingMode  # noqa: E402

pytestmark = pytest.mark.torch

Pushed = list[tuple[int, str, int | None]]


class Stack:
    """NVTX that remembers pushes as (depth, name, FLOPs)."""

    def __init__(self) -> None:
        self.pushed: Pushed = []
        self.depth = 0

    def attributes(self, name: str, payload: int | None, color: object) -> tuple[str, int | None]:
        return name, payload

    def push(self, attributes: tuple[str, int | None]) -> None:
        self.pushed.append((self.depth, *attributes))
        self.depth += 1

    def pop(self) -> None:
        self.depth -= 1


@pytest.fixture
def nvtx(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    stack = Stack()
    monkeypatch.setattr(torch_annotation, "nvtx", lambda: stack)
    yield stack
    assert stack.depth == 0


class Residual(torch.nn.Module):
    """Works in place on what it got from its modules, as torchvision's models do."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.up = torch.nn.Linear(n, 2 * n)
        self.relu = torch.nn.ReLU(inplace=True)
        self.down = torch.nn.Linear(2 * n, n, bias=False)

    def forward(self, x: Any) -> Any:
        y = self.down(self.relu(self.up(x)))
        y += x
        return y


def backward_flops(pushed: Pushed, name: str) -> set[int | None]:
    return {flops for _, pushed_name, flops in pushed if pushed_name == name}


def test_modules_nest_and_carry_torchs_flops(nvtx: Stack) -> None:
    model = Residual(256)
    annotate_torch(model)
    x = torch.rand(128, 256)
    model(x)
    assert [name for _, name, _ in nvtx.pushed] == [
        "Residual.forward (counting)",
        "up.forward (counting)",
        "relu.forward (counting)",
        "down.forward (counting)",
    ]
    nvtx.pushed.clear()
    model(x)
    one = 2 * 128 * 256 * 512
    assert nvtx.pushed == [
        (0, "Residual.forward", 2 * one),
        (1, "up.forward", one),
        (1, "relu.forward", None),
        (1, "down.forward", one),
    ]


def test_backward_is_credited_to_the_module_whose_forward_made_it(nvtx: Stack) -> None:
    model = Residual(256)
    annotate_torch(model)
    x = torch.rand(128, 256)
    for _ in range(2):
        nvtx.pushed.clear()
        model(x).sum().backward()
    one = 2 * 128 * 256 * 512
    backward = [entry for entry in nvtx.pushed if entry[1].endswith(".backward")]
    assert {depth for depth, _, _ in backward} == {0}
    # The input needs no gradient, so of `up` only the weight's product is computed.
    assert backward_flops(backward, "up.backward") == {one, 0}
    assert backward_flops(backward, "down.backward") == {2 * one, 0}
    assert None in backward_flops(backward, "relu.backward")
    assert backward[0][1] == "Residual.backward"


def test_results_and_gradients_are_those_of_the_plain_model(nvtx: Stack) -> None:
    torch.manual_seed(1)
    plain = Residual(8)
    marked = Residual(8)
    marked.load_state_dict(plain.state_dict())
    annotate_torch(marked)
    x = torch.rand(4, 8)
    for _ in range(2):
        for model in (plain, marked):
            model(x).square().sum().backward()
    for one, other in zip(plain.parameters(), marked.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_removed_handles_leave_nothing(nvtx: Stack) -> None:
    model = Residual(8)
    for handle in annotate_torch(model):
        handle.remove()
    model(torch.rand(4, 8)).sum().backward()
    assert nvtx.pushed == []


def test_a_failing_forward_closes_its_ranges(nvtx: Stack) -> None:
    model = Residual(8)
    annotate_torch(model)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            model(torch.rand(4, 9))
        assert nvtx.depth == 0


def test_an_argument_that_is_no_tensor_leaves_a_module_uncounted(nvtx: Stack) -> None:
    class Cached(torch.nn.Module):
        def forward(self, x: Any, cache: object) -> Any:
            return x @ x

    model = Cached()
    annotate_torch(model)
    for _ in range(2):
        model(torch.rand(64, 64), object())
    assert nvtx.pushed == [(0, "Cached.forward", None)] * 2


def count(function: Any) -> int | None:
    mode = CountingMode()
    with mode:
        function()
    return mode.tallies[0].flops


@pytest.mark.parametrize(
    ("name", "work", "flops"),
    [
        ("matmul", lambda: torch.ones(64, 32) @ torch.ones(32, 64), 2 * 64 * 32 * 64),
        ("matvec", lambda: torch.ones(64, 64) @ torch.ones(64), None),
        ("outer", lambda: torch.outer(torch.ones(64), torch.ones(64)), None),
        ("random numbers", lambda: torch.rand(64), None),
        ("sum", lambda: torch.ones(64, 64).sum(0), None),
        ("relu", lambda: torch.ones(64).relu(), None),
        ("fft", lambda: torch.fft.fft(torch.ones(64)), None),
        ("a view and a copy", lambda: torch.ones(8, 8).t().clone(), 0),
        (
            "small sum beside a large product",
            lambda: (torch.ones(256, 512) @ torch.ones(512, 64)).sum(),
            2**24,
        ),
        ("large sum beside a small product", lambda: (torch.ones(64, 1) @ torch.ones(1, 64)).sum(), None),
    ],
)
def test_a_count_is_used_only_where_it_is_right(name: str, work: Any, flops: int | None) -> None:
    assert count(work) == flops


@given(m=st.integers(1, 40), k=st.integers(100, 200), n=st.integers(1, 40))
def test_a_product_counts_two_for_each_multiplication(m: int, k: int, n: int) -> None:
    a, b = torch.ones(m, k), torch.ones(k, n)
    assert count(lambda: torch.mm(a, b)) == 2 * m * k * n
