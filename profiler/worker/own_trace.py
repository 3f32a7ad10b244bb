"""What a worker records of itself: its ranges, and where Nsight Systems is missing the device's activity, too."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ...scenarios.libraries.backend import Backend
from ..inside.torch_activity import TorchActivity
from .embedded import EmbeddedTrace
from .job import Job
from .range_writer import MemoryRanges, NoRanges, NvtxRanges, RangeWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTrace:
    """Where a worker's ranges go, and what else is recorded while a session is open."""

    ranges: RangeWriter
    trace: EmbeddedTrace | None = None
    activity: TorchActivity | None = None

    def session(self) -> AbstractContextManager[None]:
        """Record the device while the context lasts, where that is this process's business."""
        return nullcontext() if self.activity is None else self.activity.session()

    def flush(self) -> None:
        """Save the ranges that have ended, so that they outlive a crash."""
        if self.trace is not None and isinstance(self.ranges, MemoryRanges):
            self.trace.append(self.ranges.take())

    def forget(self) -> None:
        """Leave out the ranges that have ended and were only timed; those that own device work stay."""
        if self.activity is None and isinstance(self.ranges, MemoryRanges):
            self.ranges.take()


@contextmanager
def open_trace(job: Job) -> Iterator[OwnTrace]:
    """What a job says is to be recorded, and how."""
    if job.ranges == "none":
        yield OwnTrace(ranges=NoRanges())
    elif job.ranges == "nvtx":
        yield OwnTrace(ranges=NvtxRanges())
    else:
        assert job.trace is not None, "a job with ranges in memory names a trace"
        activity = TorchActivity(Path(job.activity)) if job.activity is not None else None
        with EmbeddedTrace(Path(job.trace)) as trace:
            yield OwnTrace(ranges=MemoryRanges(), trace=trace, activity=activity)


def load_libraries(backend: Backend) -> None:
    """Have a library load its own cuBLAS before torch comes with another."""
    allocate = backend.allocator("float32", 0)
    operator.matmul(allocate((2, 2), None), allocate((2, 1), None))
    backend.synchronize()
