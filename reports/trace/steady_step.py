"""What a trace with steps says first: how long one takes, how busy the device is in it, and what it waits for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from ...analysis.arithmetic.histogram import count_in_bins
from ...analysis.attribution.range_names import RangeName, find_alike, in_one_domain
from ...analysis.breakdown.trace_steps import StepPart, StepRow
from ...analysis.words import BUSY_LAYERS, IDLE_LAYERS, LAYERS
from ..document.document import Picture, Row, Table
from ..document.names import clean
from ..document.numbers import count_noun, format_value
from ..document.tables import ColumnOf, drop_empty, fill_row
from .bar_picture import draw_up_bars, draw_up_layers
from .range_columns import name_range, spell_range

WAITS = {
    "launch": "launch calls",
    "latency": "work that is submitted and not begun",
    "sync": "synchronising calls",
    "api": "other CUDA calls",
    "host": "the program's own code",
    "unknown": "reasons unknown",
}

_Bin = tuple[float, float, int]

REST = "(the rest)"

MOST_PARTS, MOST_WAITS, MOST_BINS = 8, 3, 8

_LEAST_SHARE = 0.02

_LEAST_STEPS = 8
"""Fewer have no distribution worth a table."""


def name_of_step(row: StepRow) -> RangeName:
    """The range that it is of."""
    return row.domains, row.path


def find_alike_steps(rows: Iterable[StepRow]) -> frozenset[RangeName]:
    """The steps that sentences would call the same, as their domain alone differs."""
    return find_alike(map(name_of_step, rows))


def describe_step(row: StepRow, alike: Collection[RangeName] = ()) -> str:
    """The sentence a trace with steps begins with."""
    text = f"A steady {spell_range(name_of_step(row), alike)} takes {_tell_time(row)}"
    if row.layers:
        text += f": {_tell_layers(row.layers)}"
    if row.parts and row.parts[0].range is not None and len(row.parts) > 1:
        share = row.parts[0].ns / sum(part.ns for part in row.parts)
        longest = name_part(row.parts[0], _find_alike_parts(row))
        text += f"; its longest part is {longest}, {format_value(share, 'percent')}"
    return f"{text}."


def describe_measure(row: StepRow, alike: Collection[RangeName] = ()) -> str:
    """On which clock, over how many, and what was set aside."""
    name = spell_range(name_of_step(row), alike)
    low, high = row.interval_ns or (None, None)
    spread = (
        "" if low is None else f" (95 % interval {format_value(low, 'time')} to {format_value(high, 'time')})"
    )
    where = "on the host" if row.clock == "host" else "of the device's time line"
    return (
        f"{name}: {format_value(row.median_ns, 'time')} {where}, the median of "
        f"{count_noun(row.instances, 'steady instance')}{spread}{_tell_set_aside(row)}."
    )


def _tell_set_aside(row: StepRow) -> str:
    if not row.warm_up:
        return ""
    first = "the first is" if row.warm_up == 1 else f"the first {row.warm_up} are"
    if row.skip is not None:
        return f"; {first} set aside by --skip"
    return f"; {first} set aside as start-up and warm-up (--all keeps them)"


def _tell_time(row: StepRow) -> str:
    where = " on the host" if row.clock == "host" else ""
    if row.sharing > 1:
        where = f" of a GPU that {row.sharing} share at a time"
    return f"{format_value(row.median_ns, 'time')}{where} (median of {row.instances}{_tell_hiccups(row)})"


def _tell_hiccups(row: StepRow) -> str:
    if not row.hiccups:
        return ""
    longest = format_value(max(row.times_ns), "time")
    if row.hiccups == 1:
        return f"; one, which took {longest}, is left out of its parts"
    return f"; {row.hiccups}, the longest of {longest}, are left out of its parts"


def _tell_layers(layers: Mapping[str, float]) -> str:
    whole = sum(layers.values())
    if not whole:
        return "no device work"
    busy = sum(layers[name] for name in BUSY_LAYERS) / whole
    waits = sorted(IDLE_LAYERS, key=lambda name: -layers[name])
    told = [
        f"{WAITS[name]} {format_value(layers[name] / whole, 'percent')}"
        for name in waits[:MOST_WAITS]
        if layers[name] / whole >= _LEAST_SHARE
    ]
    text = f"the GPU is busy {format_value(busy, 'percent')} of it"
    return text + (f" and waits for {', '.join(told)}" if told else "")


def step_picture(row: StepRow) -> Picture | None:
    """A bar for each part of a step, in its layers."""
    parts = row.parts[:MOST_PARTS]
    if not parts:
        return None
    alike = _find_alike_parts(row)
    bars = [draw_up_layers(name_part(part, alike), part.ns, part.layers) for part in parts]
    name = clean(row.range)
    return draw_up_bars(f"What a steady {name} is made of", f"one {name}, on average", bars)


def name_part(part: StepPart, alike: Collection[RangeName]) -> str:
    """A range's own name, with its domain among those that are called the same."""
    return REST if part.range is None else name_range(in_one_domain(part.domain, (part.range,)), alike)


def _find_alike_parts(row: StepRow) -> frozenset[RangeName]:
    parts = [in_one_domain(part.domain, (part.range,)) for part in row.parts if part.range is not None]
    return find_alike(parts, lambda name: name[1])


def part_table(row: StepRow) -> Table:
    """One steady step, part by part; the parts and their layers sum to it."""
    whole, alike = sum(part.ns for part in row.parts) or 1.0, _find_alike_parts(row)
    columns: tuple[ColumnOf[StepPart], ...] = (
        ColumnOf(key="part", title="part", value=lambda part: name_part(part, alike)),
        ColumnOf(key="instances", title="a step", kind="number", value=lambda part: part.instances),
        ColumnOf(key="time", title="time", kind="time", term="traced", value=lambda part: part.ns),
        ColumnOf(key="share", title="share", kind="percent", value=lambda part: part.ns / whole),
        *(_layer_column(name) for name in LAYERS),
    )
    clock = "on the host" if row.clock == "host" else "of the device's time line"
    table = Table(
        name="step",
        title=f"One steady {clean(row.range)}",
        columns=columns,
        rows=tuple(
            fill_row(columns, part, main=at < MOST_PARTS, bar=(part.ns / whole,))
            for at, part in enumerate(row.parts)
        ),
        bar_parts=("time",),
        notes=(
            f"Times are {clock}, the mean of {_count_divided(row)} steady instances; the parts sum to the step. a "
            "step: how often it comes.",
        ),
    )
    return drop_empty(table, keep=("part", "time"), zeros=True)


def _count_divided(row: StepRow) -> str:
    divided = row.instances - row.hiccups
    return f"{divided} of the {row.instances}" if row.hiccups else f"{divided}"


def _layer_column(layer: str) -> ColumnOf[StepPart]:
    return ColumnOf(key=layer, title=layer, kind="time", value=lambda part: part.layers.get(layer))


def spread_table(row: StepRow) -> Table:
    """How the times of the steady steps are distributed."""
    columns: tuple[ColumnOf[_Bin], ...] = (
        ColumnOf(key="from", title="from", kind="time", unit_of="time", value=lambda b: b[0]),
        ColumnOf(key="to", title="to", kind="time", unit_of="time", value=lambda b: b[1]),
        ColumnOf(key="steps", title="steps", kind="count", value=lambda b: b[2]),
    )
    times = np.array(row.times_ns)
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    if len(times) >= _LEAST_STEPS and times.max() > times.min():
        bins = count_in_bins(times, min(MOST_BINS, max(3, len(times) // 4)))
        most = max(count for *_, count in bins)
        rows = tuple(fill_row(columns, one, bar=(one[2] / most,)) for one in bins)
        notes = (_tell_spread(row, times.tolist()),)
    return Table(
        name="step_times",
        title=f"How long a steady {clean(row.range)} takes",
        columns=columns,
        rows=rows,
        bar_parts=("time",),
        notes=notes,
    )


def _tell_spread(row: StepRow, times: list[float]) -> str:
    low, middle, high = (format_value(float(q), "time") for q in np.percentile(times, (5, 50, 95)))
    slowest = times.index(max(times))
    return (
        f"5 % take at most {low}, half {middle}, 95 % {high}; the slowest is number {row.warm_up + slowest + 1} of "
        f"{row.warm_up + row.instances} with {format_value(times[slowest], 'time')}."
    )
