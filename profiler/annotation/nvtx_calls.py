# pyright: strict
"""NVTX as annotations call it: attributes made once and kept, or silence where it is switched off."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ...analysis.words import BYTES_MARK, OWN_DOMAIN
from ..inside.kept_ranges import LOADED_AS, KeptRanges
from .nvtx_domain import end_of_ranges, nvtx_library, open_domain

GREATEST = (1 << 63) - 1

GREATEST_COLOR = (1 << 32) - 1

CACHED = 1024
"""Pairs of name and number that are kept ready, for annotations made anew every time round a loop."""

Color = int | str
"""What Nsight Systems paints a range in: ``0xAARRGGBB``, or a name that nvtx knows."""


INJECTIONS = ("NVTX_INJECTION64_PATH", "NVTX_INJECTION32_PATH")
"""How a tool that records tells NVTX so, by NVTX's own convention; without any, every call goes nowhere."""


class Attributes(Protocol):
    """What is said of one range or mark."""

    payload: int | None


class Nvtx(Protocol):
    """The calls of NVTX that are used; a range's number is given when its attributes are made.

    Where NVTX is switched off attributes are None.
    """

    heard: bool
    """Whether something records; what only a record is for can be left out where nothing does."""

    def attributes(self, name: str, payload: int | None, color: Color | None) -> Attributes | None:
        """What is said of a range or a mark."""
        ...

    def push(self, attributes: Attributes | None) -> object:
        """Begin a range of this thread."""
        ...

    def pop(self) -> object:
        """End the range begun last."""
        ...

    def mark(self, attributes: Attributes | None) -> object:
        """Mark this instant."""
        ...

    def start(self, attributes: Attributes | None) -> object:
        """Begin a range that may cross others; what ends it."""
        ...

    def end(self, started: object, /) -> object:
        """End such a range."""
        ...


class Silence:
    """NVTX switched off."""

    heard = False

    def attributes(self, name: str, payload: int | None, color: Color | None) -> Attributes | None:  # noqa: ARG002
        """None."""
        return None

    def push(self, attributes: Attributes | None) -> None:
        """Nothing."""

    def pop(self) -> None:
        """Nothing."""

    def mark(self, attributes: Attributes | None) -> None:
        """Nothing."""

    def start(self, attributes: Attributes | None) -> None:
        """Nothing."""

    def end(self, started: object, /) -> None:
        """Nothing."""


class Recorded:
    """NVTX in domain `flopprof`."""

    def __init__(self) -> None:
        # Into local names: they are called millions of times.
        lib = nvtx_library()
        push, pop, mark, start = lib.push_range, lib.pop_range, lib.mark, lib.start_range
        domain = open_domain(lib, OWN_DOMAIN)
        handle, event = domain.handle, domain.get_event_attributes

        def make(name: str, payload: int | None, color: Color | None) -> Attributes:
            return event(name, color, None, payload)

        def push_here(attributes: Attributes | None) -> object:
            return push(attributes, handle)

        def pop_here() -> object:
            return pop(handle)

        def mark_here(attributes: Attributes | None) -> object:
            return mark(attributes, handle)

        def start_here(attributes: Attributes | None) -> object:
            return start(attributes, handle)

        self.heard = any(os.environ.get(name) for name in INJECTIONS)
        self.attributes, self.push, self.pop = make, push_here, pop_here
        self.mark, self.start, self.end = mark_here, start_here, end_of_ranges(lib)


@dataclass(slots=True)
class KeptAttributes:
    """What is said of a range or a mark that this process keeps itself."""

    name: str
    payload: int | None


class Kept:
    """No NVTX: the process keeps its ranges itself (profiler/inside)."""

    heard = True

    def __init__(self, ranges: KeptRanges) -> None:
        self._ranges = ranges
        self.end: Callable[[Any], object] = ranges.end

    def attributes(self, name: str, payload: int | None, color: Color | None) -> KeptAttributes:  # noqa: ARG002
        """Name and number."""
        return KeptAttributes(name, payload)

    def push(self, attributes: Attributes | None) -> None:
        """Begin a range of this thread."""
        if isinstance(attributes, KeptAttributes):
            self._ranges.push(attributes.name, OWN_DOMAIN, attributes.payload)

    def pop(self) -> None:
        """End the range begun last."""
        self._ranges.pop(OWN_DOMAIN)

    def mark(self, attributes: Attributes | None) -> None:
        """Mark this instant."""
        if isinstance(attributes, KeptAttributes):
            self._ranges.mark(attributes.name, OWN_DOMAIN, attributes.payload)

    def start(self, attributes: Attributes | None) -> object:
        """Begin a range that may cross others; what ends it."""
        assert isinstance(attributes, KeptAttributes)
        return self._ranges.start(attributes.name, OWN_DOMAIN, attributes.payload)


@functools.cache
def nvtx() -> Nvtx:
    """NVTX, silence, or what `flopprof profile` had this process keep; decided at the first annotation."""
    if os.environ.get("NVTX_DISABLE"):
        return Silence()
    inside = getattr(sys.modules.get(LOADED_AS), "recording", None)
    return Recorded() if inside is None else Kept(inside.ranges)


@functools.lru_cache(CACHED)
def fixed_attributes(
    nvtx: Nvtx,
    name: str,
    flops: float | None = None,
    bytes: float | None = None,
    color: Color | None = None,
) -> tuple[Attributes | None, Attributes | None]:
    """The attributes of a range and of the mark in it; never changed, so they serve any number of annotations."""
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  users need not check types
        raise TypeError(f"a range's name is a text, got {name!r}")
    moved = whole_amount(name, "bytes", bytes)
    mark = None if moved is None else nvtx.attributes(BYTES_MARK, moved, None)
    return make_attributes(nvtx, name, whole_amount(name, "flops", flops), color), mark


def make_attributes(nvtx: Nvtx, name: str, payload: int | None, color: Color | None) -> Attributes | None:
    """The attributes of a range. Raises ValueError for a colour that there is not."""
    if isinstance(color, int) and not 0 <= color <= GREATEST_COLOR:
        raise ValueError(f"{name!r}: a colour is 0xAARRGGBB, at most {GREATEST_COLOR:#x}; got {color}")
    try:
        return nvtx.attributes(name, payload, color)
    except (TypeError, ValueError) as error:
        remedy = "give one that nvtx or matplotlib knows, such as 'green', or 0xAARRGGBB"
        raise ValueError(f"{name!r}: there is no colour {color!r}; {remedy}") from error


class Varying:
    """Attributes of one name whose number changes from call to call; made once a thread and used again."""

    __slots__ = ("_color", "_free", "_name", "_nvtx", "_plain")

    def __init__(self, nvtx: Nvtx, name: str, color: Color | None = None) -> None:
        self._nvtx, self._name, self._color = nvtx, name, color
        self._plain = make_attributes(nvtx, name, None, color)
        self._free: list[Attributes] = []

    def emit(self, call: Callable[[Attributes | None], object], payload: int | None) -> None:
        """Call with attributes that no other thread uses at this moment: list.pop is atomic."""
        if payload is None or self._plain is None:
            call(self._plain)
            return
        try:
            attributes = self._free.pop()
        except IndexError:
            attributes = self._nvtx.attributes(self._name, payload, self._color)
        assert attributes is not None, "silence has no plain attributes either"
        attributes.payload = payload
        call(attributes)
        self._free.append(attributes)


def whole_amount(name: str, what: str, amount: float | None) -> int | None:
    """FLOPs or bytes as a range carries them. Raises ValueError for what does not fit."""
    if amount is None:
        return None
    if isinstance(amount, float) and not math.isfinite(amount):
        raise ValueError(f"{name!r}: {what} must be finite, got {amount}")
    value = amount if type(amount) is int else round(amount)
    if not 0 <= value <= GREATEST:
        raise ValueError(f"{name!r}: {what} must lie in 0 … 2**63 - 1, got {value}")
    return value
