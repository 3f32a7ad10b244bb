# pyright: strict
"""Ranges of backward passes. Autograd knows no modules: it runs nodes, on a thread of its own for a GPU.

Each node gets a range named after the innermost module whose forward made it. Nothing is put into the graph (full
backward hooks would be, and break models that work in place); gradients' accumulation belongs to a parameter and
not to a pass, and stays with whatever range is around the backward.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import torch

from ..flops.tally import Tally
from .replacing import Undo, replace_function, undo_all
from .torch_frames import Frames, frames
from .torch_parts import SLOT, Part

COMPILED_NODE = "CompiledFunctionBackward"

LEAF = "AccumulateGrad"

next_number: Callable[[], int] = getattr(torch.autograd, "_get_sequence_nr", lambda: 0)
"""Nodes are numbered thread by thread as they are made."""


def roots_of(values: Any) -> list[Any]:
    """The nodes that made tensors, each once."""
    return list(dict.fromkeys(t.grad_fn for t in tensors_of(values) if t.grad_fn is not None))


@dataclasses.dataclass(slots=True)
class Origin:
    """Where a forward began: nodes that are older or made its inputs are not its own."""

    inputs: frozenset[Any]
    number: int

    @classmethod
    def of(cls, values: Any) -> Origin:
        """That of a forward that begins now, with these arguments."""
        return cls(frozenset(roots_of(values)), next_number())

    def follows(self, node: Any) -> bool:
        """Whether a node was there before."""
        return node in self.inputs or node._sequence_nr() < self.number


def claim_nodes(part: Part, origin: Origin, values: Any, compiled: Tally | None = None) -> None:
    """Give the nodes that a forward made on its way to some values, and no inner one, to its module.

    ``compiled`` is what the backward of a compiled graph computes, whose operations are not PyTorch's.
    """
    roots = roots_of(values)
    beyond: list[Any] = []
    for node in _own_nodes(roots, origin, beyond):
        node.metadata[SLOT] = None
        hooks = _NodeRange(frames(), part, compiled if node.name() == COMPILED_NODE else None)
        node.register_prehook(hooks.begin)
        node.register_hook(hooks.end)
    for root in roots:
        root.metadata[SLOT] = beyond


def fresh_tensors(module: torch.nn.Module) -> list[torch.Tensor]:
    """What a forward left in its module's attributes, such as a loss beside the output: nobody owns its node yet."""
    made = [value for value in module.__dict__.values() if isinstance(value, torch.Tensor)]
    return [tensor for tensor in made if tensor.grad_fn is not None and not _is_owned(tensor.grad_fn)]


def _is_owned(node: Any) -> bool:
    return SLOT in node.metadata


def _own_nodes(roots: list[Any], origin: Origin, beyond: list[Any]) -> Iterator[Any]:
    """Nodes from a module's outputs back to its inputs; those of inner modules are jumped over.

    A node's metadata say that it has a module, of a module's last node also from which nodes on others follow.
    """
    todo, seen = list(roots), set[Any]()
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        owned = _is_owned(node)
        if origin.follows(node):
            beyond.append(node)
        elif owned and node.metadata[SLOT] is not None:
            todo += node.metadata[SLOT]
        else:
            todo += [n for n, _ in node.next_functions if n is not None and not n.name().endswith(LEAF)]
            if not owned:
                yield node


class _NodeRange:
    """The range around one backward node, each time it runs."""

    __slots__ = ("_compiled", "_frames", "_open", "_part")

    def __init__(self, state: Frames, part: Part, compiled: Tally | None) -> None:
        self._frames, self._part, self._compiled = state, part, compiled
        self._open: list[Any] = []

    def begin(self, gradients: Any) -> None:  # noqa: ARG002
        """Before the node runs."""
        if torch.compiler.is_compiling():
            return
        self._frames.end_failed_nodes()
        self._open.append(self._frames.open(self._part, "backward"))

    def end(self, inputs: Any, outputs: Any) -> None:  # noqa: ARG002
        """After the node has run, on the same thread."""
        if not self._open:
            return
        frame = self._open.pop()
        if self._compiled is not None and frame.tally is not None:
            frame.tally.become(self._compiled)
        self._frames.close(frame)


def watch_backward() -> Undo:
    """See backward passes begin and end, also when a node fails: its hook is not called then."""
    return undo_all(
        [
            replace_function(module, "_engine_run_backward", _make_run)
            for module in (torch.autograd, torch.autograd.graph)
            if hasattr(module, "_engine_run_backward")
        ]
    )


def _make_run(original: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return original(*args, **kwargs)
        with frames().backward():
            return original(*args, **kwargs)

    return run


def tensors_of(value: Any) -> Iterator[torch.Tensor]:
    """Tensors in nested tuples, lists, sets, mappings and dataclasses."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in cast("Iterable[Any]", value):
            yield from tensors_of(item)
    elif isinstance(value, Mapping):
        for item in cast("Mapping[Any, Any]", value).values():
            yield from tensors_of(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for each in dataclasses.fields(value):
            yield from tensors_of(getattr(value, each.name, None))
