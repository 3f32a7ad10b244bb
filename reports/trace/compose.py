"""The analysis of any trace as a document: where device time went, by range, kernel and copy."""

from __future__ import annotations

from itertools import takewhile

from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.rows import WindowTimes
from ...analysis.breakdown.trace_steps import StepRow
from ...analysis.breakdown.window_rows import WindowRow
from ...analysis.words import name_device
from ..document.document import Document, LazyData, Section
from ..document.names import clean
from ..document.notices import describe_note
from ..document.numbers import count_noun, format_quantity, format_value
from .kernel_tables import copy_table, kernel_table, range_kernel_table
from .metric_table import metric_table
from .owner_table import owner_table
from .range_table import range_table
from .step_timeline import draw_up_timeline
from .window_table import window_table

_MOST_STEPS = 3


def compose_analysis(analysis: Analysis, *, full_names: bool = False, timeline: bool = False) -> Document:
    """Everything an analysis says; with ``full_names`` kernel names are listed whole under their table, with
    ``timeline`` HTML draws one step.
    """
    tables = (
        window_table(analysis),
        owner_table(analysis),
        range_table(analysis),
        metric_table(analysis),
        kernel_table(analysis, full_names=full_names),
        range_kernel_table(analysis),
        copy_table(analysis),
    )
    return Document(
        title=f"flopprof analyze {clean(analysis.trace.path.name)}",
        about="",
        recorder=_describe_recorder(analysis),
        summary=_summarise(analysis),
        verdicts=(
            *(_describe_step(row) for row in analysis.steps[:_MOST_STEPS]),
            *(_describe_window(row) for row in takewhile(_is_trace, analysis.windows)),
        ),
        warnings=tuple(describe_note(note) for note in analysis.quality),
        sections=tuple(
            Section(name=table.name, title=table.title, tables=(table,)) for table in tables if table.rows
        ),
        facts=tuple(_list_devices(analysis)),
        folder="",
        data=LazyData(analysis.to_json),
        timeline=draw_up_timeline(analysis) if timeline else None,
    )


def _describe_step(row: StepRow) -> str:
    """The headline of a trace with steps: what one takes when it is steady."""
    name = clean(" › ".join(row.path))
    low, high = row.interval_ns or (None, None)
    spread = (
        "" if low is None else f" (95 % interval {format_value(low, 'time')} to {format_value(high, 'time')})"
    )
    aside = (
        f"; the first {row.warm_up} are set aside as start-up and warm-up (--all keeps them)"
        if row.warm_up
        else ""
    )
    where = "on the host" if row.clock == "host" else "of the device's time line"
    return (
        f"{name}: {format_value(row.median_ns, 'time')} {where}, the median of {row.instances} steady instances"
        f"{spread}{aside}."
    )


def _describe_recorder(analysis: Analysis) -> str:
    metadata = analysis.trace.metadata
    version = f", exported by {metadata.exporter}" if metadata.exporter else ""
    return clean(f"Recorder: {metadata.recorder}; schema {metadata.schema or 'unknown'}{version}.")


def _summarise(analysis: Analysis) -> str:
    records = len(analysis.trace.activities)
    if not records:
        return f"{format_quantity(analysis.trace.duration_ns, 'time')} recorded; no device work in it."
    share = analysis.attributed_ns / analysis.device_ns if analysis.device_ns else None
    return (
        f"{format_quantity(analysis.trace.duration_ns, 'time')} recorded; {count_noun(records, 'device record')} "
        f"of {format_quantity(analysis.device_ns, 'time')} in all, {format_value(share, 'percent')} of it "
        "attributed to ranges."
    )


def _is_trace(row: WindowRow) -> bool:
    """Windows of the whole trace have none beside them."""
    return row.kind == "trace"


def _describe_window(row: WindowRow) -> str:
    """How busy a device was, and what its idle time was made of."""
    times = row.times
    where = "the host" if row.device is None else name_device(row.device)
    if times.busy_ns is None and not times.wall_ns:
        return "Neither device work nor ranges that took time were recorded: there is nothing to divide."
    if times.busy_ns is None:
        covered = (
            f"ranges cover {_share(times.compute_ns, times)} of {format_quantity(times.wall_ns, 'time')}"
        )
        return f"On {where}: {covered}, from the first record to the last."
    start = f"{where}: busy {_share(times.busy_ns, times)} of {format_value(times.wall_ns, 'time')}"
    if times.launch_ns is None or times.latency_ns is None:
        return f"{start}; why it idled the trace cannot say."
    exposed = _share(times.launch_ns + times.latency_ns, times)
    rest = ", ".join(
        f"{name} {_share(getattr(times, f'{name}_ns'), times)}" for name in ("sync", "api", "host", "unknown")
    )
    return f"{start}; exposed launch overhead (launch and latency) {exposed}; {rest}."


def _share(ns: float | None, times: WindowTimes) -> str:
    return format_value(ns / times.wall_ns if ns is not None and times.wall_ns else None, "percent")


def _list_devices(analysis: Analysis) -> list[tuple[str, str]]:
    return [
        (
            name_device(device.device),
            clean(
                f"{device.name or 'unknown'}, pid {'unknown' if device.pid is None else device.pid}"
                f"{'' if device.certain else ' (uncertain)'}"
            ),
        )
        for device in analysis.trace.devices
    ]
