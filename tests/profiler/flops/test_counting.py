"""The mode that counts: what it counts, what it leaves alone, and what it says that it does not know."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from running.counted import count

torch: Any = pytest.importorskip("torch")

from flopprof.profiler import register_flops  # noqa: E402
from flopprof.profiler.flops.counting import CountingMode, Current  # noqa: E402
from flopprof.profiler.flops.registry import registry  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

pytestmark = pytest.mark.torch

ONE = 2 * 8 * 8 * 8


def square() -> Any:
    return torch.ones(8, 8)


@pytest.mark.parametrize(
    ("name", "work", "flops"),
    [
        ("a product", lambda: torch.ones(64, 32) @ torch.ones(32, 64), 2 * 64 * 32 * 64),
        ("an outer product", lambda: torch.outer(torch.ones(64), torch.ones(64)), None),
        ("random numbers", lambda: torch.rand(64), None),
        ("a sum", lambda: torch.ones(64, 64).sum(0), None),
        ("an activation", lambda: torch.ones(64).relu(), None),
        ("a transform", lambda: torch.fft.fft(torch.ones(64)), None),
        ("a decomposition", lambda: torch.linalg.svd(torch.ones(8, 8)), None),
        ("a view and a copy", lambda: torch.ones(8, 8).t().clone(), 0),
        ("a small sum beside", lambda: (torch.ones(256, 512) @ torch.ones(512, 64)).sum(), 2**24),
        ("a large sum beside", lambda: (torch.ones(64, 1) @ torch.ones(1, 64)).sum(), None),
        ("a sparse product", lambda: torch.eye(8).to_sparse() @ torch.ones(8, 8), None),
    ],
)
def test_a_count_is_used_only_where_it_is_right(name: str, work: Any, flops: int | None) -> None:
    assert count(work).flops == flops


TABLE, ROWS = 1000, 5


def update(work: Callable[[Any, Any, Any], object]) -> Callable[[], object]:
    """Work on a table, the numbers of a few of its rows, and as many rows."""
    table, at, rows = torch.zeros(TABLE, 4), torch.arange(ROWS), torch.ones(ROWS, 4)
    return lambda: work(table, at, rows)


@pytest.mark.parametrize(
    ("work", "elements"),
    [
        (lambda table, at, rows: table.index_put_((at,), rows), 0),
        (lambda table, at, rows: table.__setitem__((slice(None), at[:2]), rows[0, 0]), 0),
        (lambda table, at, rows: table.index_put_((at,), rows, accumulate=True), 4 * ROWS),
        (
            lambda table, at, rows: table.index_put_((at[:, None], at[:2]), rows[0, 0], accumulate=True),
            2 * ROWS,
        ),
        (lambda table, at, rows: table.index_put_((table[:, 0] > 0,), rows[0], accumulate=True), 5 * TABLE),
        (lambda table, at, rows: table.put_(at, rows[:, 0]), 0),
        (lambda table, at, rows: table.put_(at, rows[:, 0], accumulate=True), ROWS),
        (lambda table, at, rows: torch.put(table, at, rows[:, 0], accumulate=True), ROWS),
        (lambda table, at, rows: table.index_add_(0, at, rows), 4 * ROWS),
        (lambda table, at, rows: table.scatter_add_(0, at[:, None].expand(-1, 4), rows), 4 * ROWS),
        (lambda table, at, rows: functional.embedding_bag(at, table, at[:2]), 4 * ROWS),
    ],
)
def test_a_few_rows_of_a_table_are_all_that_is_computed(work: Any, elements: int) -> None:
    assert count(update(work)).elements == elements


@pytest.mark.parametrize("sparse", [False, True])
def test_gradients_of_tables_are_those_of_the_rows_that_were_read(sparse: bool) -> None:
    at = torch.arange(ROWS)
    for layer in (
        torch.nn.Embedding(TABLE, 4, sparse=sparse),
        torch.nn.EmbeddingBag(TABLE, 4, sparse=sparse),
    ):
        out = layer(at) if isinstance(layer, torch.nn.Embedding) else layer(at, at[:2])
        tally = count(lambda out=out: out.backward(torch.ones_like(out)))
        assert not tally.unknown
        assert tally.elements < TABLE


def test_nested_tensors_run_as_if_nobody_counted() -> None:
    """Their matrix product is not made of the parts that others' is."""
    rows = [torch.ones(length, 8) for length in (4, 6)]
    heads = torch.nested.nested_tensor(rows, layout=torch.jagged).unflatten(-1, [2, 4]).transpose(1, 2)
    outs: list[Any] = []
    tally = count(lambda: outs.append(functional.scaled_dot_product_attention(heads, heads, heads)))
    plain = functional.scaled_dot_product_attention(heads, heads, heads)
    assert torch.equal(outs[0].values(), plain.values())
    assert "aten::matmul: it has no formula for sparse or nested tensors" in tally.unknown


def test_unknown_operations_are_named() -> None:
    assert list(count(lambda: torch.fft.fft(torch.ones(4))).unknown) == ["aten::_fft_r2c has no formula"]
    sparse = torch.eye(4).to_sparse()
    assert list(count(lambda: sparse @ torch.ones(4, 4)).unknown) == [
        "aten::mm: it has no formula for sparse or nested tensors"
    ]


def test_abstract_tensors_compute_nothing() -> None:
    abstract = torch.ones(8, 8, device="meta")
    tally = count(lambda: torch.fft.fft(abstract @ abstract))
    assert (tally.products, tally.elements, tally.unknown) == ({}, 0, {})


def test_parts_of_composite_operations_are_counted_in_inference_mode() -> None:
    with torch.inference_mode():
        a = square()
        assert count(lambda: torch.matmul(a, a)).flops == ONE
        assert list(count(lambda: torch.stft(torch.ones(64), 16, return_complex=True)).unknown) == [
            "aten::_fft_r2c has no formula"
        ]


class Wrapped(torch.Tensor):
    """A subclass that takes operations apart."""

    inner: Any

    @staticmethod
    def __new__(cls, inner: Any) -> Any:
        made = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        plain = [arg.inner if isinstance(arg, Wrapped) else arg for arg in args]
        func(*plain)  # twice as much as it looks like
        return Wrapped(func(*plain, **(kwargs or {})))


def test_what_a_subclass_makes_of_an_operation_is_counted() -> None:
    a = Wrapped(square())
    assert count(lambda: torch.mm(a, a)).flops == 2 * ONE


def test_a_distributed_tensor_counts_what_this_process_computes() -> None:
    distributed = pytest.importorskip("torch.distributed")
    if not distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor
    from torch.testing._internal.distributed.fake_pg import FakeStore

    distributed.init_process_group("fake", rank=0, world_size=4, store=FakeStore())
    try:
        mesh = init_device_mesh("cpu", (4,))
        a = distribute_tensor(square(), mesh, [Shard(0)])
        b = distribute_tensor(square(), mesh, [Replicate()])
        assert count(lambda: a @ b).products == {"float32": ONE // 4}
    finally:
        distributed.destroy_process_group()


def test_threads_that_are_nowhere_are_counted_apart() -> None:
    mode = CountingMode(Current())
    alive = threading.Barrier(2)  # a thread that begins after another's end may get its number

    def work() -> None:
        alive.wait()
        mode.begin()
        torch.mm(square(), square())
        mode.end()
        alive.wait()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [tally.flops for tally in mode.take_loose()] == [ONE, ONE]
    assert list(mode.take_loose()) == []


def test_ending_leaves_modes_that_others_began() -> None:
    class Other(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func)
            return func(*args, **(kwargs or {}))

    seen: list[Any] = []
    mode = CountingMode(Current())
    mode.begin()
    with Other():
        mode.end()
        mode.end()  # nothing to end
        square()
    assert len(seen) == 1
    assert torch._C._len_torch_dispatch_stack() == 0


def test_a_tensor_that_nothing_seen_filled_is_noticed() -> None:
    def fill_unseen() -> Any:
        out = torch.empty(8, 8)
        out.numpy()[:] = 1  # as a kernel of Triton's or CuPy's does, behind the dispatcher
        return out

    assert list(count(lambda: fill_unseen() @ square()).unknown) == [
        "something that PyTorch does not see filled a tensor"
    ]
    for fill in (
        torch.Tensor.zero_,
        torch.Tensor.normal_,
        lambda t: t.copy_(square()),
        lambda t: t[0].fill_(1),
    ):
        assert not count(lambda fill=fill: fill(torch.empty(8, 8)) @ square()).unknown
    assert not count(lambda: torch.mm(square(), square(), out=torch.empty(8, 8)).relu()).unknown
    assert not count(lambda: torch.cat([torch.empty(0), torch.ones(3)]).sum()).unknown


def test_what_a_product_is_added_to_zero_times_is_not_read() -> None:
    """Attention scores are made so: `beta=0` reads no element of the empty tensor."""
    batch = torch.ones(3, 8, 8)
    tally = count(lambda: torch.baddbmm(torch.empty(3, 8, 8), batch, batch, beta=0, alpha=0.5))
    assert (tally.products, tally.unknown) == ({"float32": 3 * ONE}, {})
    read = count(lambda: torch.baddbmm(torch.empty(3, 8, 8), batch, batch))
    assert list(read.unknown) == ["something that PyTorch does not see filled a tensor"]


def test_memory_used_again_is_no_unfilled_tensor() -> None:
    def work() -> None:
        for _ in range(50):
            torch.empty(1000)
            (torch.ones(1000) + 1).sum()

    assert not count(work).unknown


@pytest.fixture
def custom() -> Any:
    library = torch.library.Library("flopprof_test", "FRAGMENT")
    library.define("product(Tensor a, Tensor b) -> Tensor")
    library.impl("product", lambda a, b: a @ b, "CPU")
    yield torch.ops.flopprof_test.product
    registry().__init__()
    library._destroy()


def test_a_custom_operation_is_unknown_until_it_has_a_formula(custom: Any) -> None:
    a = square()
    assert list(count(lambda: custom(a, a)).unknown) == ["flopprof_test::product has no formula"]
    register_flops(custom, lambda a, b: 2 * a.shape[0] * a.shape[1] * b.shape[1])
    assert count(lambda: custom(a, a)).flops == ONE
    register_flops("flopprof_test::product", lambda a, b: None)
    assert list(count(lambda: custom(a, a)).unknown) == [
        "flopprof_test::product: the program's formula gives no number"
    ]


def test_what_a_program_told_torch_is_used(custom: Any) -> None:
    from torch.utils.flop_counter import flop_registry, register_flop_formula

    register_flop_formula(custom)(lambda a_shape, b_shape, *, out_shape: 7 * a_shape[0])
    try:
        assert count(lambda: custom(square(), square())).flops == 56
    finally:
        del flop_registry[custom]


def test_an_operation_made_by_a_decorator() -> None:
    @torch.library.custom_op("flopprof_test::doubled", mutates_args=())
    def doubled(a: Tensor) -> Tensor:
        return 2 * a

    register_flops(doubled, lambda a: 3 * a.numel())
    assert count(lambda: doubled(square())).flops == 3 * 64


@pytest.mark.parametrize("op", [len, "mm", None, torch.mm])
def test_what_is_no_operation_is_refused(op: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^register_flops takes a custom operation, its name such as 'mine::op'"
    ):
        register_flops(op, lambda: 1)


def test_a_formula_must_be_a_function() -> None:
    with pytest.raises(TypeError, match=r"^the formula of mine::op must be a function, got 3$"):
        register_flops("mine::op", 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("flops", [-1, float("nan"), float("inf")])
def test_a_formula_that_gives_no_amount_gives_none(custom: Any, flops: float) -> None:
    register_flops(custom, lambda a, b: flops)
    assert list(count(lambda: custom(square(), square())).unknown) == [
        f"flopprof_test::product: the program's formula gives {flops}"
    ]


def test_a_formula_that_fails_does_not_end_the_program(custom: Any) -> None:
    register_flops(custom, lambda a: 1)
    assert list(count(lambda: custom(square(), square())).unknown) == [
        "flopprof_test::product: its formula failed (TypeError)"
    ]
