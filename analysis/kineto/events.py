"""One event of a Kineto trace as a row of the export: kernels, copies, fills, calls, ranges.

An event's ``ts`` and ``dur`` are microseconds with the nanoseconds behind the point, relative to
``baseTimeNanoseconds`` (since 2024; before, of the Unix clock). Device events carry ``device``, ``stream``,
``correlation`` and the launch geometry in ``args`` (libkineto's ``output_json.cpp``); their ``pid`` and ``tid`` are the
device and the stream, not a process. Shared memory is one number there, static and dynamic together; the row has it
as dynamic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .stream import Event

OPERATOR_DOMAIN, PYTHON_DOMAIN = "torch.operators", "torch.python"
"""Domains of what torch itself marks: operators, and with ``with_stack`` Python's functions; libraries' both."""

RANGE_DOMAINS = {"user_annotation": "", "cpu_op": OPERATOR_DOMAIN, "python_function": PYTHON_DOMAIN}

COPY_KINDS = {"HtoD": 1, "DtoH": 2, "DtoD": 8, "HtoH": 9, "PtoP": 10}

MEMORY_KINDS = {"Pageable": 0, "Pinned": 1, "Device": 2, "Array": 3, "Managed": 4}

UNKNOWN_MEMORY = 7

COPY = re.compile(r"Memcpy (\w+) \((\w+)(?: -> (\w+))?\)")

FILL = re.compile(r"Memset \((\w+)\)")


class Place(NamedTuple):
    """When and where device work ran, and the call it came from."""

    start: int
    end: int
    device: int
    stream: int
    context: int
    correlation: int | None
    graph_node: int | None


class KernelEvent(NamedTuple):
    """A kernel."""

    place: Place
    name: str
    grid: tuple[int | None, ...]
    block: tuple[int | None, ...]
    registers: int | None
    shared_bytes: int | None


class CopyEvent(NamedTuple):
    """A copy."""

    place: Place
    bytes: int
    kind: int
    source: int
    target: int


class FillEvent(NamedTuple):
    """A fill."""

    place: Place
    bytes: int
    memory: int


class CallEvent(NamedTuple):
    """A CUDA API call on a host thread."""

    start: int
    end: int
    pid: int
    tid: int
    name: str
    correlation: int | None
    driver: bool


class RangeEvent(NamedTuple):
    """A range on a host thread."""

    start: int
    end: int
    pid: int
    tid: int
    name: str
    domain: str


class NvtxEvent(NamedTuple):
    """A range or a mark that a program made by NVTX; its kind as Nsight Systems numbers it."""

    kind: int
    start: int
    end: int | None
    """None where it was never closed, and of a mark."""
    pid: int
    tid: int
    name: str
    domain: str
    payload: float | None = None
    end_tid: int | None = None


HostEvent = CallEvent | RangeEvent
TraceRow = KernelEvent | CopyEvent | FillEvent | HostEvent


def read_event(event: Event) -> TraceRow | None:
    """The row of an event; None for what is none of these: flows, metadata, projections, the profiler's own spans.

    Raises ValueError for an event of a known kind that lacks what its kind must have.
    """
    reader = READERS.get(event.get("cat", ""))
    if reader is None or event.get("ph") != "X":
        return None
    try:
        return reader(event)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"an event of category {event.get('cat')} lacks {error}") from None


def _times(event: Event) -> tuple[int, int]:
    """Start and end in ns; both are rounded from microseconds as they are, so that neighbours still touch."""
    start = event["ts"] * 1000
    return round(start), round(start + event.get("dur", 0) * 1000)


def _place(event: Event) -> Place:
    arguments: Mapping[str, Any] = event["args"]
    node, graph = arguments.get("graph node id"), arguments.get("graph id")
    return Place(
        *_times(event),
        device=int(arguments["device"]),
        stream=int(arguments["stream"]),
        context=int(arguments.get("context", 0)),
        correlation=_whole(arguments.get("correlation")),
        graph_node=int(node) | int(graph or 0) << 32 if node else None,
    )


def _whole(value: Any) -> int | None:
    return int(value) if value is not None else None


def _dims(value: Any) -> tuple[int | None, ...]:
    return tuple(int(one) for one in value) if value and len(value) == 3 else (None, None, None)


def _kernel(event: Event) -> KernelEvent:
    arguments = event["args"]
    return KernelEvent(
        place=_place(event),
        name=str(event["name"]),
        grid=_dims(arguments.get("grid")),
        block=_dims(arguments.get("block")),
        registers=_whole(arguments.get("registers per thread")),
        shared_bytes=_whole(arguments.get("shared memory")),
    )


def _copy(event: Event) -> CopyEvent:
    said = COPY.match(event["name"])
    kind, source, target = said.groups() if said else ("", "", "")
    return CopyEvent(
        place=_place(event),
        bytes=int(event["args"]["bytes"]),
        kind=COPY_KINDS.get(kind, 0),
        source=MEMORY_KINDS.get(source, UNKNOWN_MEMORY),
        target=MEMORY_KINDS.get(target or "", UNKNOWN_MEMORY),
    )


def _fill(event: Event) -> FillEvent:
    said = FILL.match(event["name"])
    memory = MEMORY_KINDS.get(said[1], UNKNOWN_MEMORY) if said else UNKNOWN_MEMORY
    return FillEvent(place=_place(event), bytes=int(event["args"]["bytes"]), memory=memory)


def _call(event: Event) -> CallEvent:
    return CallEvent(
        *_times(event),
        pid=int(event["pid"]),
        tid=_thread(event),
        name=str(event["name"]),
        correlation=_whole(event.get("args", {}).get("correlation")),
        driver=event["cat"] == "cuda_driver",
    )


def _thread(event: Event) -> int:
    """The thread; `flopprof timeline` draws calls in a lane of their own and says whose they are."""
    return int(event.get("args", {}).get("thread", event["tid"]))


def _range(event: Event) -> RangeEvent:
    name = str(event["name"])
    shapes = describe_shapes(event.get("args", {}).get("Input Dims") or ())
    return RangeEvent(
        *_times(event),
        pid=int(event["pid"]),
        tid=_thread(event),
        name=f"{name} {shapes}" if shapes else name,
        domain=RANGE_DOMAINS[event["cat"]],
    )


def describe_shapes(dims: Any) -> str:
    """The shapes of an operator's tensors; scalars and absent inputs have none.

    >>> describe_shapes([[64, 10], [], [10, 3]])
    '(64×10, 10×3)'
    """
    shapes = [_shape(one) for one in dims if one]
    return f"({', '.join(shapes)})" if shapes else ""


def _shape(dims: Any) -> str:
    if isinstance(dims[0], list):  # an input that is a list of tensors
        return "[" + ", ".join(_shape(one) for one in dims if one) + "]"
    return "×".join(str(one) for one in dims)


READERS: dict[str, Callable[[Event], TraceRow]] = {
    "kernel": _kernel,
    "gpu_memcpy": _copy,
    "gpu_memset": _fill,
    "cuda_runtime": _call,
    "cuda_driver": _call,
    **dict.fromkeys(RANGE_DOMAINS, _range),
}
