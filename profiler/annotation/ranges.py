# pyright: strict
"""Marking parts of your own program: ranges that carry FLOPs and bytes.

Only NVTX is behind it, so an annotated program runs unchanged where nothing records it: without Nsight Systems,
without a GPU. A range carries one number, its FLOPs; its bytes travel in a mark right after its beginning. With
``NVTX_DISABLE`` in the environment (nvtx's own switch) nothing is called at all.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast, overload

from ...analysis.words import BYTES_MARK
from .nvtx_calls import Attributes, Color, Silence, Varying, fixed_attributes, nvtx, whole_amount

PAUSES = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)

P = ParamSpec("P")

T = TypeVar("T")

F = TypeVar("F", bound=Callable[..., Any])

Amount = float | Callable[..., float | None] | None
"""FLOPs or bytes: a number, or a function of the decorated function's arguments."""


@overload
def annotate(
    name: str | None = None, *, flops: Amount = None, bytes: Amount = None, color: Color | None = None
) -> Annotation: ...


@overload
def annotate(name: F, /, *, flops: Amount = None, bytes: Amount = None, color: Color | None = None) -> F: ...


def annotate(
    name: str | F | None = None,
    *,
    flops: Amount = None,
    bytes: Amount = None,
    color: Color | None = None,
) -> Annotation | F:
    """Mark a part of the program by a name: as a context manager, or as a decorator with or without parentheses.

    ``flops`` and ``bytes`` are what one execution computes and moves: numbers (rounded to whole ones), or, for a
    decorator, functions of the decorated function's arguments. `flopprof analyze` divides them by the time the
    part took on the device. ``color`` is for the timeline of Nsight Systems' own window. One annotation may be
    entered again, also by several threads at once.

    >>> with annotate("attention", flops=4e9, bytes=2e8):
    ...     pass
    >>> @annotate(flops=lambda n: 2 * n**2 - n, color="green")
    ... def matvec(n): return n
    >>> @annotate
    ... def forward(n): return matvec(n)
    >>> forward(3)
    3

    Raises TypeError for functions of arguments where there are none, and for coroutine and generator functions,
    whose ranges would cross others; ValueError for numbers that are negative or beyond 2**63 - 1, and for colours
    that there are not.
    """
    if name is None or isinstance(name, str):
        return Annotation(name, flops, bytes, color)
    return Annotation(None, flops, bytes, color)(name)


class Annotation:
    """What `annotate` gives for a name: enter it, or put it on a function."""

    __slots__ = ("_bytes", "_color", "_flops", "_mark", "_name", "_nvtx", "_range")

    def __init__(self, name: str | None, flops: Amount, bytes: Amount, color: Color | None) -> None:
        self._nvtx = nvtx()
        self._name, self._flops, self._bytes, self._color = name, flops, bytes, color
        self._range: Attributes | None = None
        self._mark: Attributes | None = None
        if name is not None and not callable(flops) and not callable(bytes):
            self._range, self._mark = fixed_attributes(self._nvtx, name, flops, bytes, color)

    def __enter__(self) -> Annotation:
        if self._range is None:
            self._refuse_context()
        self._nvtx.push(self._range)
        if self._mark is not None:
            self._nvtx.mark(self._mark)
        return self

    def __exit__(self, *_: object) -> None:
        self._nvtx.pop()

    def __call__(self, function: F) -> F:
        """Mark every call of ``function``."""
        if isinstance(function, (staticmethod, classmethod)):  # with the decorator above these, not below
            inner = cast("staticmethod[..., Any]", function)
            return cast(F, type(inner)(self(inner.__func__)))
        if not callable(function):
            raise TypeError(f"annotate needs a name or a function, got {function!r}")
        name = name_callable(function)
        if any(pauses(code) for pauses in PAUSES for code in (function, type(function).__call__)):
            raise TypeError(f"{name} pauses, and its range would cross others; annotate what lies between")
        if isinstance(self._nvtx, Silence):
            return function
        part = Annotation(self._name or name, self._flops, self._bytes, self._color)
        return cast(F, part._wrap_varying(function) if part._range is None else part._wrap_fixed(function))

    def _wrap_fixed(self, function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def annotated(*args: P.args, **kwargs: P.kwargs) -> T:
            with self:
                return function(*args, **kwargs)

        return annotated

    def _wrap_varying(self, function: Callable[P, T]) -> Callable[P, T]:
        name, nvtx, flops, moved = str(self._name), self._nvtx, self._flops, self._bytes
        ranges, marks = Varying(nvtx, name, self._color), Varying(nvtx, BYTES_MARK)

        @functools.wraps(function)
        def annotated(*args: P.args, **kwargs: P.kwargs) -> T:
            computed = whole_amount(name, "flops", flops(*args, **kwargs) if callable(flops) else flops)
            carried = whole_amount(name, "bytes", moved(*args, **kwargs) if callable(moved) else moved)
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
        partial = cast("functools.partial[Any]", function)
        return name_callable(partial.func)
    found = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    return found if isinstance(found, str) else type(function).__qualname__
