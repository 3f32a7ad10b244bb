"""Tables with a row per step: its time against the reference and the roof, its layers, why it is missing."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.runs.results import RunResult, StepResult
from ...analysis.words import BUSY_LAYERS, IDLE_LAYERS
from ..document.document import Column, Row, Table, Value
from ..document.names import clean
from ..document.tables import drop_empty
from .losses import find_losses, note_losses
from .sweep import SPEAKING_SLOWDOWN, Sweep, best_time, panel_of, ratio_to_reference, spread

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


def point_columns(sweep: Sweep) -> tuple[Column, ...]:
    """The columns that say which step a row is about."""
    params = (Column(key=f"param_{name}", title=clean(name), kind="count") for name in sweep.names)
    return (*params, Column(key="variant", title="variant"))


def point_cells(step: StepResult, sweep: Sweep) -> tuple[Value, ...]:
    """The cells of ``point_columns``."""
    return (*(step.params.get(name) for name in sweep.names), clean(step.variant))


def time_table(result: RunResult, sweep: Sweep) -> Table:
    """Every measured step: its time, held against the reference and the roof."""
    steps = measured_steps(result, sweep)
    main = spread((sweep.size_of(step) for step in steps), TIME_SIZES)
    slowest = _slowest(steps, sweep)
    columns = (
        *point_columns(sweep),
        Column(key="time", title="untraced" if result.run.control else "traced", kind="time"),
        Column(key="ratio", title=f"÷ {sweep.reference or ''}", kind="ratio"),
        Column(key="flops", title="FLOPs", kind="flops"),
        Column(key="bytes", title="bytes", kind="bytes", detail=True),
        Column(key="tflops", title="", kind="tflops"),
        Column(key="gbps", title="", kind="gbps"),
        Column(key="roof_share", title="roof", kind="percent"),
        Column(key="limit", title="limit"),
        Column(key="slowdown", title="tracing", kind="ratio"),
        Column(key="low", title="95 % from", kind="time", detail=True),
        Column(key="high", title="to", kind="time", detail=True),
        Column(key="mean", title="mean", kind="time", detail=True),
        Column(key="reps", title="reps", kind="count", detail=True),
        Column(key="roof_note", title="roof note", detail=True),
    )
    table = Table(
        name="steps",
        title="Time of a rep",
        columns=columns,
        rows=tuple(_time_row(s, sweep, sweep.size_of(s) in main, slowest[_place(s, sweep)]) for s in steps),
        bar_parts=("time",),
        notes=_time_notes(result, steps, sweep),
    )
    return drop_empty(table, keep=("variant", "time"))


def _time_row(step: StepResult, sweep: Sweep, main: bool, longest: float) -> Row:
    costs, time = step.costs, best_time(step)
    slowdown = step.slowdown if (step.slowdown or 0) > SPEAKING_SLOWDOWN else None
    low, high = step.untraced_interval or (None, None)
    cells: tuple[Value, ...] = (
        *(*point_cells(step, sweep), time, ratio_to_reference(step, sweep), costs.flops, costs.bytes),
        *(costs.tflops, costs.gbps, costs.roof_share, costs.limit, slowdown, low, high),
        *(step.untraced_mean_ns, step.reps),
        costs.roof_note,
    )
    bar = (time / longest,) if time is not None else ()
    return Row(cells=cells, group=panel_of(step).title, main=main, bar=bar)


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
    if any((step.slowdown or 0) > SPEAKING_SLOWDOWN for step in steps):
        notes.append(f"tracing: traced over untraced time, where over {SPEAKING_SLOWDOWN}.")
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
    columns = (
        *point_columns(sweep),
        Column(key="window", title="window", kind="time"),
        *(Column(key=layer, title=layer, kind="time") for layer in SHOWN_LAYERS),
        Column(key="idle", title="idle", kind="time"),
        Column(key="untraced", title="untraced", kind="time", detail=True),
        Column(key="overhead", title="overhead", kind="time"),
    )
    table = Table(
        name="layers",
        title="Where the time of a rep goes",
        columns=columns,
        rows=tuple(_layer_row(step, sweep, sweep.size_of(step) in main) for step in steps),
        bar_parts=SHOWN_LAYERS,
        notes=(*_layer_notes(steps), *note_losses(find_losses(result), "layers")),
    )
    return drop_empty(table, keep=("variant", "window"), zeros=True)


def _layer_row(step: StepResult, sweep: Sweep, main: bool) -> Row:
    times = step.per_rep
    assert times is not None
    layers: list[float | None] = [getattr(times, f"{layer}_ns") for layer in SHOWN_LAYERS]
    split = any(getattr(times, f"{layer}_ns") is not None for layer in IDLE_LAYERS)
    cells = (
        *(*point_cells(step, sweep), times.wall_ns, *layers, None if split else times.idle_ns),
        *(step.untraced_ns, step.overhead_ns),
    )
    bar = tuple((value or 0.0) / times.wall_ns for value in layers) if times.wall_ns else ()
    return Row(cells=cells, group=panel_of(step).title, main=main, bar=bar)


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
    rows = [
        Row(cells=(clean(step.label), step.status, clean(step.reason or "no reason was recorded")))
        for step in result.steps
        if step.status != "done"
    ]
    rows += [Row(cells=(clean(s.label), "skipped", clean(s.reason))) for s in result.skipped]
    columns = (
        Column(key="step", title="step"),
        Column(key="status", title="status"),
        Column(key="reason", title="reason", prose=True),
    )
    return Table(name="missing", title="Not measured", columns=columns, rows=tuple(rows))


def measured_steps(result: RunResult, sweep: Sweep) -> list[StepResult]:
    """The done steps in reading order."""
    return sweep.read_in_order(step for step in result.steps if step.status == "done")
