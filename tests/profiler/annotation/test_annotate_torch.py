"""Ranges around PyTorch modules, forward and backward: what they say that a pass computed."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from drawing.draws import draws
from hypothesis import given
from hypothesis import strategies as st
from running.patience import PATIENCE_SECONDS
from running.spied_nvtx import SpiedNvtx, read_flops, spied_nvtx

torch = pytest.importorskip("torch")

from flopprof.profiler import annotate_torch  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:.*have no FLOPs.*:RuntimeWarning")]

Module: Any = torch.nn.Module


@pytest.fixture
def nvtx(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpiedNvtx]:
    with spied_nvtx(monkeypatch) as spy:
        yield spy


class Residual(Module):
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


ONE = 2 * 128 * 256 * 512
"""One product of Residual(256) with 128 rows."""


def rows(n: int = 256, *, grad: bool = False) -> Any:
    return torch.rand(128, n, requires_grad=grad)


def test_modules_nest_and_every_pass_carries_its_flops(nvtx: SpiedNvtx) -> None:
    model = Residual(256)
    annotate_torch(model)
    for _ in range(2):
        nvtx.clear()
        model(rows())
        assert [(each.depth, each.name, each.flops) for each in nvtx.ranges] == [
            (0, "Residual.forward", 2 * ONE),
            (1, "up.forward", ONE),
            (1, "relu.forward", None),
            (1, "down.forward", ONE),
        ]


def test_two_models_of_one_class_are_told_apart_by_names(nvtx: SpiedNvtx) -> None:
    generator, critic = Residual(256), Residual(256)
    annotate_torch(generator, name="generator")
    annotate_torch(critic, name="critic")
    critic(generator(rows())).sum().backward()
    told = {each.name.rpartition(".")[0] for each in nvtx.ranges}
    assert told == {
        f"{one}{part}" for one in ("generator", "critic") for part in ("", ".up", ".relu", ".down")
    }
    for one in ("generator", "critic"):
        forward = [each for each in nvtx.ranges if each.name == f"{one}.forward"]
        assert read_flops(forward) == 2 * ONE


def test_a_kind_of_arithmetic_is_said_beside_a_figure(nvtx: SpiedNvtx) -> None:
    model = torch.nn.Linear(64, 64, bias=False)
    annotate_torch(model)
    model(torch.rand(8, 64))
    with torch.autocast("cpu", torch.bfloat16):
        model(torch.rand(8, 64))
    one = 2 * 8 * 64 * 64
    assert [each.marks for each in nvtx.ranges] == [[("flops:float32", one)], [("flops:bfloat16", one)]]


def test_backward_is_credited_to_the_module_whose_forward_made_it(nvtx: SpiedNvtx) -> None:
    model = Residual(256)
    annotate_torch(model)
    model(rows()).sum().backward()
    assert {each.depth for each in nvtx.ranges if each.name.endswith(".backward")} == {0}
    # The input needs no gradient, so of `up` only the weight's product is computed.
    assert (nvtx.total("up.backward"), nvtx.total("down.backward")) == (ONE, 2 * ONE)
    assert nvtx.total("relu.backward") is None
    assert "Residual.backward" in nvtx.names()


def test_results_and_gradients_are_those_of_the_plain_model(nvtx: SpiedNvtx) -> None:
    torch.manual_seed(1)
    plain, marked = Residual(8), Residual(8)
    marked.load_state_dict(plain.state_dict())
    annotate_torch(marked)
    x = torch.rand(4, 8)
    for _ in range(2):
        for model in (plain, marked):
            model(x).square().sum().backward()
    for one, other in zip(plain.parameters(), marked.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_removed_handles_leave_nothing(nvtx: SpiedNvtx) -> None:
    call, compile = Module.__call__, torch.compile
    model = Residual(8)
    handles = annotate_torch(model)
    assert Module.__call__ is not call
    for handle in (*handles, *handles):
        handle.remove()
    model(rows(8)).sum().backward()
    assert nvtx.ranges == []
    assert (Module.__call__, torch.compile) == (call, compile)


def test_a_model_may_be_annotated_again(nvtx: SpiedNvtx) -> None:
    model = Residual(8)
    first = annotate_torch(model)
    annotate_torch(model)
    for handle in first:
        handle.remove()
    model(rows(8))
    assert [each.name for each in nvtx.ranges] == [
        "Residual.forward",
        *("up.forward", "relu.forward", "down.forward"),
    ]


def test_a_failing_forward_closes_its_ranges(nvtx: SpiedNvtx) -> None:
    model = Residual(8)
    annotate_torch(model)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            model(torch.rand(4, 9))
        assert nvtx.open_ranges() == []
    model(rows(8))
    assert nvtx.flops("up.forward")[-1] == 2 * 128 * 8 * 16


class Failing(torch.autograd.Function):
    """Its backward raises."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise ZeroDivisionError


def test_a_failing_backward_closes_its_ranges(nvtx: SpiedNvtx) -> None:
    class Raises(Module):
        def forward(self, x: Any) -> Any:
            return Failing.apply(x)

    model = torch.nn.Sequential(torch.nn.Linear(64, 64, bias=False), Raises())
    annotate_torch(model)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            model(rows(64)).sum().backward()
        assert nvtx.open_ranges() == []
    nvtx.clear()
    model[0](rows(64)).sum().backward()
    assert nvtx.total("0.backward") == 2 * 128 * 64 * 64


def test_copies_of_an_annotated_model_are_not_annotated(nvtx: SpiedNvtx) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 8))
    annotate_torch(model)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other(rows(8))
    assert nvtx.ranges == []


class EarlyExit(Module):
    """Runs as many layers as its state says."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(32, 32, bias=False) for _ in range(4))
        self.depth = 4

    def forward(self, x: Any) -> Any:
        for layer in self.layers[: self.depth]:
            x = layer(x)
        return x


@given(depths=st.lists(st.integers(0, 4), min_size=1, max_size=5), backward=st.booleans())
@draws(15)
def test_a_parent_computes_what_its_children_do(depths: list[int], backward: bool) -> None:
    with pytest.MonkeyPatch.context() as patch, spied_nvtx(patch) as nvtx:
        model = EarlyExit()
        annotate_torch(model)
        for depth in depths:
            model.depth = depth
            out = model(torch.rand(8, 32, requires_grad=True))
            if backward and depth:
                out.sum().backward()
        one = 2 * 8 * 32 * 32
        assert nvtx.flops("EarlyExit.forward") == [one * depth for depth in depths]
        for at in range(4):
            passes = sum(depth > at for depth in depths)
            assert nvtx.flops(f"layers.{at}.forward") == [one] * passes
            assert nvtx.total(f"layers.{at}.backward") == (2 * one * passes if passes and backward else None)


class Cached(Module):
    """Attention with keys and values of earlier calls."""

    keys: Any = None

    def forward(self, x: Any) -> Any:
        self.keys = x if self.keys is None else torch.cat([self.keys, x])
        return (x @ self.keys.t()) @ self.keys


def test_a_cache_in_a_module_makes_every_pass_larger(nvtx: SpiedNvtx) -> None:
    model = Cached()
    annotate_torch(model)
    for _ in range(3):
        model(torch.rand(64, 1024))
    assert nvtx.flops("Cached.forward") == [4 * 64 * 1024 * length for length in (64, 128, 192)]


def test_a_mixture_counts_the_experts_that_ran(nvtx: SpiedNvtx) -> None:
    class Mixture(Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = torch.nn.ModuleList(torch.nn.Linear(64, 64, bias=False) for _ in range(3))

        def forward(self, x: Any, chosen: Any) -> Any:
            return torch.cat([self.experts[at](x[chosen == at]) for at in chosen.unique()])

    model = Mixture()
    annotate_torch(model)
    chosen = torch.tensor([0] * 5 + [2] * 3)
    model(torch.rand(8, 64), chosen)
    each = 2 * 64 * 64
    assert nvtx.total("Mixture.forward") == 8 * each
    assert (nvtx.total("experts.0.forward"), nvtx.flops("experts.1.forward")) == (5 * each, [])
    assert nvtx.total("experts.2.forward") == 3 * each


def test_weights_that_are_frozen_and_unfrozen(nvtx: SpiedNvtx) -> None:
    model = torch.nn.Conv2d(8, 8, 3, padding=1, bias=False)
    annotate_torch(model)
    x = torch.rand(2, 8, 8, 8, requires_grad=True)
    for wanted in (False, False, True, True):
        model.weight.requires_grad_(wanted)
        model(x).sum().backward()
    one = 2 * 2 * 64 * 8 * 8 * 9
    assert nvtx.flops("Conv2d.backward") == [one, one, 2 * one, 2 * one]


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("early_stop", [True, False])
def test_what_is_recomputed_is_counted_as_far_as_it_runs(
    nvtx: SpiedNvtx, reentrant: bool, early_stop: bool
) -> None:
    from torch.utils.checkpoint import set_checkpoint_early_stop

    class Checkpointed(Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = (torch.nn.Linear(64, 64, bias=False) for _ in range(2))

        def forward(self, x: Any) -> Any:
            return checkpoint(lambda x: self.b(self.a(x)), x, use_reentrant=reentrant)

    model = Checkpointed()
    annotate_torch(model)
    with set_checkpoint_early_stop(early_stop):
        model(torch.rand(32, 64, requires_grad=True)).sum().backward()
    one = 2 * 32 * 64 * 64
    stops = early_stop and not reentrant  # before the last product, whose input is all that backward needs
    assert nvtx.flops("a.forward") == [one, one]
    assert nvtx.flops("b.forward") == [one, 0 if stops else one]
    assert nvtx.total("Checkpointed.forward") == 2 * one


def test_fast_paths_stay_and_are_counted(nvtx: SpiedNvtx) -> None:
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, dropout=0.0)
    model = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    x = torch.rand(2, 16, 32)
    with torch.no_grad():
        plain = operations(lambda: model(x))
        annotate_torch(model)
        assert operations(lambda: model(x)) == plain
    assert plain.count("aten::_transformer_encoder_layer_fwd") == 2
    one = 2 * (2 * 16 * 32 * (3 * 32 + 32 + 2 * 64) + 2 * 2 * 16 * 16 * 32)
    assert [each[-1] for each in (nvtx.flops("layers.0.forward"), nvtx.flops("layers.1.forward"))] == [
        one
    ] * 2
    assert nvtx.flops("TransformerEncoder.forward")[-1] == 2 * one
    assert "layers.0.linear1.forward" not in nvtx.names()


def operations(work: Any) -> list[str]:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Log(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func._schema.name)
            return func(*args, **(kwargs or {}))

    seen: list[str] = []
    with Log():
        work()
    return seen


def test_hooks_of_a_program_run_as_they_would(nvtx: SpiedNvtx) -> None:
    model, seen = torch.nn.Linear(64, 64, bias=False), list[str]()
    model.register_forward_pre_hook(lambda module, args: seen.append("pre"))
    model.register_forward_hook(lambda module, args, out: seen.append("post"))
    model.register_full_backward_hook(lambda module, grads, out: seen.append("backward"))
    annotate_torch(model)
    model(rows(64, grad=True)).sum().backward()
    assert seen == ["pre", "post", "backward"]
    assert (nvtx.total("Linear.forward"), nvtx.total("Linear.backward")) == (2 * 128 * 64**2, 4 * 128 * 64**2)


def test_an_annotated_module_can_be_scripted_traced_and_exported(nvtx: SpiedNvtx) -> None:
    model, x = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU()).eval(), rows(8)
    with torch.no_grad():
        annotate_torch(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced, scripted = torch.jit.trace(model, x), torch.jit.script(model)
        exported = torch.export.export(model, (x,)).module()
        nvtx.clear()
        for made in (traced, scripted, exported):
            assert torch.allclose(made(x), model(x))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_modules_keep_their_flops(nvtx: SpiedNvtx, backend: str) -> None:
    model = Residual(256)
    annotate_torch(model)
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    for _ in range(2):
        nvtx.clear()
        compiled(rows(grad=True)).sum().backward()
        forward = [each for each in nvtx.ranges if "forward" in each.name]
        assert [(each.name, each.flops) for each in forward] == [("Residual.forward", 2 * ONE)]
        assert nvtx.total("Residual.backward") == 4 * ONE


def test_a_compiled_module_without_parameters_has_a_range(nvtx: SpiedNvtx) -> None:
    class Product(Module):
        def forward(self, a: Any) -> Any:
            return a @ a

    model = Product()
    annotate_torch(model)
    torch.compile(model, backend="eager")(torch.rand(32, 32))
    assert nvtx.flops("Product.forward") == [2 * 32**3]


def test_a_compiled_module_that_falls_back_has_one_range(nvtx: SpiedNvtx) -> None:
    class Broken(Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = (torch.nn.Linear(64, 64, bias=False) for _ in range(2))

        def forward(self, x: Any) -> Any:
            x = self.a(x)
            torch._dynamo.graph_break()
            return self.b(x)

    model = Broken()
    annotate_torch(model)
    torch.compile(model, backend="eager")(torch.rand(32, 64))
    assert nvtx.flops("Broken.forward") == [4 * 32 * 64 * 64]


def test_a_compiled_function_is_named_after_the_modules_whose_parameters_it_uses(nvtx: SpiedNvtx) -> None:
    model = Residual(256)
    annotate_torch(model)
    torch.compile(lambda x: model(x).relu(), backend="eager")(rows())
    assert nvtx.flops("Residual.forward (compiled)") == [2 * ONE]


def test_a_compiled_part_of_an_annotated_model(nvtx: SpiedNvtx) -> None:
    model: Any = torch.nn.Sequential(torch.nn.Linear(64, 64, bias=False), Residual(64))
    model[1].compile(backend="aot_eager")
    annotate_torch(model)
    model(torch.rand(32, 64, requires_grad=True)).sum().backward()
    one = 2 * 32 * 64 * 64
    assert nvtx.total("0.forward") == one
    assert nvtx.total("1.forward") == 4 * one
    assert nvtx.total("Sequential.forward") == 5 * one
    assert (nvtx.total("0.backward"), nvtx.total("1.backward")) == (2 * one, 8 * one)


def test_a_backward_pass_beside_a_forward_of_another_thread_is_no_part_of_it(nvtx: SpiedNvtx) -> None:
    """As where actors run the model that a learner trains."""
    begun, done = threading.Event(), threading.Event()

    class Waiting(Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(256, 512)

        def forward(self, x: Any, wait: bool = False) -> Any:
            out = self.linear(x)
            if wait:
                begun.set()
                done.wait(PATIENCE_SECONDS)
            return out

    model = Waiting()
    annotate_torch(model)
    loss = model(rows()).sum()
    actor = threading.Thread(target=lambda: model(rows(), wait=True))
    actor.start()
    assert begun.wait(PATIENCE_SECONDS)
    loss.backward()
    done.set()
    actor.join()
    assert nvtx.flops("Waiting.forward") == [ONE, ONE]
    assert nvtx.total("linear.backward") == ONE


def test_other_threads_work_is_counted_apart(nvtx: SpiedNvtx) -> None:
    models = [torch.nn.Linear(64, 64, bias=False) for _ in range(2)]
    for model in models:
        annotate_torch(model)
    start = threading.Barrier(2)

    def work(model: Any) -> None:
        start.wait()
        for _ in range(10):
            model(torch.rand(32, 64))

    threads = [threading.Thread(target=work, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert nvtx.flops("Linear.forward") == [2 * 32 * 64 * 64] * 20


def test_what_has_no_formula_is_named_once_and_to_the_author(nvtx: SpiedNvtx) -> None:
    class Spectral(Module):
        def forward(self, x: Any) -> Any:
            return torch.fft.fft(x).real

    model = torch.nn.Sequential(torch.nn.Linear(64, 64), Spectral())
    annotate_torch(model)
    with pytest.warns(RuntimeWarning, match=r"^1 and what is around it have no FLOPs: aten::_fft_r2c has no"):
        model(rows(64))
    model(rows(64))
    assert nvtx.flops("1.forward") == nvtx.flops("Sequential.forward") == [None, None]
    assert nvtx.reasons("1.forward") == ["aten::_fft_r2c has no formula"]
    assert nvtx.flops("0.forward") == [2 * 128 * 64 * 64] * 2


def test_what_numpy_computes_of_a_tensor_is_unknown(nvtx: SpiedNvtx) -> None:
    class Elsewhere(Module):
        def forward(self, x: Any) -> Any:
            return torch.from_numpy(x.numpy() @ x.numpy())

    model, door = Elsewhere(), torch.Tensor.numpy
    handles = annotate_torch(model)
    model(torch.rand(8, 8))
    assert nvtx.reasons("Elsewhere.forward") == [
        "a tensor was handed to NumPy, whose work PyTorch does not see"
    ]
    for handle in handles:
        handle.remove()
    assert torch.Tensor.numpy is door
    assert torch.rand(3).numpy().shape == (3,)


def test_a_frame_that_the_compiler_gave_up_is_counted_as_it_runs(nvtx: SpiedNvtx) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    class Product(Module):
        def forward(self, a: Any, b: Any) -> Any:
            return a @ b

    model, a, b = Product(), *(torch.rand(3, 16, 16, requires_grad=True) for _ in range(2))
    compiled = torch.compile(model, backend="eager")
    with torch.no_grad(), FlopCounterMode(display=False):
        compiled(a, b)  # another mode, in which the compiler refuses
    annotate_torch(model)
    compiled(a, b).sum().backward()
    one = 2 * 3 * 16**3
    assert (nvtx.total("Product.forward"), nvtx.total("Product.backward")) == (one, 2 * one)


def test_attention_on_the_cpu(nvtx: SpiedNvtx) -> None:
    class Attention(Module):
        def forward(self, q: Any, causal: bool) -> Any:
            return functional.scaled_dot_product_attention(q, q, q, is_causal=causal)

    model = Attention()
    annotate_torch(model)
    q = torch.rand(1, 12, 64, 64)
    model(q, False)
    model(q, True)
    assert nvtx.flops("Attention.forward") == [4 * 12 * 64 * 64 * 64, 4 * 12 * (64 * 65 // 2) * 64]


def test_nothing_is_counted_where_nothing_records(nvtx: SpiedNvtx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvtx, "heard", False)
    model = torch.nn.Linear(8, 8)
    annotate_torch(model)
    model(rows(8))
    assert [(each.name, each.marks) for each in nvtx.ranges] == [("Linear.forward", [])]


def test_counting_can_be_left_out(nvtx: SpiedNvtx) -> None:
    model = torch.nn.Linear(8, 8)
    annotate_torch(model, flops=None)
    model(rows(8)).sum().backward()
    assert {each.flops for each in nvtx.ranges} == {None}
    with pytest.raises(ValueError, match=r"^flops must be 'every' or None, got 'once'$"):
        annotate_torch(model, flops="once")  # type: ignore[arg-type]
