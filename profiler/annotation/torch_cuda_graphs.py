# pyright: strict
"""CUDA graphs: what was captured is counted while it is captured, and again for every replay, when it runs."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from ..flops.counting import CountingMode, find_mode
from ..flops.tally import Tally
from . import nvtx_calls
from .replacing import Undo, replace_function, undo_all
from .torch_frames import frames

EARLIER = "a CUDA graph was captured before annotate_torch was called"


@dataclass(slots=True)
class _Capture:
    """One that goes on, on the thread that began it."""

    mode: CountingMode
    around: Tally | None
    tally: Tally = field(default_factory=Tally)


class _Graphs:
    """What each graph computes, and the captures that have not ended."""

    def __init__(self) -> None:
        self._known: weakref.WeakKeyDictionary[Any, Tally] = weakref.WeakKeyDictionary()
        self._open: dict[int, _Capture] = {}

    def begin(self, graph: Any) -> None:
        """Count on this thread, if it does not; a graph in a range's midst is no part of the range."""
        thread = frames().thread
        if thread.aside or not nvtx_calls.nvtx().heard or find_mode() is not None:
            return
        capture = self._open[id(graph)] = _Capture(CountingMode(thread, captures=True), thread.tally)
        thread.tally = capture.tally
        capture.mode.begin()

    def end(self, graph: Any) -> None:
        """Keep what was counted."""
        capture = self._open.pop(id(graph), None)
        if capture is None:
            return
        capture.mode.end()
        frames().thread.tally = capture.around
        for tally in capture.mode.take_loose():
            capture.tally.add(tally)
        self._known[graph] = capture.tally

    def replay(self, graph: Any) -> None:
        """The range that is open computes it, and the step where none is."""
        state = frames()
        if state.thread.aside:
            return
        known = self._known.get(graph)
        if state.thread.tally is None:
            state.totals.add(known if known is not None else Tally(unknown={EARLIER: None}))
        elif known is not None:
            state.thread.tally.add(known)
        else:
            state.thread.tally.unknown[EARLIER] = None


def watch_cuda_graphs() -> Undo:
    """See graphs being captured and replayed."""
    graph = getattr(torch.cuda, "CUDAGraph", None)
    if graph is None or not all(hasattr(graph, name) for name in ("capture_begin", "capture_end", "replay")):
        return lambda: None
    graphs = _Graphs()
    return undo_all(
        [
            replace_function(graph, "capture_begin", lambda original: _after(original, graphs.begin)),
            replace_function(graph, "capture_end", lambda original: _after(original, graphs.end)),
            replace_function(graph, "replay", lambda original: _after(original, graphs.replay)),
        ]
    )


def _after(original: Callable[..., Any], note: Callable[[Any], None]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        done = original(self, *args, **kwargs)
        note(self)
        return done

    return call
