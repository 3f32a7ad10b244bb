"""The analysis of any trace as a document: where device time went, by range, kernel and copy."""

from __future__ import annotations

from ...analysis.breakdown.analyze import Analysis
from ...analysis.words import name_device
from ..document.document import Document, LazyData, Section
from ..document.names import clean
from ..document.notices import describe_note
from ..document.numbers import count_noun, format_quantity, format_value
from .first_screen import compose_openings, compose_rest, draw_up_trace_picture
from .kernel_tables import copy_table, kernel_table, range_kernel_table
from .metric_table import metric_table
from .owner_table import owner_table
from .range_table import range_table
from .steady_step import part_table, spread_table
from .step_timeline import draw_up_timeline
from .window_table import window_table


def compose_analysis(
    analysis: Analysis, *, title: str | None = None, full_names: bool = False, timeline: bool = False
) -> Document:
    """Everything an analysis says, under ``title``; with ``full_names`` kernel names are listed whole under their
    table, with ``timeline`` HTML draws one step.
    """
    tables = (
        *(table for row in analysis.steps[:1] for table in (part_table(row), spread_table(row))),
        window_table(analysis),
        owner_table(analysis),
        range_table(analysis),
        metric_table(analysis),
        kernel_table(analysis, full_names=full_names),
        range_kernel_table(analysis),
        copy_table(analysis),
    )
    return Document(
        title=clean(title or f"flopprof analyze {analysis.trace.path.name}"),
        about="",
        recorder=_describe_recorder(analysis),
        summary=_summarise(analysis),
        verdicts=compose_rest(analysis),
        warnings=tuple(describe_note(note) for note in analysis.quality),
        sections=tuple(
            Section(name=table.name, title=table.title, tables=(table,)) for table in tables if table.rows
        ),
        facts=tuple(_list_devices(analysis)),
        folder="",
        data=LazyData(analysis.to_json),
        headlines=compose_openings(analysis),
        picture=draw_up_trace_picture(analysis),
        timeline=draw_up_timeline(analysis) if timeline else None,
    )


_NO_TIME_NS = 1
"""The embedded recorder knows no other time than that of what it recorded."""


def _describe_recorder(analysis: Analysis) -> str:
    metadata = analysis.trace.metadata
    version = f", exported by {metadata.exporter}" if metadata.exporter else ""
    return clean(f"Recorder: {metadata.recorder}; schema {metadata.schema or 'unknown'}{version}.")


def _summarise(analysis: Analysis) -> str:
    records = len(analysis.trace.activities)
    if analysis.trace.duration_ns <= _NO_TIME_NS:
        return "Neither ranges nor device work were recorded."
    if not records:
        return f"{format_quantity(analysis.trace.duration_ns, 'time')} recorded; no device work in it."
    share = analysis.attributed_ns / analysis.device_ns if analysis.device_ns else None
    return (
        f"{format_quantity(analysis.trace.duration_ns, 'time')} recorded; {count_noun(records, 'device record')} "
        f"of {format_quantity(analysis.device_ns, 'time')} in all, {format_value(share, 'percent')} of it "
        "attributed to ranges."
    )


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
