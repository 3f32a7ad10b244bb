# pyright: strict
"""A module that is annotated, and what its ranges say."""

from __future__ import annotations

import functools
import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Literal

from torch import Tensor
from torch.nn import Module

from ..flops.tally import Tally
from . import nvtx_calls, steps

SLOT = "_flopprof"
"""Where modules and autograd's nodes keep what is known of them; replicas have it from their module."""

Pass = Literal["forward", "backward"]

FLOPS, ELEMENTS, NO_FLOPS, STEP = "flops", "elements", "no flops: ", "step "
"""Marks of domain flopprof; a rate follows: ``flops:bfloat16``. attribution/declared.py of the analysis reads them."""

TOO_MANY = "they are more than a mark can say"


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
                    nvtx_calls.fixed_attributes(nvtx_calls.nvtx(), f"{NO_FLOPS}{reason}")[0]
                )
                warn_once(self.name, reason)


@functools.cache
def _warned() -> set[str]:
    return set()


def warn_once(name: str, reason: str) -> None:
    """Tell the program's author, once for each reason; the report says it of every module."""
    if reason not in _warned():
        _warned().add(reason)
        warnings.warn(f"{name} and what is around it have no FLOPs: {reason}", RuntimeWarning, stacklevel=2)


def mark_reason(reason: str, prefix: str = "") -> None:
    """A mark that says why there is no figure."""
    calls = nvtx_calls.nvtx()
    calls.mark(nvtx_calls.fixed_attributes(calls, f"{prefix}{NO_FLOPS}{reason}")[0])


def mark_tally(tally: Tally, prefix: str = "") -> None:
    """A mark for each kind of arithmetic and one for what is left out; one of 0 where there is neither."""
    products = tally.products or ({} if tally.elements else {"": 0})
    if max(*products.values(), tally.elements, 0) > nvtx_calls.GREATEST:
        mark_reason(TOO_MANY, prefix)
        return
    for rate, flops in products.items():
        _mark(f"{prefix}{FLOPS}:{rate}" if rate else f"{prefix}{FLOPS}", flops)
    if tally.elements:
        _mark(f"{prefix}{ELEMENTS}", tally.elements)


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
    """What annotated modules computed while a step was open and since one last ended, on all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tally: Tally | None = None

    def add(self, tally: Tally) -> None:
        """Something that is in nothing else that was counted; outside of steps it is nobody's."""
        if not steps.open_steps:
            return
        with self._lock:
            if self._tally is None:
                self._tally = Tally()
            self._tally.add(tally)

    def end_step(self) -> None:
        """Mark the step that is ending, and begin anew."""
        with self._lock:
            tally, self._tally = self._tally, None
        if tally is None:
            return
        for reason in tally.unknown:
            mark_reason(reason, STEP)
        if not tally.unknown:
            mark_tally(tally, STEP)
