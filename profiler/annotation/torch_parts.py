# pyright: strict
"""A module that is annotated, and what its ranges say."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Literal

from torch import Tensor
from torch.nn import Module

from ...analysis.words import ELEMENTS_MARK, FLOPS_MARK, NO_FLOPS_MARK, STEP_MARK
from ..flops.tally import Tally
from . import nvtx_calls
from .steps import Step, changing, living_steps

SLOT = "_flopprof"
"""Where modules and autograd's nodes keep what is known of them; replicas have it from their module."""

Pass = Literal["forward", "backward"]

TOO_MANY = "they are more than a mark can say"

SEVERAL = "steps of several threads were open while an annotated module ran"
EDGE = "it began or ended while an annotated module ran"
NOTHING = "no annotated module ran in it"
"""Why a step has no FLOPs, beside what its modules say."""

ELSEWHERE = "it ended on another thread than it began on"
"""This one its program is told, since no mark of that thread would be the step's."""


class Part:
    """One module: its name, and the modules around it."""

    __slots__ = ("_module", "above", "counts", "name", "told")

    def __init__(self, module: Module, name: str, above: Part | None, *, counts: bool) -> None:
        self._module = weakref.ref(module)
        self.name, self.above, self.counts = name, above, counts
        self.told: set[tuple[Pass, str]] = set()

    def __deepcopy__(self, memo: object) -> None:
        """A copy of a module is another module, and nobody has annotated that."""

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Nor one that comes from a file."""
        return type(None), ()

    def outwards(self) -> Iterator[Part]:
        """Itself, and the parts around it."""
        part: Part | None = self
        while part is not None:
            yield part
            part = part.above

    def parameters(self) -> Iterable[Tensor]:
        """Those of the module itself, not of modules inside."""
        module = self._module()
        return () if module is None else module.parameters(recurse=False)

    def detach(self) -> None:
        """Take it off its module, unless that was annotated again since."""
        module = self._module()
        if module is not None and module.__dict__.get(SLOT) is self:
            del module.__dict__[SLOT]

    def say(self, what: Pass, tally: Tally) -> None:
        """Mark the range that is open with what was counted in it, or once with why nothing can be said."""
        if not tally.unknown:
            mark_tally(tally)
            return
        for reason in tally.unknown:
            if (what, reason) not in self.told:
                self.told.add((what, reason))
                nvtx_calls.nvtx().mark(
                    nvtx_calls.fixed_attributes(nvtx_calls.nvtx(), f"{NO_FLOPS_MARK}{reason}")[0]
                )
                warn_once(self.name, reason)


@functools.cache
def _warned() -> set[str]:
    return set()


def warn_once(name: str, reason: str, whose: str = "and what is around it have") -> None:
    """Tell the program's author, once for each reason; the report says it of every module."""
    if reason not in _warned():
        _warned().add(reason)
        warnings.warn(f"{name} {whose} no FLOPs: {reason}", RuntimeWarning, stacklevel=2)


def mark_reason(reason: str, prefix: str = "") -> None:
    """A mark that says why there is no figure."""
    calls = nvtx_calls.nvtx()
    calls.mark(nvtx_calls.fixed_attributes(calls, f"{prefix}{NO_FLOPS_MARK}{reason}")[0])


def mark_tally(tally: Tally, prefix: str = "") -> None:
    """A mark for each kind of arithmetic and one for what is left out; one of 0 where there is neither."""
    products = tally.products or ({} if tally.elements else {"": 0})
    if max(*products.values(), tally.elements, 0) > nvtx_calls.GREATEST:
        mark_reason(TOO_MANY, prefix)
        return
    for rate, flops in products.items():
        _mark(f"{prefix}{FLOPS_MARK}:{rate}" if rate else f"{prefix}{FLOPS_MARK}", flops)
    if tally.elements:
        _mark(f"{prefix}{ELEMENTS_MARK}", tally.elements)


def _mark(name: str, amount: int) -> None:
    varying(name).emit(nvtx_calls.nvtx().mark, amount)


@functools.cache
def varying(name: str) -> nvtx_calls.Varying:
    """Marks of one name, whose numbers change."""
    return nvtx_calls.Varying(nvtx_calls.nvtx(), name)


class Annotated:
    """The parts of all annotated modules, by their handles."""

    def __init__(self) -> None:
        self.parts: OrderedDict[int, Part] = OrderedDict()


@functools.cache
def annotated() -> Annotated:
    """Those of the process."""
    return Annotated()


def annotated_parts() -> Iterable[Part]:
    """Every one."""
    return annotated().parts.values()


class Totals:
    """What annotated modules computed while each step was open, on all threads.

    It is known of the modules that ran wholly within one step while no other was open.
    """

    def __init__(self) -> None:
        self._tallies: weakref.WeakKeyDictionary[Step, Tally] = weakref.WeakKeyDictionary()
        self._running = 0
        """Outermost ranges of modules that are open, of all threads."""

    def begin(self) -> None:
        """An outermost range has begun."""
        with changing:
            self._running += 1

    def end(self, tally: Tally | None) -> None:
        """It has ended; what it counted, unless that is in another."""
        with changing:
            self._running -= 1
            if tally is not None:
                self.add(tally)

    def add(self, tally: Tally) -> None:
        """Something that is in nothing else that was counted; outside of steps it is nobody's."""
        with changing:
            alone = tally if len(living := living_steps()) == 1 else Tally(unknown={SEVERAL: None})
            for step in living:
                self._of(step).add(alone)

    def begin_step(self, step: Step) -> None:
        """Notice what runs already."""
        if self._running:
            self._of(step).unknown[EDGE] = None
            for other in living_steps():
                if other is not step:
                    self._of(other).unknown[SEVERAL] = None

    def end_step(self, step: Step) -> None:
        """Mark what is known of it, unless its program has said it."""
        self.begin_step(step)
        tally = self._tallies.pop(step, None) or Tally(unknown={NOTHING: None})
        if step.declares:
            return
        if not step.is_here:
            warn_once(repr(step.name), ELSEWHERE, "has")
            return
        for reason in tally.unknown:
            mark_reason(reason, STEP_MARK)
        if not tally.unknown:
            mark_tally(tally, STEP_MARK)

    def _of(self, step: Step) -> Tally:
        return self._tallies.setdefault(step, Tally())
