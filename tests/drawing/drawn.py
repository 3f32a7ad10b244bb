"""Small traces made by hand or drawn by hypothesis, and what they must yield, one nanosecond at a time.

The oracle below is written from the definitions in DESIGN.md alone, without arrays: slow, and easy to check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from flopprof.analysis.arithmetic.nesting import find_parents, measure_depths, rank_ranges
from flopprof.analysis.attribution.attribution import Attribution
from flopprof.analysis.attribution.credits import Credit, walk_chain
from flopprof.analysis.export.activities import order_activities
from flopprof.analysis.export.devices import Device
from flopprof.analysis.export.frames import COLUMNS, CROSS_THREAD, make_frame
from flopprof.analysis.export.metadata import Metadata
from flopprof.analysis.trace.trace import Trace
from flopprof.analysis.words import BUSY_LAYERS, LAYERS
from hypothesis import strategies as st

LAUNCHES = ("cudaLaunchKernel_v7000", "cudaMemcpyAsync_v3020", "cuLaunchKernel")
WAITS = ("cudaDeviceSynchronize_v3020", "cudaMemcpy_v3020", "cuEventSynchronize")
OTHERS = ("cudaEventRecord_v3020", "cudaMalloc_v3020")


def empty_frame(kind: str) -> pd.DataFrame:
    """A frame of the declared kind without rows."""
    return make_frame(kind, {name: np.zeros(0, dtype) for name, dtype in COLUMNS[kind].items()})


@dataclass(frozen=True)
class Call:
    start: int
    end: int
    thread: int = 0
    name: str = LAUNCHES[0]


@dataclass(frozen=True)
class Work:
    """One device record; `call` is a place in Drawn.calls."""

    start: int
    end: int
    layer: str = "kernel"
    call: int | None = None
    device: int = 0
    process: int = 0
    context: int = 1
    stream: int = 7
    correlation_id: int = 0
    name: str = "k"


@dataclass(frozen=True)
class Range:
    start: int
    end: int
    name: str = "r"
    thread: int = 0
    domain: str = "ops"
    style: int = 0


@dataclass(frozen=True)
class Drawn:
    """Rows in the order of their file; `threads` gives the process of each thread."""

    calls: Sequence[Call] = ()
    work: Sequence[Work] = ()
    ranges: Sequence[Range] = ()
    threads: Sequence[int] = (0,)
    has_calls: bool = True
    names: list[str] = field(default_factory=list, compare=False)

    def trace(self) -> Trace:
        """The same as frames."""
        texts = {c.name for c in self.calls} | {w.name for w in self.work}
        names = sorted(texts | {r.name for r in self.ranges} | {r.domain for r in self.ranges})
        code = {name: i for i, name in enumerate(names)}
        order = sorted(range(len(self.calls)), key=lambda i: (self.calls[i].thread, self.calls[i].start))
        place = {row: at for at, row in enumerate(order)}
        calls = [self.calls[i] for i in order]
        work = sorted(self.work, key=lambda w: BUSY_LAYERS.index(w.layer))
        activities = make_frame(
            "activities",
            {
                "start_ns": _array([w.start for w in work]),
                "end_ns": _array([w.end for w in work]),
                "layer": _array([BUSY_LAYERS.index(w.layer) for w in work], np.int8),
                "device": _array([w.device for w in work], np.int32),
                "process": _array([w.process for w in work], np.int32),
                "context": _array([w.context for w in work]),
                "stream": _array([w.stream for w in work]),
                "correlation_id": _array([w.correlation_id for w in work]),
                "name": _array([code[w.name] for w in work], np.int32),
                "launch": _array([0 if w.layer == "kernel" else -1 for w in work], np.int32),
                "call": _array([-1 if w.call is None else place[w.call] for w in work], np.int32),
                "graph_node": _array([0] * len(work)),
            },
        )
        return Trace(
            path=Path("drawn.sqlite"),
            metadata=Metadata(
                recorder="nsys",
                schema="3.20.3",
                exporter=None,
                duration_ns=None,
                graph_mode=None,
                partial=False,
                diagnostics=(),
            ),
            activities=activities,
            by_start=order_activities(activities),
            copies=_copies(work),
            launches=make_frame("launches", {c: _array([-1]) for c in COLUMNS["launches"]}),
            calls=make_frame(
                "calls",
                {
                    "start_ns": _array([c.start for c in calls]),
                    "end_ns": _array([c.end for c in calls]),
                    "thread": _array([c.thread for c in calls], np.int32),
                    "name": _array([code[c.name] for c in calls], np.int32),
                },
            ),
            event_waits=empty_frame("event_waits"),
            graph_nodes=empty_frame("graph_nodes"),
            ranges=_ranges(self.ranges, code),
            marks=empty_frame("marks"),
            threads=make_frame(
                "threads",
                {
                    "process": _array(self.threads, np.int32),
                    "pid": _array([100 + p for p in self.threads], np.int32),
                    "tid": _array(range(len(self.threads)), np.int32),
                },
            ),
            names=tuple(names),
            processes=tuple((100 + p) << 24 for p in range(max(self.threads) + 1)),
            devices=tuple(
                Device(device=d, process=p, pid=100 + p, ordinal=d, uuid=None, name=None, certain=True)
                for d, p in sorted({(w.device, w.process) for w in work})
            ),
            gpus={},
            has_calls=self.has_calls,
            duration_ns=0,
            quality=(),
        )

    def ranked(self) -> list[Range]:
        """Ranges in the order of trace.ranges."""
        rows = sorted(
            range(len(self.ranges)),
            key=lambda i: (self.ranges[i].thread, self.ranges[i].start, -self.ranges[i].end, i),
        )
        return [self.ranges[i] for i in rows]


def _array(values: Sequence[int] | range, dtype: type = np.int64) -> np.ndarray:
    return np.array(list(values), dtype)


def _copies(work: Sequence[Work]):
    rows = [i for i, w in enumerate(work) if w.layer in ("memcpy", "memset")]
    kind = [1 if work[i].layer == "memcpy" else -1 for i in rows]
    return make_frame(
        "copies",
        {
            "activity": _array(rows, np.int32),
            "bytes": _array([100] * len(rows)),
            "copy_kind": _array(kind, np.int32),
            "src_kind": _array([1] * len(rows), np.int32),
            "dst_kind": _array([2] * len(rows), np.int32),
        },
    )


def _ranges(ranges: Sequence[Range], code: dict[str, int]):
    start, end = _array([r.start for r in ranges]), _array([r.end for r in ranges])
    thread = _array([r.thread for r in ranges], np.int32)
    style = _array([r.style for r in ranges], np.int8)
    order = rank_ranges(thread, start, end)
    own = np.flatnonzero(style[order] != CROSS_THREAD)
    found = find_parents(thread[order][own], end[order][own])
    parent = np.full(len(ranges), -1, np.int64)
    parent[own] = [own[p] if p >= 0 else -1 for p in found]
    return make_frame(
        "ranges",
        {
            "start_ns": start[order],
            "end_ns": end[order],
            "thread": thread[order],
            "domain": _array([code[r.domain] for r in ranges], np.int32)[order],
            "name": _array([code[r.name] for r in ranges], np.int32)[order],
            "style": style[order],
            "payload_kind": np.zeros(len(ranges), np.int8),
            "payload": np.zeros(len(ranges), np.int64),
            "open": np.zeros(len(ranges), np.bool_),
            "parent": parent.astype(np.int32),
            "depth": measure_depths(parent).astype(np.int32),
        },
    )


class Oracle:
    """Labels single nanoseconds of a Drawn trace."""

    def __init__(self, drawn: Drawn, owner_domains: tuple[str, ...] = ("ops",)) -> None:
        self.drawn = drawn
        self.ranges = drawn.ranked()
        self.domains = owner_domains

    def open_on(self, thread: int, now: int) -> list[int]:
        """Owner ranges open on a thread, outermost first."""
        return [
            i
            for i, r in enumerate(self.ranges)
            if r.thread == thread
            and r.style != CROSS_THREAD
            and r.domain in self.domains
            and r.start <= now < r.end
        ]

    def cross_open(self, process: int, now: int) -> list[int]:
        """Ranges open in a process that end on another thread, outermost first."""
        found = [
            i
            for i, r in enumerate(self.ranges)
            if r.style == CROSS_THREAD
            and self.drawn.threads[r.thread] == process
            and r.domain in self.domains
            and r.start <= now < r.end
        ]
        return sorted(found, key=lambda i: (self.ranges[i].start, -self.ranges[i].end, i))

    def owner_of_call(self, call: int) -> tuple[int, str]:
        """(range, how) of a launching call."""
        c = self.drawn.calls[call]
        return self.owner_at(c.thread, c.start)

    def owner_at(self, thread: int, now: int) -> tuple[int, str]:
        """(range, how) of an instant on a thread."""
        here = self.open_on(thread, now)
        if here:
            return here[-1], "thread"
        process = self.drawn.threads[thread]
        others = [t for t, p in enumerate(self.drawn.threads) if p == process and self.open_on(t, now)]
        workers = [t for t in others if self._launched_in_outermost(t, now)]
        for certain in (others, workers):
            if len(certain) == 1:
                return self.open_on(certain[0], now)[-1], "process"
        wide = self.cross_open(process, now)
        return (wide[-1], "process") if wide and not others else (-1, "none")

    def _launched_in_outermost(self, thread: int, now: int) -> bool:
        outermost = self.ranges[self.open_on(thread, now)[0]]
        return any(
            self.drawn.calls[w.call].thread == thread
            and outermost.start <= self.drawn.calls[w.call].start < outermost.end
            for w in self.drawn.work
            if w.call is not None
        )

    def owner_of(self, work: Work) -> int:
        return -1 if work.call is None else self.owner_of_call(work.call)[0]

    def showing(self, device: int, now: int) -> Work | None:
        """The activity that labels a busy instant."""
        covering = [w for w in self.drawn.work if w.device == device and w.start <= now < w.end]
        return min(covering, key=_priority, default=None)

    def label(self, device: int, now: int) -> tuple[str, int]:
        """(layer, owner) of one nanosecond."""
        shown = self.showing(device, now)
        if shown is not None:
            return shown.layer, self.owner_of(shown)
        begins = [w.start for w in self.drawn.work if w.device == device and w.end > w.start > now]
        if not begins:
            return self._host(self._last_thread(device), now)
        x = self.showing(device, min(begins))
        assert x is not None
        if x.call is None:
            return "unknown", -1
        c = self.drawn.calls[x.call]
        if now >= c.end:
            return "latency", self.owner_of(x)
        if now >= c.start:
            return "launch", self.owner_of(x)
        return self._host(c.thread, now)

    def _last_thread(self, device: int) -> int | None:
        calls = [
            self.drawn.calls[w.call] for w in self.drawn.work if w.device == device and w.call is not None
        ]
        return max(calls, key=lambda c: (c.start, c.end, c.thread)).thread if calls else None

    def _host(self, thread: int | None, now: int) -> tuple[str, int]:
        if thread is None:
            return "unknown", -1
        here = [
            (i, c) for i, c in enumerate(self.drawn.calls) if c.thread == thread and c.start <= now < c.end
        ]
        layer = "api" if here else "host"
        if any(c.name in WAITS or self._begun(i, now) for i, c in here):
            layer = "sync"
        return layer, self.owner_at(thread, now)[0]

    def _begun(self, call: int, now: int) -> bool:
        return any(w.call == call and w.start <= now for w in self.drawn.work)


def _priority(w: Work) -> tuple[object, ...]:
    return (
        BUSY_LAYERS.index(w.layer),
        w.start,
        w.end,
        w.process,
        w.context,
        w.stream,
        w.correlation_id,
        w.name,
    )


LONGEST = 40
_SPANS = st.tuples(st.integers(0, LONGEST), st.integers(0, 12))
_CALLS = st.lists(
    st.tuples(_SPANS, st.integers(0, 2), st.sampled_from(LAUNCHES + WAITS + OTHERS)), max_size=7
)
_WORK = st.lists(
    st.tuples(
        _SPANS,
        st.sampled_from(BUSY_LAYERS),
        st.integers(-1, 9),  # the call, -1 for none
        st.booleans(),  # begins relative to its call
        st.integers(0, 1),  # device
        st.integers(0, 5),  # stream and name, or the process of work without a call
    ),
    max_size=7,
)
_RANGES = st.lists(
    st.tuples(
        st.tuples(st.integers(0, LONGEST // 2), st.integers(0, LONGEST)),
        st.sampled_from("pqr"),
        st.integers(0, 2),
        st.sampled_from(("ops", "ops", "cuBLAS")),
        st.sampled_from((0, 0, 1, CROSS_THREAD)),
        st.integers(0, 5),  # 0: has a twin
    ),
    max_size=8,
)


@st.composite
def drawn_traces(draw: st.DrawFn) -> Drawn:
    """Traces of up to three threads in two processes on two devices, full of ties, edges and overlaps."""
    threads = draw(st.sampled_from(((0, 0, 0), (0, 0, 1), (0, 0), (0, 1), (0,))))
    grid = draw(st.sampled_from((1, 1, 1, 6)))  # a coarse clock makes ties
    calls = [
        Call(start // grid * grid, (start + length) // grid * grid, thread % len(threads), name)
        for (start, length), thread, name in draw(_CALLS)
    ]
    work = [
        _one_work(threads, calls, span, layer, call % len(calls) if call >= 0 and calls else None, *rest)
        for span, layer, call, *rest in draw(_WORK)
    ]
    work = [replace(w, start=w.start // grid * grid, end=w.end // grid * grid) for w in work]
    ranges: list[Range] = []
    for (start, length), name, thread, domain, style, twin in draw(_RANGES):
        ranges.append(Range(start, start + length, name, thread % len(threads), domain, style))
        ranges += [replace(ranges[-1], name="twin")] * (twin == 0)
    return Drawn(calls, work, ranges, threads)


def _one_work(
    threads: Sequence[int],
    calls: list[Call],
    span: tuple[int, int],
    layer: str,
    call: int | None,
    relative: bool,
    device: int,
    rest: int,
) -> Work:
    start = span[0] // 4 + calls[call].start if call is not None and relative else span[0]
    return Work(
        start,
        start + span[1],
        layer,
        call,
        device,
        threads[rest % len(threads)] if call is None else threads[calls[call].thread],
        stream=7 + rest % 2,
        correlation_id=0 if call is None else call + 1,
        name="kl"[rest % 2],
    )


__all__ = ["LAYERS", "Call", "Drawn", "Oracle", "Range", "Work", "drawn_traces"]


def credits_of(attribution: Attribution) -> Iterator[Credit]:
    """All pairs of a site and a range open there, range by range outwards from the innermost."""
    for chain in attribution.chains:
        yield from walk_chain(chain, attribution.sites.time)
