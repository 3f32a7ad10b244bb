# pyright: strict
"""The ranges that annotated modules have open, thread by thread, and what is counted in each.

What a part of the program computed is known when it ends, so its range is marked then. The mode that counts is on
its thread's stack only while annotated modules run: from the outermost one's beginning to its end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor

from ..flops.counting import UNSEEN, CountingMode, Current, find_mode
from ..flops.tally import Tally
from . import nvtx_calls, steps
from .replacing import Undo
from .torch_parts import Part, Pass, Totals, warn_once

CAPTURED = " (captured)"
"""Ends the names of ranges whose work goes into a CUDA graph: it runs elsewhere, and they have no FLOPs."""

HIDDEN = "a step began inside and outlasted it"


@dataclass(slots=True, eq=False)
class Frame:
    """A range that is open."""

    part: Part
    what: Pass
    tally: Tally | None
    """None where nothing is counted."""
    around: Tally | None
    """What its thread counted for before."""
    mode: CountingMode | None
    """The mode that counts."""
    pushed: bool
    """Whether it began with this range."""
    replica: bool
    """Whether the module is a copy that DataParallel runs on a thread of its own."""
    wraps: bool
    """Whether it is around what torch.compile made of the module, which may call the module itself."""
    step: steps.Step | None = field(default_factory=steps.step_here)
    """The one that its thread was in when it began."""
    adopted: list[Tally] = field(default_factory=list)
    """What other threads computed for it."""

    @property
    def hidden(self) -> bool:
        """Whether a step that began inside is still open: a mark would be taken for one of that."""
        return steps.step_here() not in (None, self.step)

    def look_for_blanks(self, output: Iterable[Tensor]) -> None:
        """Notice results that were filled by what is not PyTorch's."""
        if self.tally is not None and self.mode is not None and any(map(self.mode.left_blank, output)):
            self.tally.unknown[UNSEEN] = None


class Thread(Current):
    """What a thread is in the middle of."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.base = 0
        """Frames that were open when the innermost backward began: those above are of its nodes."""
        self.aside = False
        """Modules run without ranges: not the program runs them, but somebody who counts."""


class Frames:
    """The open ranges of all threads, and what they add up to."""

    def __init__(self) -> None:
        self.thread = Thread()
        self.totals = Totals()
        self.before_counting: list[Callable[[], None]] = []
        """Done before the outermost of some ranges is counted."""
        self._forwards: dict[Frame, None] = {}
        """Those of forwards, of all threads."""

    def passes_by(self, part: Part) -> bool:
        """Whether a module that is called now gets no range: it has one, or somebody else counts."""
        thread = self.thread
        if thread.aside:
            return True
        around = thread.frames[-1] if thread.frames else None
        return around is not None and around.wraps and around.part is part

    def open(
        self, part: Part, what: Pass, *, suffix: str = "", replica: bool = False, wraps: bool = False
    ) -> Frame:
        """Begin a range on this thread."""
        thread, calls, tally, mode, pushed = self.thread, nvtx_calls.nvtx(), None, find_mode(), False
        if mode is not None and mode.captures:
            suffix = CAPTURED
        calls.push(nvtx_calls.fixed_attributes(calls, f"{part.name}.{what}{suffix}")[0])
        around = thread.tally
        if part.counts:
            thread.tally = tally = Tally()
            if mode is None:
                for prepare in self.before_counting:
                    prepare()
                mode, pushed = CountingMode(thread), True
                mode.begin()
        frame = Frame(part, what, tally, around, mode, pushed, replica, wraps)
        thread.frames.append(frame)
        if pushed:
            self.totals.begin()
        if what == "forward":
            self._forwards[frame] = None
        return frame

    def close(self, frame: Frame) -> None:
        """End it, unless something else has."""
        thread = self.thread
        if frame not in thread.frames:
            return
        self.unwind(thread.frames.index(frame) + 1)
        thread.frames.pop()
        if frame.what == "forward":
            del self._forwards[frame]
        if frame.tally is not None:
            self._add_up(frame, frame.tally)
            if frame.hidden:
                warn_once(frame.part.name, HIDDEN)
            elif frame.mode is None or not frame.mode.captures:
                frame.part.say(frame.what, frame.tally)
        nvtx_calls.nvtx().pop()

    def unwind(self, depth: int) -> None:
        """End the ranges above some that failed to end themselves: autograd calls no hook of a node that raises."""
        while len(self.thread.frames) > depth:
            frame = self.thread.frames[-1]
            if frame.tally is not None:
                frame.tally.unknown["it failed"] = None
            self.close(frame)

    def watch_steps(self) -> Undo:
        """Say of every step that ends what annotated modules computed in it."""
        totals = self.totals
        steps.step_counters.append(totals)
        return lambda: steps.step_counters.remove(totals)

    def end_failed_nodes(self) -> None:
        """End the ranges of nodes that raised before the one that begins: nodes of one backward do not nest."""
        thread = self.thread
        while len(thread.frames) > thread.base and thread.frames[-1].what == "backward":
            self.unwind(len(thread.frames) - 1)

    @contextmanager
    def backward(self) -> Generator[None]:
        """A backward pass that this thread asks for: when it ends, so have its ranges."""
        thread = self.thread
        depth, base = len(thread.frames), thread.base
        thread.base = depth
        try:
            yield
        finally:
            self.unwind(depth)
            thread.base = base
            mode = find_mode()
            if mode is not None:
                for tally in mode.take_loose():
                    mode.tally().add(tally)

    def _add_up(self, frame: Frame, tally: Tally) -> None:
        """Pass on what was counted to the range around it: on this thread, on another, or to the step."""
        thread, mode = self.thread, frame.mode
        assert mode is not None, "what is counted is counted by a mode"
        thread.tally = frame.around
        if frame.pushed:
            mode.end()
            frame.adopted.extend(mode.take_loose())
        for other in frame.adopted:
            tally.add(other)
        parent = None
        if frame.around is not None or not frame.pushed:
            mode.tally().add(tally)
        elif (parent := self._find_around(frame)) is not None:
            parent.adopted.append(tally)
        if frame.pushed:
            self.totals.end(tally if frame.around is None and parent is None else None)

    def _find_around(self, frame: Frame) -> Frame | None:
        """The range of a module around this one that another thread has open, and that this work belongs to.

        Replicas' work does. Of any other thread's work it cannot be told, so the range around it has no FLOPs.
        A backward pass that a forward asks for is counted by that one's mode: this one nobody's forward asked for.
        """
        if frame.what == "backward":
            return None
        for part in frame.part.outwards():
            if part is frame.part:
                continue
            others = [other for other in list(self._forwards) if other.part is part]
            if frame.replica and len(others) == 1:
                return others[0]
            for other in others:
                if other.tally is not None:
                    other.tally.unknown["another thread ran a part of it"] = None
        return None


@functools.cache
def frames() -> Frames:
    """Those of the process."""
    return Frames()
