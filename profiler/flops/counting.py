"""A mode that adds up what every operation of a thread computes, while it lets them run as they are."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch._C import _get_dispatch_stack_at, _len_torch_dispatch_stack
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode

from .blanks import Blanks
from .call import Call, Uncountable, tensors_in
from .elements import count_elements
from .operations import Operation, Work
from .registry import registry
from .table import COMPLEX, Formula, find_rate
from .tally import Tally

UNSEEN = "something that PyTorch does not see filled a tensor"

PLAIN: Any = getattr(Tensor, "__torch_dispatch__")  # noqa: B009
"""What a type of tensors has that takes no operations apart."""

NOWHERE = "meta"
"""The device on which nothing is computed."""

NOT_DENSE = "it has no formula for sparse or nested tensors"

DENSE = (torch.strided, torch._mkldnn)  # type: ignore[attr-defined]


class Current(threading.local):
    """Where a thread is: what it runs counts for `tally`."""

    tally: Tally | None = None


class CountingMode(TorchDispatchMode):
    """Counts what runs on the threads that it was pushed on, or that inherited it, as autograd's do.

    Tensor subclasses take operations apart, and their parts come here; so do the parts of composite operations,
    which inference mode leaves whole. What torch.compile compiles it lets compile. With ``fake`` it counts what
    fake tensors would compute, else what real ones do.
    """

    supports_higher_order_operators = True

    def __init__(self, current: Current, *, fake: bool = False, captures: bool = False) -> None:
        self._current, self._fake = current, fake
        self.captures = captures
        """What is counted is recorded and not run."""
        self._find = registry().find
        self._blanks = Blanks()
        self._loose: dict[int, Tally] = {}

    @classmethod
    def is_infra_mode(cls) -> bool:
        """How a mode says to older versions of torch that it does not hinder torch.compile."""
        return True

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """How it says so to newer ones."""
        return True

    def begin(self) -> None:
        """Begin on this thread. Not by ``with``: that keeps flags of the process, which threads would mix up."""
        _push_mode(self)

    def end(self) -> None:
        """End on this thread, also below modes that others have not ended.

        Autograd restores the stack of a thread whose node raises: then there is nothing to end.
        """
        if all(_get_dispatch_stack_at(at) is not self for at in range(_len_torch_dispatch_stack())):
            return
        above = []
        while (mode := _pop_mode()) is not self:
            above.append(mode)
        for mode in reversed(above):
            _push_mode(mode)

    def tally(self) -> Tally:
        """What this thread counts for; of a thread that is nowhere in particular, a tally of its own."""
        tally = self._current.tally
        return self._loose.setdefault(threading.get_ident(), Tally()) if tally is None else tally

    def take_loose(self) -> Iterable[Tally]:
        """What threads counted that were nowhere in particular, since the last time."""
        loose, self._loose = self._loose, {}
        return loose.values()

    def left_blank(self, tensor: Tensor) -> bool:
        """Whether nothing that was seen has filled a tensor."""
        return bool(self._blanks) and self._blanks.hold(tensor)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation, then count it."""
        if types and not self._fake and any(kind.__torch_dispatch__ is not PLAIN for kind in types):
            # What fakes compute somebody asks in order to know; nobody runs it.
            return func(*args, **(kwargs or {})) if FakeTensor in types else NotImplemented
        operation = self._find(func)
        kwargs = kwargs or {}
        work = operation.work
        if work is Work.PARTS:
            if not any(tensor.is_nested for tensor in tensors_in(args)):
                return self._run_parts(func, args, kwargs)
            self.tally().unknown[f"{operation.name}: {NOT_DENSE}"] = (
                None  # its parts are others for nested ones
            )
        out = func(*args, **kwargs)
        if work is not Work.FREE and (self._fake or not _is_nowhere(out)):
            self._note(operation, Call(operation.parameters, args, kwargs, out))
        if work is Work.BLANK:
            self._blanks.add(out)
        elif self._blanks and self._blanks.meet(operation, Call(operation.parameters, args, kwargs, out)):
            self.tally().unknown[UNSEEN] = None
        return out

    def _run_parts(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        self.begin()
        try:
            return func.decompose(*args, **kwargs)
        finally:
            self.end()

    def _note(self, operation: Operation, call: Call) -> None:
        if operation.work is Work.ELEMENTS:
            self.tally().elements += operation.per_element * count_elements(operation.name, call)
        elif operation.work is Work.COUNTED:
            count_call(operation, call, self.tally())
        elif operation.work is Work.UNKNOWN:
            self.tally().unknown[f"{operation.name} has no formula"] = None


def find_mode() -> CountingMode | None:
    """The mode that counts on this thread, which may have been inherited from another."""
    for at in range(_len_torch_dispatch_stack()):
        mode = _get_dispatch_stack_at(at)
        if isinstance(mode, CountingMode):
            return mode
    return None


def count_call(operation: Operation, call: Call, tally: Tally) -> None:
    """Add the work of an operation that has a formula."""
    formula = operation.formula
    assert formula is not None
    tensors = call.tensors
    try:
        flops = formula(call) if operation.own_formula else _count_dense(formula, call, tensors)
    except Uncountable as reason:
        tally.unknown[f"{operation.name}: {reason}"] = None
    except Exception as error:  # a program that runs must not end because it cannot be counted
        tally.unknown[f"{operation.name}: its formula failed ({type(error).__name__})"] = None
    else:
        tally.count(find_rate(operation.name.rpartition("::")[2], tensors), flops)


def _count_dense(formula: Formula, call: Call, tensors: tuple[Tensor, ...]) -> int:
    if any(tensor.layout not in DENSE or tensor.is_nested for tensor in tensors):
        raise Uncountable(NOT_DENSE)
    return (COMPLEX if tensors[0].is_complex() else 1) * formula(call)


def _is_nowhere(out: Any) -> bool:
    first = out[0] if isinstance(out, (tuple, list)) and out else out
    return isinstance(first, Tensor) and first.device.type == NOWHERE
