"""The figures of a run as data: time against size and against FLOPs, and layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from ...analysis.runs.results import RunResult, StepResult
from ..contest.sweep import Sweep, split_panels
from ..document.document import Figure, Panel, Series
from ..document.names import clean
from .roof_figure import roof_figure
from .step_tables import SHOWN_LAYERS, measured_steps

_BAND = (0.05, 0.95)

_BAND_TEXT = (
    "Lines: the mean over all reps. Bands: the middle 90 % of the samples; "
    "a line outside its band was drawn there by a few slow reps."
)

Reading = tuple[float | None, float | None, tuple[float, float] | None]
"""x, y and the band around y of one step."""


def draw_up_figures(result: RunResult, sweep: Sweep) -> dict[str, tuple[Figure, ...]]:
    """The figures of each section, by the section's name; none where there is nothing to draw."""
    time = time_figure(result, sweep)
    linear = replace(time, name="time_linear", logarithmic=False, title=f"{time.title}, linear")
    figures = {
        "steps": (time, linear, flops_figure(result, sweep)),
        "layers": (layer_figure(result, sweep),),
        "ops": (roof_figure(result),),
    }
    return {name: tuple(f for f in found if f.panels) for name, found in figures.items()}


def time_figure(result: RunResult, sweep: Sweep) -> Figure:
    """Run time of a rep against the size: untraced with its band, traced kernel time beside it."""

    def read_time(step: StepResult) -> Reading:
        return (_place_of(step, sweep), *_headline_time(step))

    def read_kernels(step: StepResult) -> Reading:
        return _place_of(step, sweep), step.per_rep.kernel_ns if step.per_rep else None, None

    panels = _line_panels(result, sweep, (("", read_time, False), (", kernels (traced)", read_kernels, True)))
    return Figure(
        name="time",
        title=f"{clean(result.run.scenario)}: time of a rep against {_size_name(sweep)}",
        alt=f"Time of a rep against {_size_name(sweep)}, a line per variant; {_name_panels(panels)}.",
        x_label=_size_name(sweep),
        y_label="time of a rep",
        panels=panels,
        caption=_BAND_TEXT,
    )


def flops_figure(result: RunResult, sweep: Sweep) -> Figure:
    """Run time against FLOPs: were FLOPs a measure of time, the lines of a panel would be one."""

    def read_time(step: StepResult) -> Reading:
        return (step.costs.flops or None, *_headline_time(step))

    panels = _line_panels(result, sweep, (("", read_time, False),))
    return Figure(
        name="flops",
        title=f"{clean(result.run.scenario)}: time of a rep against its FLOPs",
        alt=f"Time of a rep against its FLOPs, a line per variant; {_name_panels(panels)}.",
        x_label="FLOPs of a rep",
        y_label="time of a rep",
        x_kind="flops",
        panels=panels,
        caption=f"If FLOPs told the time, the lines of a panel would be one. {_BAND_TEXT}",
    )


def layer_figure(result: RunResult, sweep: Sweep) -> Figure:
    """Shares of the traced window in each layer, a panel per line, the untraced time marked."""
    steps = [step for step in measured_steps(result, sweep) if _has_layers(step)]
    panels = []
    for key, members in split_panels(steps).items():
        for line in dict.fromkeys(sweep.line_text(step) for step in members):
            found = [step for step in members if sweep.line_text(step) == line]
            panels.append(Panel(title=f"{key.title}\n{line}", series=_layer_series(found, sweep)))
    return Figure(
        name="layers",
        title=f"{clean(result.run.scenario)}: where the traced window goes",
        alt=f"Shares of the traced window in each layer, a bar per {_size_name(sweep)}.",
        kind="layers",
        logarithmic=False,
        x_label=_size_name(sweep),
        y_label="share of the traced window",
        y_kind="percent",
        panels=tuple(panels),
        caption="A bar is one step's traced window per rep; the line across it is the untraced time.",
    )


def _size_name(sweep: Sweep) -> str:
    return clean(sweep.size or "step")


def _place_of(step: StepResult, sweep: Sweep) -> float:
    """The step's size; steps without one stand at 1."""
    return sweep.size_of(step) or 1


def _name_panels(panels: Iterable[Panel]) -> str:
    return "panels: " + (", ".join(panel.title for panel in panels) or "none, nothing was measured")


def _headline_time(step: StepResult) -> tuple[float | None, tuple[float, float] | None]:
    if step.untraced_ns is None:
        return step.traced_ns, _band(step.traced_samples_ns)
    return step.untraced_ns, _band(step.untraced_samples_ns) or step.untraced_interval


def _band(samples: tuple[float, ...]) -> tuple[float, float] | None:
    if len(samples) < 2:
        return None
    low, high = np.quantile(np.asarray(samples), _BAND)
    return float(low), float(high)


def _line_panels(
    result: RunResult, sweep: Sweep, kinds: Sequence[tuple[str, Callable[[StepResult], Reading], bool]]
) -> tuple[Panel, ...]:
    """A panel per backend, device and dtype, in it one series per line and kind of reading."""
    steps = measured_steps(result, sweep)
    lines = list(dict.fromkeys(sweep.line_text(step) for step in steps))
    panels = []
    for key, members in split_panels(steps).items():
        series = [
            _series(line + suffix, [read(s) for s in members if sweep.line_text(s) == line], colour, traced)
            for colour, line in enumerate(lines)
            for suffix, read, traced in kinds
        ]
        drawn = tuple(found for found in series if found.x)
        if drawn:
            panels.append(Panel(title=key.title, series=drawn, scale=key.device))
    return tuple(panels)


def _series(label: str, readings: Sequence[Reading], colour: int, traced: bool) -> Series:
    points = [(x, y, band or (y, y)) for x, y, band in readings if x and y]
    return Series(
        label=label,
        x=tuple(x for x, _, _ in points),
        y=tuple(y for _, y, _ in points),
        low=tuple(band[0] for _, _, band in points),
        high=tuple(band[1] for _, _, band in points),
        colour=colour,
        style="traced" if traced else "untraced",
    )


def _has_layers(step: StepResult) -> bool:
    times = step.per_rep
    return times is not None and bool(times.wall_ns) and (times.kernel_ns or times.compute_ns) is not None


def _layer_series(steps: Sequence[StepResult], sweep: Sweep) -> tuple[Series, ...]:
    x = tuple(float(sweep.size_of(step) or 0) for step in steps)
    shares = {
        layer: tuple(
            (getattr(step.per_rep, f"{layer}_ns") or 0.0) / step.per_rep.wall_ns
            for step in steps
            if step.per_rep
        )
        for layer in SHOWN_LAYERS
    }
    series = [
        Series(label=layer, x=x, y=values, colour=SHOWN_LAYERS.index(layer), style="layer")
        for layer, values in shares.items()
        if any(values)
    ]
    marks = [
        (at, step.untraced_ns / step.per_rep.wall_ns)
        for at, step in enumerate(steps)
        if step.per_rep and step.untraced_ns
    ]
    mark = Series(
        label="untraced",
        x=tuple(x[at] for at, _ in marks),
        y=tuple(share for _, share in marks),
        style="mark",
    )
    return (*series, mark) if marks else tuple(series)
