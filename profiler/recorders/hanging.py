"""A recorder that answers to its name and then does nothing: found before and after what it records, never meanwhile.

What is recorded may sleep for days. Until it has begun, and once it has ended, all there is to do is the recorder's.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ...analysis.processes.stalling import Effort, StallWatch, measure_effort
from ...analysis.trace.nsys import work_seconds
from ..errors import CaptureError

State = Literal["to come", "there", "gone"]

LAST_IDLE_SECONDS = 30.0
"""After the program, where ending the recorder costs a trace."""

MOST_WORDS = 1 << 26
"""Bytes of a recorder's own words, which are some lines."""


class RecorderHangs(CaptureError):
    """What records neither works nor ends."""

    def __init__(self, program: Path, problem: str) -> None:
        super().__init__(f"{program.name} at {program} does not answer: {problem}")


@dataclass(slots=True)
class ProcessLife:
    """Whether a process that is no child of ours is to come, there or gone; its id may be used again."""

    _descriptor: int | None = field(default=None, init=False)
    _gone: bool = field(default=False, init=False)

    def begin(self, pid: int) -> None:
        """It is there."""
        if self._descriptor is None:
            try:
                self._descriptor = os.pidfd_open(pid)
            except OSError:
                self._gone = True

    def state(self) -> State:
        """What it is now; a zombie is gone."""
        if self._descriptor is None:
            return "gone" if self._gone else "to come"
        return "gone" if select.select([self._descriptor], [], [], 0)[0] else "there"

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor, self._gone = None, True


@dataclass(slots=True, kw_only=True)
class HangWatch:
    """Asked several times a second how what it records is."""

    program: Path
    """The recorder."""
    private: Path
    """The TMPDIR of its processes."""
    output: Path
    written: Sequence[Path] = ()
    """Folders in which what it has recorded lies, beside its TMPDIR."""
    _state: State | None = field(default=None, init=False)
    _watch: StallWatch | None = field(default=None, init=False)

    def check(self, state: State) -> None:
        """Raises RecorderHangs."""
        if state != self._state:
            self._state = state
            self._watch = None if state == "there" else self._begin(state)
        if self._watch is None:
            return
        problem = self._watch.find_problem()
        if self.output.exists() and self.output.stat().st_size > MOST_WORDS:
            problem = "it talks without end"
        if problem:
            since = "and has not started the program" if state == "to come" else "since the program has ended"
            raise RecorderHangs(self.program, f"{problem} {since}")

    def _begin(self, state: State) -> StallWatch:
        if state == "to come":
            return StallWatch(look=self._look, most_cpu_seconds=work_seconds(0))
        size = sum(map(_written_bytes, (self.private, *self.written)))
        return StallWatch(
            look=self._look, most_cpu_seconds=5 * work_seconds(size), idle_seconds=LAST_IDLE_SECONDS
        )

    def _look(self) -> Effort:
        return measure_effort(self.private)


def _written_bytes(folder: Path) -> int:
    """What the files below a folder hold, in which others come and go meanwhile."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += Path(place, name).stat().st_size
    return size
