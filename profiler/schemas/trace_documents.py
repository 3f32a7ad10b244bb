"""The documents of traces: `analyze` of one and of several, and counters.json."""

from __future__ import annotations

from ...analysis.attribution.paths import PathName
from ...analysis.breakdown.analyze import KERNEL_FIELDS, OWNER_FIELDS, WINDOW_FIELDS
from ...analysis.breakdown.rows import CopyRow, KernelRow, RangeKernelRow, RangeRow
from ...analysis.breakdown.trace_steps import StepRow
from ...analysis.breakdown.window_rows import OwnedTime, WindowRow
from ...analysis.evidence.counted_ranges import CountedRange, ProgramCounters
from ...analysis.evidence.metric_rows import DeviceMetrics, KernelMetrics, RangeMetrics
from ...analysis.evidence.metrics import Figures
from ...analysis.export.devices import Device
from ...analysis.many.trace_summary import KernelUse, RangeUse
from ...analysis.words import TraceRecorder
from .deriving import (
    Fields,
    Schema,
    array_of,
    fields_of,
    map_of,
    object_of,
    of_type,
    or_null,
    pick,
    said,
    typed,
)
from .parts import DONE_OR_FAILED, QUALITY, VERSION

_LAYERS = "Where a window's time went; on a device the ten layers add up to wall_ns exactly."


def analyze_document() -> Fields:
    """`flopprof analyze TRACE --json`."""
    return {
        **VERSION,
        "trace": object_of(_trace()),
        "devices": array_of(object_of(_device(), "A GPU as one process used it.")),
        "quality": QUALITY,
        **typed(device_ns=int, attributed_ns=int, unattributed_ns=int),
        "windows": array_of(object_of(_window(), _LAYERS)),
        "ranges": array_of(of_type(RangeRow)),
        "range_kernels": array_of(of_type(RangeKernelRow)),
        "kernels": array_of(object_of(pick(fields_of(KernelRow), KERNEL_FIELDS), "A kernel on a device.")),
        "copies": array_of(of_type(CopyRow)),
        "steps": array_of(of_type(StepRow)),
        "device_metrics": or_null(object_of(_metrics(), "How the GPU was sampled; null where it was not.")),
        "range_metrics": array_of(object_of(_figures(RangeMetrics), "A range's device work by samples.")),
        "kernel_metrics": array_of(object_of(_figures(KernelMetrics), "A kernel of a range by samples.")),
    }


def _trace() -> Fields:
    return {
        **typed(path=str, sha256=str | None, recorder=TraceRecorder, schema=str | None, exporter=str | None),
        **typed(duration_ns=int, graph_mode=str | None),
        "processes": array_of(said(of_type(int | None), "Its pid.")),
    }


def _device() -> Fields:
    own = fields_of(Device)
    return {
        "device": said(of_type(int | None), "The physical GPU's number, null where it is not known.")
    } | pick(own, ("pid", "uuid", "name", "certain"))


def _window() -> Fields:
    own, owner = fields_of(WindowRow), fields_of(PathName) | fields_of(OwnedTime)
    return {
        **fields_of(PathName),
        **pick(own, ("instance", "payload", "device", "kind", "start_ns")),
        **{name: of_type(int if name == "wall_ns" else int | None) for name in WINDOW_FIELDS},
        "memcpy_kinds": said(map_of(of_type(int)), "Its memcpy_ns by kind of copy, in nanoseconds."),
        "owners": array_of(object_of(pick(owner, OWNER_FIELDS), OwnedTime.__doc__ or "")),
    }


def _metrics() -> Fields:
    own = fields_of(DeviceMetrics)
    return {
        **pick(own, ("source", "set", "frequency_hz", "samples", "names")),
        "devices": array_of(of_type(DeviceMetrics)),
    }


def _figures(row: type) -> Fields:
    own = fields_of(row)
    return {name: schema for name, schema in own.items() if name != "figures"} | fields_of(Figures)


def analyze_many_document() -> Fields:
    """`flopprof analyze TRACE TRACE… --json`."""
    place = {"trace": said(of_type(int), "Its place in traces, from 0.")}
    ranges = {**typed(range=str, path=list[str], domain=str)}
    return {
        **VERSION,
        "quality": QUALITY,
        "traces": array_of(object_of(_one_of_many(), "A trace: what it holds, or why it could not be read.")),
        "ranges": array_of(
            object_of({**ranges, "traces": array_of(object_of({**place, **fields_of(RangeUse)}))})
        ),
        "kernels": array_of(
            object_of({**typed(kernel=str), "traces": array_of(object_of({**place, **fields_of(KernelUse)}))})
        ),
    }


def _one_of_many() -> Fields:
    return {
        "trace": said(of_type(str), "Its path."),
        "status": DONE_OR_FAILED,
        **typed(reason=str | None, sha256=str | None),
        **typed(
            duration_ns=int | None,
            device_ns=int | None,
            attributed_ns=int | None,
            unattributed_ns=int | None,
        ),
        "quality": QUALITY,
    }


def counters_document() -> Fields:
    """counters.json of `flopprof counters`."""
    rows: Schema = array_of(of_type(CountedRange))
    return {**VERSION, **fields_of(ProgramCounters), "ranges": rows, "kernels": rows}
