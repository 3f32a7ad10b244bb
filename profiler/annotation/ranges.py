"""Marking parts of your own program: ranges that carry FLOPs and bytes, and steps.

Only NVTX is behind it, so an annotated program runs unchanged where nothing records it: without Nsight Systems,
without a GPU. A range carries one number, its FLOPs; its bytes travel in a mark right after its beginning. With
``NVTX_DISABLE`` in the environment (nvtx's own switch) nothing is called at all.
"""

from __future__ import annotations

import atexit
import functools
import inspect
import math
import os
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

DOMAIN = "flopprof"

BYTES = "bytes"

GREATEST = (1 << 63) - 1

CACHED = 1024
"""Pairs of name and number that are kept ready, for annotations made anew every time round a loop."""

PAUSES = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)

P = ParamSpec("P")

T = TypeVar("T")

Amount = float | Callable[..., float | None] | None
"""FLOPs or bytes: a number, or a function of the decorated function's arguments."""


class _Nvtx(Protocol):
    """The calls of NVTX that are used; a range's number is given when its attributes are made."""

    def attributes(self, name: str, payload: int | None) -> Any: ...
    def push(self, attributes: Any) -> None: ...
    def pop(self) -> None: ...
    def mark(self, attributes: Any) -> None: ...
    def start(self, attributes: Any) -> Any: ...
    def end(self, started: Any) -> None: ...


class _Silence:
    """NVTX switched off."""

    def attributes(self, name: str, payload: int | None) -> None:  # noqa: ARG002
        return None

    def push(self, attributes: Any) -> None:
        pass

    def pop(self) -> None:
        pass

    def mark(self, attributes: Any) -> None:
        pass

    def start(self, attributes: Any) -> None:
        pass

    def end(self, started: Any) -> None:
        pass


class _Recorded:
    """NVTX in domain `flopprof`, called below nvtx.annotate: that keeps every number ever seen in memory."""

    def __init__(self) -> None:
        from nvtx._lib import Domain, end_range, mark, pop_range, push_range, start_range
        from nvtx._lib.lib import EventAttributes

        domain = Domain(DOMAIN)
        handle = domain.handle

        def make(name: str, payload: int | None) -> Any:
            return EventAttributes(domain.get_registered_string(name), None, None, payload)

        self.attributes = make
        self.push = lambda attributes: push_range(attributes, handle)
        self.pop = lambda: pop_range(handle)
        self.mark = lambda attributes: mark(attributes, handle)
        self.start = lambda attributes: start_range(attributes, handle)
        self.end = end_range


@functools.cache
def nvtx() -> _Nvtx:
    """NVTX, or silence; decided at the first annotation."""
    return _Silence() if os.environ.get("NVTX_DISABLE") else _Recorded()


class annotate:  # noqa: N801
    """A named part of the program, as a context manager or a decorator.

    ``flops`` and ``bytes`` are what one execution computes and moves: numbers (rounded to whole ones), or, for a
    decorator, functions of the decorated function's arguments. `flopprof analyze` divides them by the time the
    part took on the device. One object may be entered again, also by several threads at once.

    >>> with annotate("attention", flops=4e9, bytes=2e8):
    ...     pass
    >>> @annotate(flops=lambda n: 2 * n**2 - n)
    ... def matvec(n): return n
    >>> matvec(3)
    3

    Raises TypeError for functions of arguments where there are none, and for coroutine and generator functions,
    whose ranges would cross others; ValueError for numbers that are negative or beyond 2**63 - 1.
    """

    __slots__ = ("_bytes", "_flops", "_mark", "_name", "_nvtx", "_range")

    def __init__(self, name: str | None = None, *, flops: Amount = None, bytes: Amount = None) -> None:
        self._nvtx = nvtx()
        self._name, self._flops, self._bytes = name, flops, bytes
        self._range = self._mark = None
        if name is not None and not callable(flops) and not callable(bytes):
            self._range, self._mark = fixed_attributes(self._nvtx, name, flops, bytes)

    def __enter__(self) -> annotate:
        if self._range is None:
            self._refuse_context()
        self._nvtx.push(self._range)
        if self._mark is not None:
            self._nvtx.mark(self._mark)
        return self

    def __exit__(self, *_: object) -> None:
        self._nvtx.pop()

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Mark every call of ``function``."""
        name = name_callable(function)
        if any(pauses(code) for pauses in PAUSES for code in (function, type(function).__call__)):
            raise TypeError(f"{name} pauses, and its range would cross others; annotate what lies between")
        if isinstance(self._nvtx, _Silence):
            return function
        part = annotate(self._name or name, flops=self._flops, bytes=self._bytes)
        return part._wrap_varying(function) if part._range is None else part._wrap_fixed(function)

    def _wrap_fixed(self, function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def annotated(*args: P.args, **kwargs: P.kwargs) -> T:
            with self:
                return function(*args, **kwargs)

        return annotated

    def _wrap_varying(self, function: Callable[P, T]) -> Callable[P, T]:
        name, nvtx, flops, moved = str(self._name), self._nvtx, self._flops, self._bytes
        ranges, marks = _Varying(nvtx, name), _Varying(nvtx, BYTES)

        @functools.wraps(function)
        def annotated(*args: P.args, **kwargs: P.kwargs) -> T:
            computed = _whole(name, "flops", flops(*args, **kwargs) if callable(flops) else flops)
            carried = _whole(name, "bytes", moved(*args, **kwargs) if callable(moved) else moved)
            ranges.emit(nvtx.push, computed)
            try:
                if carried is not None:
                    marks.emit(nvtx.mark, carried)
                return function(*args, **kwargs)
            finally:
                nvtx.pop()

        return annotated

    def _refuse_context(self) -> None:
        # Switched off, there are no attributes, and nothing is refused for speed's sake.
        if self._name is None:
            raise TypeError("annotate() as a context manager needs a name")
        if callable(self._flops) or callable(self._bytes):
            raise TypeError(
                f"{self._name!r}: a function of arguments needs a decorated function; give a number"
            )


def name_callable(function: Callable[..., Any]) -> str:
    """A function's own name, that of the function in a partial, or that of an object's type."""
    if isinstance(function, functools.partial):
        return name_callable(function.func)
    found = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    return found if isinstance(found, str) else type(function).__qualname__


@functools.lru_cache(CACHED)
def fixed_attributes(
    nvtx: _Nvtx, name: str, flops: float | None = None, bytes: float | None = None
) -> tuple[Any, Any]:
    """The attributes of a range and of the mark in it; never changed, so they serve any number of annotations."""
    if not isinstance(name, str):
        raise TypeError(f"annotate needs a name, or nothing: @annotate() and not @annotate; got {name!r}")
    moved = _whole(name, "bytes", bytes)
    mark = None if moved is None else nvtx.attributes(BYTES, moved)
    return nvtx.attributes(name, _whole(name, "flops", flops)), mark


class _Varying:
    """Attributes of one name whose number changes from call to call; made once a thread and used again."""

    __slots__ = ("_free", "_name", "_nvtx", "_plain")

    def __init__(self, nvtx: _Nvtx, name: str) -> None:
        self._nvtx, self._name = nvtx, name
        self._plain = nvtx.attributes(name, None)
        self._free: list[Any] = []

    def emit(self, call: Callable[[Any], None], payload: int | None) -> None:
        """Call with attributes that no other thread uses at this moment: list.pop is atomic."""
        if payload is None or self._plain is None:
            call(self._plain)
            return
        try:
            attributes = self._free.pop()
        except IndexError:
            attributes = self._nvtx.attributes(self._name, payload)
        attributes.payload = payload
        call(attributes)
        self._free.append(attributes)


def _whole(name: str, what: str, amount: float | None) -> int | None:
    if amount is None:
        return None
    if isinstance(amount, float) and not math.isfinite(amount):
        raise ValueError(f"{name!r}: {what} must be finite, got {amount}")
    value = amount if type(amount) is int else round(amount)
    if not 0 <= value <= GREATEST:
        raise ValueError(f"{name!r}: {what} must lie in 0 … 2**63 - 1, got {value}")
    return value


class _OpenSteps(threading.local):
    """The step that each thread has open."""

    step: Step | None = None
    ends_at_exit: bool = False


_open = _OpenSteps()


class Step:
    """One pass of a loop; as a context manager it ends with its block."""

    __slots__ = ("_nvtx", "_started")

    def __init__(self, name: str, flops: float | None, bytes: float | None) -> None:
        self._nvtx = nvtx()
        # Start/end rather than push/pop: a step may begin inside a range and outlast it.
        attributes, mark = fixed_attributes(self._nvtx, name, flops, bytes)
        self._started = self._nvtx.start(attributes)
        if mark is not None:
            self._nvtx.mark(mark)

    def __enter__(self) -> Step:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End it, if it has not ended."""
        if self._started is not None:
            self._nvtx.end(self._started)
            self._started = None
        if _open.step is self:
            _open.step = None


def mark_step(name: str = "step", *, flops: float | None = None, bytes: float | None = None) -> Step:
    """End this thread's step, if it has one open, and begin the next.

    Called at the top of a loop it needs no block; the last step then ends with the program, or with ``.end()``.

    >>> for batch in range(2):
    ...     step = mark_step()
    >>> step.end()
    """
    if _open.step is not None:
        _open.step.end()
    if not _open.ends_at_exit:
        atexit.register(_end_last_step)
        _open.ends_at_exit = True
    _open.step = Step(name, flops, bytes)
    return _open.step


def _end_last_step() -> None:
    if _open.step is not None:
        _open.step.end()
