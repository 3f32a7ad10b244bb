# pyright: strict
"""Ranges around the modules of a PyTorch model, forward and backward, with FLOPs where torch counts them right.

Forward ranges nest as the modules do. Backward has no modules: autograd runs nodes, on a thread of its own for a
GPU. Each node gets a range named after the innermost module whose forward made it. Nothing is put into the
graph (full backward hooks would be, and break models that work in place); gradients' accumulation, which belongs
to a parameter and not to a pass, stays with whatever range is around the backward.

The first pass with new input shapes is counted, which slows it: its ranges say ``(counting)`` and carry no FLOPs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch.utils.hooks import RemovableHandle

from .nvtx_calls import fixed_attributes, nvtx
from .torch_flops import CountingMode, Tally

PLAIN = (int, float, bool, str, bytes, type(None), torch.dtype, torch.device)

COUNTING = " (counting)"

Signature = tuple[Any, ...]


class UnknownArgument(Exception):
    """An argument that may change the work without changing its shape, such as a cache."""


@dataclass(slots=True)
class _Part:
    """One module: its names, its FLOPs by signature, those of its backward nodes by signature and position."""

    name: str
    forward: dict[Signature, int | None] = field(default_factory=dict)
    backward: dict[tuple[Signature, int, str], int | None] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """A forward that has not ended."""

    part: _Part
    signature: Signature | None
    inputs: frozenset[Any]
    counter: CountingMode | None
    """The mode this forward began and has to end."""
    tally: Tally | None


class _State(threading.local):
    """What a thread is in the middle of."""

    def __init__(self) -> None:
        self.open: list[_Open] = []
        self.counter: CountingMode | None = None
        self.owned: dict[Any, None] = {}
        """Backward nodes that have their module already; kept alive, so that they stay the same objects."""
        self.beyond: dict[Any, list[Any]] = {}
        """From a module's last node to the nodes before its first ones."""


def annotate_torch(model: torch.nn.Module) -> list[RemovableHandle]:
    """Put ranges around every module of ``model``; remove the returned handles to take them off again.

    Ranges are called `<path in the model>.forward` and `.backward`, the model itself by its class. FLOPs are
    multiplications and additions of matrix products, convolutions and fused attention; a module whose other work
    exceeds 2 % of that, or that runs something torch has no formula for, is not counted. Annotate before
    torch.compile, which sees no hooks of the modules it has compiled.
    """
    state = _State()
    handles: list[RemovableHandle] = []
    modules = cast("Iterator[tuple[str, torch.nn.Module]]", model.named_modules())
    for path, module in modules:
        part = _Part(path or type(model).__name__)
        handles.append(module.register_forward_pre_hook(_Enter(state, part), with_kwargs=True, prepend=True))
        handles.append(module.register_forward_hook(_Leave(state), always_call=True))
    return handles


@dataclass(slots=True)
class _Enter:
    state: _State
    part: _Part

    def __call__(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        """Begin the range; begin counting too, if these shapes are new."""
        state, part = self.state, self.part
        signature = sign((args, kwargs, module.training, torch.is_grad_enabled()))
        counter = None
        if state.counter is None and signature is not None and signature not in part.forward:
            state.counter = counter = CountingMode()
        counting = state.counter is not None
        flops = None if counting or signature is None else part.forward[signature]
        calls = nvtx()
        name = f"{part.name}.forward{COUNTING if counting else ''}"
        calls.push(fixed_attributes(calls, name, flops)[0])
        tally = None
        if state.counter is not None:
            tally = Tally()
            state.counter.tallies.append(tally)
        inputs = frozenset(t.grad_fn for t in tensors_of((args, kwargs)) if t.grad_fn is not None)
        state.open.append(_Open(part, signature, inputs, counter, tally))
        if counter is not None:
            counter.begin()


@dataclass(slots=True)
class _Leave:
    state: _State

    def __call__(self, module: torch.nn.Module, args: Any, output: Any) -> None:  # noqa: ARG002
        """End the range and keep what was counted; runs after failures too."""
        state = self.state
        this = state.open.pop()
        if this.counter is not None:
            this.counter.end()
            state.counter = None
        if this.tally is not None:
            self._keep(this, this.tally)
        self._claim(this, output, counting=this.tally is not None)
        if not state.open:
            state.owned, state.beyond = {}, {}
        nvtx().pop()

    def _keep(self, this: _Open, tally: Tally) -> None:
        counter = this.counter or self.state.counter
        if counter is not None:
            counter.tallies.pop()
            counter.tallies[-1].add(tally)
        if this.signature is not None:
            this.part.forward[this.signature] = tally.flops

    def _claim(self, this: _Open, output: Any, *, counting: bool) -> None:
        """Hook the backward nodes that this forward made and no inner one has."""
        state = self.state
        roots = list(dict.fromkeys(t.grad_fn for t in tensors_of(output) if t.grad_fn is not None))
        frontier: list[Any] = []
        for position, node in enumerate(find_own_nodes(roots, this.inputs, state, frontier)):
            key = None if this.signature is None else (this.signature, position, node.name())
            hooks = _NodeRange(this.part, key, counting=counting)
            node.register_prehook(hooks.begin)
            node.register_hook(hooks.end)
        for root in roots:
            state.beyond[root] = frontier


def find_own_nodes(
    roots: list[Any], inputs: frozenset[Any], state: _State, frontier: list[Any]
) -> Iterator[Any]:
    """Nodes from a module's outputs back to its inputs, without those of inner modules, which are jumped over."""
    todo: list[Any] = list(roots)
    seen: set[Any] = set()
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in inputs:
            frontier.append(node)
        elif node in state.beyond:
            todo += state.beyond[node]
        else:
            todo += [
                n for n, _ in node.next_functions if n is not None and not n.name().endswith("AccumulateGrad")
            ]
            if node not in state.owned:
                state.owned[node] = None
                yield node


class _NodeRange:
    """The range around one backward node, counted on its first time."""

    __slots__ = ("_counter", "_counting", "_key", "_part")

    def __init__(self, part: _Part, key: tuple[Signature, int, str] | None, *, counting: bool) -> None:
        self._part, self._key, self._counting = part, key, counting
        self._counter: CountingMode | None = None

    def begin(self, gradients: Any) -> None:  # noqa: ARG002
        """Before the node runs."""
        known = self._key in self._part.backward
        counting = self._key is not None and not known and self._counting
        flops = self._part.backward.get(self._key) if self._key is not None else None
        calls = nvtx()
        name = f"{self._part.name}.backward{COUNTING if counting else ''}"
        calls.push(fixed_attributes(calls, name, flops)[0])
        if counting:
            self._counter = CountingMode()
            self._counter.begin()

    def end(self, inputs: Any, outputs: Any) -> None:  # noqa: ARG002
        """After the node has run, on the same thread."""
        if self._counter is not None:
            self._counter.end()
            assert self._key is not None, "only nodes with a key are counted"
            self._part.backward[self._key] = self._counter.tallies[0].flops
            self._counter = None
        nvtx().pop()


def sign(values: Any) -> Signature | None:
    """What the work of a module depends on: shapes and plain values; None if there is anything else."""
    try:
        return tuple(_sign(values))
    except UnknownArgument:
        return None


def _sign(value: Any) -> Iterator[Any]:
    if isinstance(value, torch.Tensor):
        yield (value.shape, value.dtype, value.requires_grad)
    elif isinstance(value, PLAIN):
        yield value
    elif isinstance(value, (tuple, list)):
        items = cast("Sequence[Any]", value)
        yield len(items)
        for item in items:
            yield from _sign(item)
    elif isinstance(value, dict):
        for key, item in cast("dict[Any, Any]", value).items():
            yield key
            yield from _sign(item)
    else:
        raise UnknownArgument


def tensors_of(value: Any) -> Iterator[torch.Tensor]:
    """Tensors in nested tuples, lists and mappings."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in cast("Sequence[Any]", value):
            yield from tensors_of(item)
    elif isinstance(value, dict):
        for item in cast("dict[Any, Any]", value).values():
            yield from tensors_of(item)
