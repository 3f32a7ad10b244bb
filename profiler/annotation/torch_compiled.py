# pyright: strict
"""Graphs that torch.compile made: counted as they are before lowering, forward and backward.

Lowering makes other kernels of a graph's operations, so what runs is not looked at. Annotated modules inside a graph
have no ranges; a graph that no annotated module is around has one, named after the module whose parameters it gets.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ..flops.counting import find_mode
from ..flops.tally import Tally
from .replacing import Undo, Watch, replace_function
from .torch_backward import Origin, claim_nodes
from .torch_frames import Frames, frames
from .torch_parts import Part, annotated_parts

COMPILER, LOWERED = "torch._dynamo.output_graph", "torch._inductor.output_code"
"""Modules of PyTorch's that are loaded when something is compiled."""

EARLIER = "a graph was compiled before annotate_torch was called"

SUFFIX = " (compiled)"


def watch_compiler() -> Undo:
    """See every graph that is compiled from now on, also where the compiler is not loaded yet."""
    watch = Watch([_watch_graphs, _watch_lowered])
    state = frames()

    def begin() -> None:
        if COMPILER in sys.modules:
            watch.begin()

    begin()
    state.before_counting.append(begin)
    undo = replace_function(torch, "compile", lambda original: _begin_after(original, begin))

    def end() -> None:
        undo()
        state.before_counting.remove(begin)
        watch.end()

    return end


def _begin_after(original: Callable[..., Any], begin: Callable[[], None]) -> Callable[..., Any]:
    def compile(*args: Any, **kwargs: Any) -> Any:
        compiled = original(*args, **kwargs)
        begin()
        return compiled

    return compile


def _watch_graphs() -> Undo:
    output_graph = getattr(sys.modules[COMPILER], "OutputGraph", None)
    if not hasattr(output_graph, "call_user_compiler"):
        return lambda: None
    return replace_function(output_graph, "call_user_compiler", _make_compiler)


def _make_compiler(original: Callable[..., Any]) -> Callable[..., Any]:
    def call_user_compiler(self: Any, module: Any, *rest: Any) -> Any:
        from ..flops.graphs import Graph

        graph = Graph(module)
        compiled = original(self, module, *rest)
        return _count_calls(graph.count, compiled)

    return call_user_compiler


def _count_calls(count: Callable[[Sequence[Any]], Any], compiled: Callable[..., Any]) -> Callable[..., Any]:
    """The compiled graph, counting its calls where they are part of an annotated module."""
    owner: list[Part | None] = []

    def run(*args: Any) -> Any:
        state = frames()
        if state.thread.aside or not annotated_parts():
            return compiled(*args)
        if state.thread.frames:
            return _run_within(state, state.thread.frames[-1].part, count, compiled, args)
        if not owner:
            owner.append(_find_owner(args))
        if owner[0] is None:
            return compiled(*args)
        frame = state.open(owner[0], "forward", suffix=SUFFIX)
        try:
            return _run_within(state, owner[0], count, compiled, args)
        finally:
            state.close(frame)

    return run


def _run_within(
    state: Frames,
    part: Part,
    count: Callable[[Sequence[Any]], Any],
    compiled: Callable[..., Any],
    args: tuple[Any, ...],
) -> Any:
    tally = state.thread.tally
    with _aside(state):
        work = count(args) if tally is not None else None
    origin = Origin.of(args)
    with _aside(state):
        output = compiled(*args)
    if tally is not None and work is not None:
        tally.add(work.forward)
    claim_nodes(part, origin, output, work.backward if work is not None else None)
    return output


@contextmanager
def _aside(state: Frames) -> Generator[None]:
    """Nothing that runs is counted, and modules have no ranges."""
    thread, mode = state.thread, find_mode()
    tally, aside = thread.tally, thread.aside
    thread.tally, thread.aside = Tally(), True
    if mode is not None:
        mode.end()
    try:
        yield
    finally:
        if mode is not None:
            mode.begin()
        thread.tally, thread.aside = tally, aside


def _find_owner(args: Sequence[Any]) -> Part | None:
    """The innermost annotated module that has all annotated parameters among a graph's inputs."""
    wanted = {id(value) for value in args if isinstance(value, torch.nn.Parameter)}
    owners = [part for part in annotated_parts() if any(id(p) in wanted for p in part.parameters())]
    if not owners:
        return None
    common = list(owners[0].outwards())
    for part in owners[1:]:
        around = set(part.outwards())
        common = [each for each in common if each in around]
    return common[0] if common else None


def _watch_lowered() -> Undo:
    """Notice compiled code that runs and whose graph was not seen."""
    lowered = getattr(sys.modules.get(LOWERED), "CompiledFxGraph", None)
    return replace_function(lowered, "__call__", _make_lowered) if lowered is not None else lambda: None


def _make_lowered(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, inputs: Sequence[Any]) -> Any:
        thread = frames().thread
        if thread.tally is not None and not thread.aside:
            thread.tally.unknown[EARLIER] = None
        return original(self, inputs)

    return call
