"""Tables with a row per step: its time against the reference and the roof, its layers, why it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...analysis.breakdown.rows import WindowTimes
from ...analysis.runs.noise import SLOWDOWN_FLAG
from ...analysis.runs.results import Costs, RunResult, StepResult
from ...analysis.words import BUSY_LAYERS, IDLE_LAYERS
from ..contest.caveats import find_losses, note_losses
from ..contest.sweep import Sweep, best_time, panel_of, ratio_to_reference, spread
from ..document.document import Table
from ..document.names import clean
from ..document.tables import ColumnOf, columns_of_part, drop_empty, fill_row

ROOF_NOTES = {
    "l2_resident": "the working set fits into the L2 cache, so memory bandwidth is no roof",
    "l3_resident": "the working set fits into the CPU's caches, so memory bandwidth is no roof",
    "above_ceiling": "faster than the roof allows, so the peak or the bytes are wrong",
    "lost_data": "the trace lost device work, so the time of its kernels is too low",
    "no_ceiling": "no measured ceiling for this device, flopprof calibrate measures one",
}

SHOWN_LAYERS = (*BUSY_LAYERS, "compute", *IDLE_LAYERS)

TIME_SIZES, LAYER_SIZES = 7, 2
"""How many sizes of a sweep a short report shows."""


def point_columns(sweep: Sweep) -> tuple[ColumnOf[StepResult], ...]:
    """The columns that say which step a row is about."""
    return (
        *(_param_column(name) for name in sweep.names),
        ColumnOf(key="variant", title="variant", value=lambda step: clean(step.variant)),
    )


def _param_column(name: str) -> ColumnOf[StepResult]:
    return ColumnOf(
        key=f"param_{name}", title=clean(name), kind="count", value=lambda step: step.params.get(name)
    )


def time_table(result: RunResult, sweep: Sweep) -> Table:
    """Every measured step: its time, held against the reference and the roof."""
    steps = measured_steps(result, sweep)
    main = spread((sweep.size_of(step) for step in steps), TIME_SIZES)
    slowest = _slowest(steps, sweep)
    columns: tuple[ColumnOf[StepResult], ...] = (
        *point_columns(sweep),
        ColumnOf(
            key="time",
            title="untraced" if result.run.control else "traced",
            kind="time",
            term="untraced" if result.run.control else "traced",
            value=best_time,
        ),
        ColumnOf(
            key="ratio",
            title=f"÷ {sweep.reference or ''}",
            kind="ratio",
            value=lambda step: ratio_to_reference(step, sweep),
        ),
        *columns_of_part(cost_columns(), lambda step: step.costs),
        ColumnOf(key="slowdown", title="tracing", kind="ratio", value=_speaking_slowdown),
        ColumnOf(key="noise", title="noisy", kind="ratio", value=lambda step: step.noise_ratio),
        ColumnOf(
            key="low", title="95 % from", kind="time", detail=True, value=lambda step: _interval(step)[0]
        ),
        ColumnOf(key="high", title="to", kind="time", detail=True, value=lambda step: _interval(step)[1]),
        ColumnOf(
            key="mean", title="mean", kind="time", detail=True, value=lambda step: step.untraced_mean_ns
        ),
        ColumnOf(key="reps", title="reps", kind="count", detail=True, value=lambda step: step.reps),
        ColumnOf(key="roof_note", title="roof note", detail=True, value=lambda step: step.costs.roof_note),
    )
    table = Table(
        name="steps",
        title="Time of a rep",
        columns=columns,
        rows=tuple(
            fill_row(
                columns,
                step,
                group=panel_of(step).title,
                main=sweep.size_of(step) in main,
                bar=_time_bar(step, slowest[_place(step, sweep)]),
            )
            for step in steps
        ),
        bar_parts=("time",),
        notes=_time_notes(result, steps, sweep),
    )
    return drop_empty(table, keep=("variant", "time"))


def cost_columns() -> tuple[ColumnOf[Costs], ...]:
    """What a step or an operation costs, and how near its roof that is."""
    return (
        ColumnOf(key="flops", title="FLOPs", kind="flops", value=lambda costs: costs.flops),
        ColumnOf(key="bytes", title="bytes", kind="bytes", detail=True, value=lambda costs: costs.bytes),
        ColumnOf(key="tflops", title="", kind="tflops", value=lambda costs: costs.tflops),
        ColumnOf(key="gbps", title="", kind="gbps", value=lambda costs: costs.gbps),
        ColumnOf(key="roof_share", title="roof", kind="percent", value=lambda costs: costs.roof_share),
        ColumnOf(key="limit", title="limit", value=lambda costs: costs.limit),
    )


def _speaking_slowdown(step: StepResult) -> float | None:
    return step.tracing_slowdown if (step.tracing_slowdown or 0) > SLOWDOWN_FLAG else None


def _interval(step: StepResult) -> tuple[float | None, float | None]:
    return step.untraced_interval or (None, None)


def _time_bar(step: StepResult, longest: float) -> tuple[float, ...]:
    time = best_time(step)
    return () if time is None else (time / longest,)


def _place(step: StepResult, sweep: Sweep) -> object:
    """Steps at one place share the scale of their bars."""
    return (panel_of(step), sweep.size_of(step))


def _slowest(steps: Sequence[StepResult], sweep: Sweep) -> dict[object, float]:
    slowest: dict[object, float] = {}
    for step in steps:
        place = _place(step, sweep)
        slowest[place] = max(slowest.get(place, 0.0), best_time(step) or 0.0)
    return {place: time or 1.0 for place, time in slowest.items()}


def _time_notes(result: RunResult, steps: Sequence[StepResult], sweep: Sweep) -> tuple[str, ...]:
    notes = []
    if sweep.reference is not None:
        notes.append(f"÷ {sweep.reference}: time over its time at the same point.")
    if any(_speaking_slowdown(step) for step in steps):
        notes.append(
            f"tracing: what the recorded calls of a rep can add to its untraced time, where over {SLOWDOWN_FLAG}×."
        )
    if any(step.noisy for step in steps):
        notes.append(
            f"noisy: traced time over what tracing can make of the untraced one, where {SLOWDOWN_FLAG}× apart."
        )
    if not result.run.control and steps:
        notes.append("There was no control pass: these are traced times, the price of tracing included.")
    for code in dict.fromkeys(step.costs.roof_note for step in steps if step.costs.roof_note):
        count = sum(step.costs.roof_note == code for step in steps)
        text = ROOF_NOTES.get(code, "no share of the roof")
        notes.append(f"roof –, {clean(code)} ({count} of {len(steps)} steps): {text}.")
    return tuple(notes)


def layer_table(result: RunResult, sweep: Sweep) -> Table:
    """Where the traced window of every step went, per rep, in the layers of design §6."""
    steps = [step for step in measured_steps(result, sweep) if step.per_rep is not None]
    main = spread((sweep.size_of(step) for step in steps), LAYER_SIZES)
    columns: tuple[ColumnOf[StepResult], ...] = (
        *point_columns(sweep),
        *columns_of_part(_window_columns(), lambda step: step.per_rep),
        ColumnOf(
            key="untraced", title="untraced", kind="time", detail=True, value=lambda step: step.untraced_ns
        ),
        ColumnOf(key="overhead", title="overhead", kind="time", value=lambda step: step.overhead_ns),
    )
    table = Table(
        name="layers",
        title="Where the time of a rep goes",
        columns=columns,
        rows=tuple(
            fill_row(
                columns,
                step,
                group=panel_of(step).title,
                main=sweep.size_of(step) in main,
                bar=_layer_bar(step.per_rep),
            )
            for step in steps
        ),
        bar_parts=SHOWN_LAYERS,
        notes=(*_layer_notes(steps), *note_losses(find_losses(result), "layers")),
    )
    return drop_empty(table, keep=("variant", "window"), zeros=True)


def _window_columns() -> tuple[ColumnOf[WindowTimes], ...]:
    return (
        ColumnOf(key="window", title="window", kind="time", value=lambda times: times.wall_ns),
        *(_layer_column(layer) for layer in SHOWN_LAYERS),
        ColumnOf(key="idle", title="idle", kind="time", value=_unsplit_idle),
    )


def _layer_column(layer: str) -> ColumnOf[WindowTimes]:
    return ColumnOf(key=layer, title=layer, kind="time", value=lambda times: _layer_ns(times, layer))


def _layer_ns(times: WindowTimes, layer: str) -> float | None:
    return getattr(times, f"{layer}_ns")


def _unsplit_idle(times: WindowTimes) -> float | None:
    split = any(_layer_ns(times, layer) is not None for layer in IDLE_LAYERS)
    return None if split else times.idle_ns


def _layer_bar(times: WindowTimes | None) -> tuple[float, ...]:
    if times is None or not times.wall_ns:
        return ()
    return tuple((_layer_ns(times, layer) or 0.0) / times.wall_ns for layer in SHOWN_LAYERS)


def _layer_notes(steps: Sequence[StepResult]) -> tuple[str, ...]:
    if not steps:
        return ()
    zero = [
        layer
        for layer in SHOWN_LAYERS
        if {getattr(step.per_rep, f"{layer}_ns") for step in steps} - {None} == {0}
    ]
    notes = ["window: the traced reps and the final synchronisation, per rep; its layers sum to it."]
    if zero:
        notes.append(f"Zero in every step: {', '.join(zero)}.")
    if any(step.device != "cpu" and step.per_rep and step.per_rep.kernel_ns is None for step in steps):
        notes.append("The layers of steps on a GPU are unknown: the trace holds no GPU activity.")
    if any(step.overhead_ns is not None for step in steps):
        notes.append("overhead: untraced time minus busy device time; launches without tracing's price.")
    return tuple(notes)


def missing_table(result: RunResult) -> Table:
    """Steps that failed or were not run, each with its reason."""
    missing = [
        _Missing(step.label, step.status, step.reason or "no reason was recorded")
        for step in result.steps
        if step.status != "done"
    ]
    missing += [_Missing(skipped.label, "skipped", skipped.reason) for skipped in result.skipped]
    columns: tuple[ColumnOf[_Missing], ...] = (
        ColumnOf(key="step", title="step", value=lambda one: clean(one.label)),
        ColumnOf(key="status", title="status", value=lambda one: one.status),
        ColumnOf(key="reason", title="reason", prose=True, value=lambda one: clean(one.reason)),
    )
    rows = tuple(fill_row(columns, one) for one in missing)
    return Table(name="missing", title="Not measured", columns=columns, rows=rows)


class _Missing(NamedTuple):
    """A step without a measurement."""

    label: str
    status: str
    reason: str


def measured_steps(result: RunResult, sweep: Sweep) -> list[StepResult]:
    """The done steps in reading order."""
    return sweep.read_in_order(step for step in result.steps if step.status == "done")
