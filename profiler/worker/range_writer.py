"""The ranges a worker marks its own work with: by NVTX, in memory, or not at all.

A range is made once, before anything is measured, and entered many times: entering costs one C call under NVTX
and two clock reads in memory.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from ..annotation.nvtx_calls import Attributes, Nvtx, nvtx

RangeRow = tuple[int, int, str, int | None]
"""start_ns, end_ns, name, payload"""


class RangeWriter(Protocol):
    """Where ranges go."""

    def range(self, name: str, payload: int | None = None) -> AbstractContextManager[object]:
        """A range of domain ``flopprof``, to be entered any number of times, also nested in others."""
        ...


class NoRanges:
    """The control pass: no recorder, no NVTX call."""

    def range(self, name: str, payload: int | None = None) -> AbstractContextManager[object]:  # noqa: ARG002
        """A context that does nothing."""
        return nullcontext()


class NvtxRange:
    """One range of NVTX."""

    __slots__ = ("_attributes", "_nvtx")

    def __init__(self, nvtx: Nvtx, attributes: Attributes | None) -> None:
        self._nvtx, self._attributes = nvtx, attributes

    def __enter__(self) -> NvtxRange:
        self._nvtx.push(self._attributes)
        return self

    def __exit__(self, *_: object) -> None:
        self._nvtx.pop()


class NvtxRanges:
    """Ranges by the nvtx package, for Nsight Systems to record."""

    def __init__(self) -> None:
        self._nvtx = nvtx()

    def range(self, name: str, payload: int | None = None) -> AbstractContextManager[object]:
        """An NVTX push/pop range with a registered message."""
        return NvtxRange(self._nvtx, self._nvtx.attributes(name, payload, None))


class MemoryRange:
    """One range of the embedded recorder; each entry appends a row when it ends."""

    __slots__ = ("_name", "_payload", "_rows", "_starts")

    def __init__(self, rows: list[RangeRow], name: str, payload: int | None) -> None:
        self._rows, self._name, self._payload = rows, name, payload
        self._starts: list[int] = []

    def __enter__(self) -> MemoryRange:
        self._starts.append(time.perf_counter_ns())
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.append((self._starts.pop(), time.perf_counter_ns(), self._name, self._payload))


class MemoryRanges:
    """Ranges kept as rows (start_ns, end_ns, name, payload) on the clock of ``time.perf_counter_ns``."""

    def __init__(self) -> None:
        self._rows: list[RangeRow] = []

    def range(self, name: str, payload: int | None = None) -> AbstractContextManager[object]:
        """A range that appends to ``rows``."""
        return MemoryRange(self._rows, name, payload)

    def take(self) -> list[RangeRow]:
        """The ranges ended since the last call."""
        rows = list(self._rows)
        self._rows.clear()
        return rows
