"""The figures of a run as data: time against the size, a panel per backend, device and dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..analysis.results import RunResult, StepResult
from .document import Figure, Panel, Series
from .groups import Sweep, split_panels
from .step_tables import measured_steps


def time_figure(result: RunResult, sweep: Sweep) -> Figure:
    """Run time of a rep against the size: untraced with its interval, traced kernel time beside it."""
    steps = measured_steps(result, sweep)
    lines = list(dict.fromkeys(sweep.line_text(step) for step in steps))
    panels = tuple(
        Panel(title=key.title, series=_panel_series(members, sweep, lines), scale=key.device)
        for key, members in split_panels(steps).items()
    )
    return Figure(
        name="time",
        title=f"{result.run.scenario}: time of a rep",
        alt=_describe(panels, sweep),
        x_label=sweep.size or "step",
        y_label="time of a rep",
        panels=panels,
    )


def _panel_series(steps: Sequence[StepResult], sweep: Sweep, lines: Sequence[str]) -> tuple[Series, ...]:
    found = []
    for colour, line in enumerate(lines):
        members = [step for step in steps if sweep.line_text(step) == line]
        whole = _series(line, members, sweep, _headline_time)
        kernel = _series(f"{line}, kernels (traced)", members, sweep, _kernel_time)
        found += [(whole, colour, "untraced"), (kernel, colour, "traced")]
    return tuple(
        Series(label=s.label, x=s.x, y=s.y, low=s.low, high=s.high, colour=colour, style=style)
        for s, colour, style in found
        if s.x
    )


def _headline_time(step: StepResult) -> tuple[float | None, tuple[float, float] | None]:
    if step.untraced_ns is None:
        return step.traced_ns, None
    return step.untraced_ns, step.untraced_interval


def _kernel_time(step: StepResult) -> tuple[float | None, None]:
    return (step.per_rep.kernel_ns if step.per_rep else None), None


def _series(
    label: str,
    steps: Sequence[StepResult],
    sweep: Sweep,
    read: Callable[[StepResult], tuple[float | None, tuple[float, float] | None]],
) -> Series:
    points = []
    for at, step in enumerate(steps):
        value, interval = read(step)
        if value:
            size = sweep.size_of(step)
            points.append((at if size is None else size, value, interval or (value, value)))
    return Series(
        label=label,
        x=tuple(point[0] for point in points),
        y=tuple(point[1] for point in points),
        low=tuple(point[2][0] for point in points),
        high=tuple(point[2][1] for point in points),
    )


def _describe(panels: Sequence[Panel], sweep: Sweep) -> str:
    names = ", ".join(panel.title for panel in panels) or "nothing measured"
    return f"Time of a rep against {sweep.size or 'step'}, one line per variant; panels: {names}."
