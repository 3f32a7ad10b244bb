# pyright: strict
"""Ranges around the modules of a PyTorch model, forward and backward, with the FLOPs of every pass, or none.

Ranges of forward passes nest as the modules do. Calls are watched in ``torch.nn.Module.__call__``: hooks would
switch fast paths off, keep modules from being scripted, and be traced into compiled ones. What is compiled or
traced runs as if nothing were annotated.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Literal, cast

import torch
from torch.utils.hooks import RemovableHandle

from . import nvtx_calls
from .replacing import Undo, Watch, replace_function
from .torch_backward import Origin, claim_nodes, fresh_tensors, tensors_of, watch_backward
from .torch_compiled import watch_compiler
from .torch_cuda_graphs import watch_cuda_graphs
from .torch_exports import watch_exports
from .torch_frames import frames
from .torch_kernels import watch_kernels
from .torch_parts import SLOT, Part, annotated

COMPILED = "_orig_mod"
"""What torch.compile calls the module inside the one it makes."""

Flops = Literal["every"] | None
"""Which passes are counted."""


def annotate_torch(
    model: torch.nn.Module, *, name: str | None = None, flops: Flops = "every"
) -> list[RemovableHandle]:
    """Put ranges around every module of ``model``; remove the returned handles to take them off again.

    Ranges are called `<path in the model>.forward` and `.backward`, the model itself by its class. A ``name`` takes the
    place of the class and comes before the paths: two models of one class would be told as one. FLOPs are
    multiplications and additions of matrix products, convolutions and fused attention, counted in every pass while
    something records. A module whose other work exceeds 2 % of that, or that runs something without a formula, has
    none, and its range says why. With ``flops=None`` nothing is counted, which costs a pass less.
    """
    if flops not in ("every", None):
        raise ValueError(f"flops must be 'every' or None, got {flops!r}")
    calls = nvtx_calls.nvtx()
    if isinstance(calls, nvtx_calls.Silence):
        return []
    counts = flops is not None and calls.heard
    parts: dict[str, Part] = {}
    handles: list[RemovableHandle] = []
    for path, module in cast("Iterator[tuple[str, torch.nn.Module]]", model.named_modules()):
        above = next((parts[outer] for outer in _outwards(path) if outer in parts), None)
        place = ".".join(filter(None, (name, _shorten(path)))) or type(model).__name__
        part = parts[path] = Part(module, place, above, counts=counts)
        module.__dict__[SLOT] = part
        handles.append(_Handle(part))
    return handles


@functools.cache
def _watch() -> Watch:
    """What works while any module of the process is annotated."""
    return Watch(
        [
            *(_watch_calls, watch_backward, watch_compiler, watch_kernels, watch_cuda_graphs),
            watch_exports,
            frames().watch_steps,
        ]
    )


class _Handle(RemovableHandle):
    """Takes the ranges off one module."""

    def __init__(self, part: Part) -> None:
        parts = annotated().parts
        super().__init__(parts)
        parts[self.id] = part
        _watch().begin()

    def remove(self) -> None:
        """Do it; doing it again changes nothing."""
        parts = annotated().parts
        part = parts.get(self.id)
        super().remove()
        if part is not None:
            part.detach()
        if not parts:
            _watch().end()


def _watch_calls() -> Undo:
    return replace_function(torch.nn.Module, "__call__", _make_call)


def _make_call(original: Callable[..., Any]) -> Callable[..., Any]:
    is_compiling = torch.compiler.is_compiling
    is_tracing = torch.jit.is_tracing  # pyright: ignore[reportPrivateImportUsage]  torch documents it

    def call(module: torch.nn.Module, /, *args: Any, **kwargs: Any) -> Any:
        if is_compiling():
            return original(module, *args, **kwargs)
        part = module.__dict__.get(SLOT)
        inside: Any = module.__dict__.get("_modules", ())
        inner = inside[COMPILED] if part is None and COMPILED in inside else None
        if inner is not None:
            part = inner.__dict__.get(SLOT)
        if part is None or is_tracing() or frames().passes_by(part):
            return original(module, *args, **kwargs)
        return _call_within(part, original, module, args, kwargs, wraps=inner is not None)

    return call


def _call_within(
    part: Part, original: Callable[..., Any], module: torch.nn.Module, args: Any, kwargs: Any, *, wraps: bool
) -> Any:
    frame = frames().open(part, "forward", replica="_is_replica" in module.__dict__, wraps=wraps)
    try:
        origin = Origin.of((args, kwargs))
        output = original(module, *args, **kwargs)
        claim_nodes(part, origin, (output, fresh_tensors(module)))
        frame.look_for_blanks(tensors_of(output))
        return output
    finally:
        frames().close(frame)


def _outwards(path: str) -> Iterator[str]:
    """The paths of the modules around one, from the inside."""
    while path:
        path = path.rpartition(".")[0]
        yield path


def _shorten(path: str) -> str:
    return ".".join(part for part in path.split(".") if part != COMPILED)
