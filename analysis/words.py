"""Words and numbers that records and results share; nothing is imported for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # pydantic, which reading a trace can do without
    pass


HOST_FIRST = 2**31 - 1
"""CUPTI's device number of a whole graph whose first node runs on the host."""


def known_device(device: int) -> int | None:
    """A physical device's id, or None where the records do not say which it is."""
    return device if 0 <= device < HOST_FIRST else None


def name_device(device: int) -> str:
    """How reports name a device: ``GPU 0``, ``unknown GPU``."""
    known = known_device(device)
    return "unknown GPU" if known is None else f"GPU {known}"


BUSY_LAYERS = ("kernel", "memcpy", "memset", "graph")

IDLE_LAYERS = ("launch", "latency", "sync", "api", "host", "unknown")

LAYERS = BUSY_LAYERS + IDLE_LAYERS

Severity = Literal["error", "warning", "info"]

Limit = Literal["memory", "compute", "launch", "copy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityNote:
    """One thing to know before believing a number."""

    code: str
    severity: Severity
    message: str
    count: int = 1
    affects: tuple[str, ...] = ()


COUNTED_OP = "op:"
"""How the ranges of the counters pass begin; the number of the op follows."""

FORMAT = 1
"""Version of the JSON documents and of the files in a run folder."""

Recorder = Literal["nsys", "embedded"]
"""What records a run."""

TraceRecorder = Literal["nsys", "embedded", "kineto"]
"""What recorded a trace; Kineto is torch.profiler's."""


Status = Literal["done", "failed", "skipped"]

Clock = Literal["device_events", "host"]
