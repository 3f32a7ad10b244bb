"""NVTX that remembers: what ranges were open where, and what was marked in each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from flopprof.analysis.words import LEFT_OUT
from flopprof.profiler.annotation import nvtx_calls, ranges, steps

Said = tuple[str, int | None]


@dataclass(slots=True)
class SpiedAttributes:
    """What a range or a mark says."""

    name: str
    payload: int | None


@dataclass(slots=True)
class SpiedRange:
    """One range, its marks, and how many were open around it on its thread."""

    name: str
    depth: int
    begun: int = 0
    """How many had begun before it, of all kinds."""
    thread: int = field(default_factory=threading.get_ident)
    marks: list[Said] = field(default_factory=list)
    ended: bool = False

    @property
    def flops(self) -> int | None:
        """What the analysis reads in them."""
        return read_flops([self])

    @property
    def reasons(self) -> list[str]:
        """Why it has none."""
        begin = "no flops: "
        return [name.removeprefix(begin) for name, _ in self.marks if name.startswith(begin)]


def read_flops(ranges: list[SpiedRange]) -> int | None:
    """As the analysis does: None where one says nothing, or where what is computed beside is too much."""
    counted = beside = 0
    for each in ranges:
        said = {name: amount or 0 for name, amount in each.marks}
        if not said or each.reasons:
            return None
        counted += sum(amount for name, amount in said.items() if name.partition(":")[0] == "flops")
        beside += said.get("elements", 0)
    return counted if ranges and beside <= LEFT_OUT * counted else None


class SpiedNvtx:
    """In the place of NVTX, as if something recorded."""

    heard = True

    def __init__(self) -> None:
        self.ranges: list[SpiedRange] = []
        self.steps: list[SpiedRange] = []
        self._forgotten = 0
        self._open: dict[int, list[SpiedRange]] = {}

    def attributes(self, name: str, payload: int | None, color: object) -> SpiedAttributes:
        return SpiedAttributes(name, payload)

    def push(self, attributes: SpiedAttributes) -> None:
        stack = self._open.setdefault(threading.get_ident(), [])
        opened = SpiedRange(attributes.name, len(stack), self._begun())
        self.ranges.append(opened)
        stack.append(opened)

    def pop(self) -> None:
        self._open[threading.get_ident()].pop().ended = True

    def mark(self, attributes: SpiedAttributes) -> None:
        said = attributes.name, attributes.payload
        if attributes.name.startswith("step "):
            self._open_step().marks.append((attributes.name.removeprefix("step "), attributes.payload))
            return
        stack = self._open.get(threading.get_ident())
        assert stack, f"{said} belongs to no range"
        assert all(step.begun < stack[-1].begun for step in self._open_steps()), f"{said} would be a step's"
        stack[-1].marks.append(said)

    def start(self, attributes: SpiedAttributes) -> SpiedRange:
        self.steps.append(SpiedRange(attributes.name, 0, self._begun()))
        return self.steps[-1]

    def end(self, started: SpiedRange) -> None:
        started.ended = True

    def _begun(self) -> int:
        return len(self.ranges) + len(self.steps) + self._forgotten

    def _open_steps(self) -> list[SpiedRange]:
        """Those of this thread; the analysis takes marks for the last one's, or for a range that began after it."""
        return [step for step in self.steps if not step.ended and step.thread == threading.get_ident()]

    def _open_step(self) -> SpiedRange:
        here = self._open_steps()
        assert here, "a mark for a step belongs to none"
        return here[-1]

    def open_ranges(self) -> list[str]:
        """Names of what has not ended."""
        return [opened.name for stack in self._open.values() for opened in stack]

    def flops(self, name: str) -> list[int | None]:
        """Of every range of that name, in the order in which they began."""
        return [each.flops for each in self.ranges if each.name == name]

    def total(self, name: str) -> int | None:
        """What the analysis makes of all ranges of that name."""
        return read_flops([each for each in self.ranges if each.name == name])

    def names(self) -> set[str]:
        """Of all ranges."""
        return {each.name for each in self.ranges}

    def reasons(self, name: str) -> list[str]:
        """Why ranges of that name have no FLOPs."""
        return [reason for each in self.ranges if each.name == name for reason in each.reasons]

    def clear(self) -> None:
        """Forget what has ended."""
        self._forgotten += len(self.ranges)
        self.ranges.clear()


@contextmanager
def spied_nvtx(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpiedNvtx]:
    """Annotations speak to a spy; afterwards nothing is annotated, and nothing is left open."""
    from flopprof.profiler.annotation import torch_modules, torch_parts
    from flopprof.profiler.annotation.torch_frames import frames

    spy: Any = SpiedNvtx()
    for module in (nvtx_calls, ranges, steps):
        monkeypatch.setattr(module, "nvtx", lambda: spy)
    caches = (torch_parts.varying, torch_parts._warned)
    for cache in caches:
        cache.cache_clear()
    try:
        yield spy
    finally:
        parts = torch_parts.annotated().parts
        for part in parts.values():
            part.detach()
        parts.clear()
        torch_modules._watch().end()
        for cache in caches:
            cache.cache_clear()
        steps.open_steps.clear()
        steps._open.step = None
        left = spy.open_ranges(), frames().thread.frames
        frames().__init__()
    assert left == ([], [])
