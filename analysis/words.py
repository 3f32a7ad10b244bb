"""Words and numbers that more than one room spells: what worker, annotations and analysis call things.

Nothing is imported for them; of flopprof, `profiler/annotation` knows this module only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OWN_DOMAIN = "flopprof"
"""The NVTX domain of every range that flopprof itself writes, in its workers and by `annotate`."""


def is_foreign(domain: str) -> bool:
    """Whether a range's domain is told with its name: flopprof's own and the default one go without saying."""
    return domain not in ("", OWN_DOMAIN)


STEP_PREFIX = "step:"
"""Before a step's key: the range around all that a worker does for it."""

STEP_NAMES = ("variant", "backend", "device", "dtype", "mode")
"""What every step is called by, beside its parameters."""

MEASURE, REP, WARMUP = "measure", "rep", "warmup"
CALL_COSTS = "call_costs"
"""Ranges in a step's: its window, the reps in that, and what ran before it."""

BYTES_MARK = "bytes"
"""The mark whose payload is the bytes of the innermost own range around it."""

FLOPS_MARK, ELEMENTS_MARK, NO_FLOPS_MARK = "flops", "elements", "no flops: "
"""Marks of what a part computes: a rate may follow, ``flops:bfloat16``; the last says why it is not known."""

STEP_MARK = "step "
"""Before such a mark where it is of the program's whole step."""

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

KERNEL, MEMCPY, MEMSET, GRAPH, LAUNCH, LATENCY, SYNC, API, HOST, UNKNOWN = range(len(LAYERS))
"""Their numbers, in frames and arrays."""

PARTS = (*LAYERS, "compute")
"""Where a window's time went: the ten layers of a device, or compute and host of a CPU."""

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

OUT_OF_TIME = "the time for evidence was used up before its turn"
"""Why a step has no evidence though nothing is in its way; what a run that is taken up again may still gather."""

SAMPLED = "sampled"
"""The range of the sampled pass that is recorded."""

ELLIPSIS = "…"

FORMAT = 1
"""Version of the JSON documents and of the files in a run folder."""

Recorder = Literal["nsys", "embedded"]
"""What records a run."""

EMBEDDED = "flopprof embedded recorder"
"""What the embedded recorder calls itself in what it writes."""

CLOCK_ORIGIN = "EXPORT_CLOCK_ORIGIN_NS"
"""What the embedded recorder calls its file's 0, on the clock of ``time.perf_counter_ns``."""

ACTIVITY_RECORDER = "torch.profiler"
"""What records devices where Nsight Systems is missing."""

DEVICE_RECORDER, CLOCK_RESIDUAL = "EXPORT_DEVICE_RECORDER", "EXPORT_CLOCK_RESIDUAL_NS"
"""Where an export says what recorded devices in it, and how far their clock may be from that of the ranges."""

NO_ACTIVITY = f"{ACTIVITY_RECORDER} recorded no device activity"
ACTIVITY_CUT_SHORT = f"{ACTIVITY_RECORDER} stopped recording too early"
ACTIVITY_GAVE_WAY = (
    f"{ACTIVITY_RECORDER} was used by the program itself, and recorded nothing for flopprof meanwhile"
)
"""What an export tells of a recording that lost everything, or its end."""

TraceRecorder = Literal["nsys", "embedded", "kineto"]
"""What recorded a trace; Kineto is torch.profiler's."""


RecorderChoice = Literal["auto", "nsys", "embedded"]
"""What may be asked for."""

EvidenceChoice = Literal["auto", "metrics", "counters", "none"]
"""auto: hardware counters, else samples of the GPU, as far as they can be had; by name: an error where they cannot."""

GraphRanges = Literal["launch", "capture"]
"""Where the nodes of a CUDA graph belong: to the range that launched it, or to those they were captured in."""

WindowClock = Literal["host", "device"]
"""What the windows of a range are cut on."""

Align = Literal["collectives", "utc", "none"]
"""How the clocks of a job's ranks are set: by shared collectives, by wall clocks alone, or not."""

Status = Literal["done", "failed", "skipped"]

Clock = Literal["device_events", "host"]

LEFT_OUT = 0.02
"""FLOPs of matrix products are those of a part of a program while it computes no more than this share beside them."""
