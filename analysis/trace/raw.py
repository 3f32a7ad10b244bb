"""The three large parts of an export as they lie in it: API calls, device work, NVTX events."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from ..arithmetic.arrays import Codes
from ..export.activities import RawActivities, read_activities
from ..export.calls import RawCalls, read_calls
from ..export.nvtx import RawEvents, RawNvtx, read_nvtx
from ..export.texts import NameCollector
from ..sqlite.file import SqliteFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTrace:
    """What was read, and the names that all of it has codes of."""

    calls: RawCalls
    work: RawActivities
    nvtx: RawNvtx
    names: NameCollector


def read_tables(file: SqliteFile, schema: str) -> RawTrace:
    """Two of them at a time, as numpy lets threads work at once. Raises TraceError, for the first that is damaged."""
    with ThreadPoolExecutor(2) as pool:
        calls, work, nvtx = (
            pool.submit(_read, read_calls, file, schema),
            pool.submit(_read, read_activities, file, schema),
            pool.submit(_read, read_nvtx, file, schema),
        )
        raw_calls, names = calls.result()
        raw_work, kernels = work.result()
        raw_nvtx, ranges = nvtx.result()
    codes = names.adopt(ranges)
    return RawTrace(
        calls=raw_calls,
        work=replace(raw_work, name=names.adopt(kernels)[raw_work.name]),
        nvtx=replace(raw_nvtx, ranges=_rename(raw_nvtx.ranges, codes), marks=_rename(raw_nvtx.marks, codes)),
        names=names,
    )


def _read(
    reader: Callable[[SqliteFile, NameCollector, str], T], file: SqliteFile, schema: str
) -> tuple[T, NameCollector]:
    """Read with names of its own, which only one thread may gather."""
    names = NameCollector(file)
    return reader(file, names, schema), names


def _rename(events: RawEvents, codes: Codes) -> RawEvents:
    return replace(events, name=codes[events.name], domain=codes[events.domain])
