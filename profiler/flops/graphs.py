"""What a graph of PyTorch operations computes, forward and backward, from a run on fake tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from .call import tensors_in
from .counting import CountingMode, Current
from .tally import Tally

RECOMPUTING = "checkpoint"
"""Part of the names of operations of which backward computes parts again that lowering chooses."""

RECOMPUTED = "what a compiled graph computes again in backward is chosen when it is lowered"

Signature = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class GraphWork:
    """Of one call; without a backward pass that has nothing."""

    forward: Tally = field(default_factory=Tally)
    backward: Tally = field(default_factory=Tally)

    def fail(self, reason: str) -> None:
        """Nothing can be said of either."""
        self.forward.unknown[reason] = self.backward.unknown[reason] = None


class Graph:
    """A graph, kept from what its compiler does to it; its work depends on its inputs' shapes alone."""

    def __init__(self, module: torch.fx.GraphModule) -> None:
        kept = torch.fx.Graph()
        kept.output(kept.graph_copy(module.graph, val_map={}))
        self._module = torch.fx.GraphModule(module, kept)
        self._work: dict[Signature, GraphWork] = {}

    def count(self, args: Sequence[Any]) -> GraphWork:
        """Of a call with these arguments: one run for each combination of shapes."""
        key = (torch.is_grad_enabled(), *(_sign(value) for value in args))
        work = self._work.get(key)
        if work is None:
            work = self._work[key] = GraphWork()
            self._run(args, work)
        return work

    def _run(self, args: Sequence[Any], work: GraphWork) -> None:
        try:
            with FakeTensorMode(allow_non_fake_inputs=True), torch.set_grad_enabled(torch.is_grad_enabled()):
                self._run_on_fakes([_Input.like(value) for value in args], work)
        except Exception as error:  # whatever a program's operations raise
            work.fail(f"a compiled graph cannot be run on fake tensors ({type(error).__name__})")
        if any(RECOMPUTING in str(node.target) for node in self._module.graph.nodes):
            work.backward.unknown[RECOMPUTED] = None

    def _run_on_fakes(self, inputs: Sequence[_Input], work: GraphWork) -> None:
        with _counted(work.forward):
            outputs = torch.fx.Interpreter(self._module).run(*(each.value for each in inputs))
        results = [tensor for tensor in tensors_in((outputs,)) if tensor.requires_grad]
        leaves = [each.leaf for each in inputs if each.leaf is not None]
        if not results or not leaves:
            return
        gradients = [torch.empty_like(tensor) for tensor in results]
        with _counted(work.backward):
            torch.autograd.grad(results, leaves, gradients, allow_unused=True)


@dataclass(frozen=True, slots=True)
class _Input:
    """A fake in an argument's place, and the leaf behind it that gets its gradient."""

    value: Any
    leaf: Tensor | None = None

    @classmethod
    def like(cls, value: Any) -> _Input:
        """Not a leaf where the argument is none, for graphs that work in place."""
        if not isinstance(value, Tensor):
            return cls(value)
        fake = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=value.device)
        if not value.requires_grad:
            return cls(fake)
        leaf = fake.requires_grad_()
        return cls(leaf if value.is_leaf else leaf.view_as(leaf), leaf)


@contextmanager
def _counted(tally: Tally) -> Iterator[None]:
    current = Current()
    current.tally = tally
    mode = CountingMode(current, fake=True)
    mode.begin()
    try:
        yield
    finally:
        mode.end()


def _sign(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape), value.stride(), value.dtype, value.requires_grad, value.is_leaf
    return value if isinstance(value, (int, float, bool, str, type(None))) else type(value)
