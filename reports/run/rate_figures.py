"""Figures of how well the machine is used over the sizes: GB/s under the memory's roof, and waves of blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...analysis.breakdown.rows import Launch
from ...analysis.explain.subject import heaviest_launch
from ...analysis.runs.results import OpResult, RunResult, StepResult
from ..contest.sweep import Sweep, split_panels
from ..document.document import Figure, Panel, Series
from ..document.launches import describe_fill
from ..document.names import clean
from ..document.numbers import format_quantity
from .step_tables import measured_steps

_ONE_WAVE = "one wave: as many blocks as the GPU holds at once"

_MOST_WAVES = 4.0
"""From so many waves on the last one hardly matters."""


def gbps_figure(result: RunResult, sweep: Sweep) -> Figure | None:
    """GB/s of the least bytes against the size: a panel for each device and dtype, with its roof."""
    places: dict[tuple[str, str], dict[str, list[StepResult]]] = {}
    for step in measured_steps(result, sweep):
        if step.costs.gbps and sweep.size_of(step):
            lines = places.setdefault((step.device, step.dtype), {})
            lines.setdefault(clean(f"{step.backend} {sweep.line_text(step)}"), []).append(step)
    panels = tuple(
        Panel(
            title=clean(f"{device} {dtype}"),
            series=(*_rate_lines(lines, sweep), *_roof(result, device, dtype)),
        )
        for (device, dtype), lines in places.items()
        if any(len(steps) > 1 for steps in lines.values())
    )
    if not panels:
        return None
    return Figure(
        name="gbps",
        title=f"GB/s against {clean(sweep.size or '')}, under the memory's roof",
        alt="Least bytes over kernel time against the size, with the rate of the device's memory.",
        x_label=clean(sweep.size or ""),
        y_label="GB/s",
        y_kind="gbps",
        panels=panels,
        caption="The bytes that must be moved over the time in kernels. Above the roof a cache serves them.",
    )


def _rate_lines(lines: dict[str, list[StepResult]], sweep: Sweep) -> Iterator[Series]:
    for colour, (label, steps) in enumerate(lines.items()):
        yield Series(
            label=label,
            x=tuple(float(sweep.size_of(step) or 0) for step in steps),
            y=tuple(step.costs.gbps or 0.0 for step in steps),
            colour=colour,
        )


def _roof(result: RunResult, device: str, dtype: str) -> Iterator[Series]:
    rates = [roof.bytes_per_s for roof in result.roofs if (roof.device, roof.dtype) == (device, dtype)]
    if rates:
        rate = rates[0] / 1e9
        yield Series(
            label=f"roof of the {device} memory: {format_quantity(rate, 'gbps')}",
            x=(1.0,),
            y=(rate,),
            style="level",
        )


def wave_figure(result: RunResult, sweep: Sweep) -> Figure | None:
    """Waves of each operation's heaviest kernel against the size, where too few blocks explain a time."""
    steps = {step.key: step for step in measured_steps(result, sweep)}
    ops: dict[str, list[OpResult]] = {}
    for op in result.ops:
        ops.setdefault(op.key, []).append(op)
    panels = []
    for panel, members in split_panels(steps.values()).items():
        lines = _launches_by_line(members, ops, sweep)
        series = tuple(
            _wave_line(label, found, colour)
            for colour, (label, found) in enumerate(lines.items())
            if _explains(found)
        )
        if series:
            level = Series(label=_ONE_WAVE, x=(series[0].x[0],), y=(1.0,), style="level")
            panels.append(Panel(title=panel.title, series=(*series, level), scale=panel.device))
    if not panels:
        return None
    return Figure(
        name="waves",
        title=f"Waves of blocks against {clean(sweep.size or '')}",
        alt="How often each kernel's blocks fill the GPU, against the size.",
        x_label=clean(sweep.size or ""),
        y_label="waves",
        y_kind="number",
        panels=tuple(panels),
        caption=(
            "Blocks over the blocks that the GPU holds at once, of the kernels that leave much of it without one. "
            "Under one wave part of the GPU has nothing to do; just over it, a few blocks take as long again."
        ),
    )


def _launches_by_line(
    steps: Iterable[StepResult], ops: dict[str, list[OpResult]], sweep: Sweep
) -> dict[str, list[tuple[int, Launch]]]:
    lines: dict[str, list[tuple[int, Launch]]] = {}
    for step in steps:
        size = sweep.size_of(step)
        for op in ops.get(step.key, []):
            launch = heaviest_launch(op.kernels)[1]
            if size is not None and launch is not None and launch.waves is not None:
                lines.setdefault(clean(f"{op.op} of {sweep.line_text(step)}"), []).append((size, launch))
    return lines


def _explains(found: Sequence[tuple[int, Launch]]) -> bool:
    """Whether a line has several sizes, and at one of them too few blocks."""
    return len({size for size, _ in found}) > 1 and any(
        launch.underfilled and (launch.waves or _MOST_WAVES) < _MOST_WAVES for _, launch in found
    )


def _wave_line(label: str, found: Sequence[tuple[int, Launch]], colour: int) -> Series:
    return Series(
        label=label,
        x=tuple(float(size) for size, _ in found),
        y=tuple(launch.waves or 0.0 for _, launch in found),
        colour=colour,
        said=tuple(f"{label} at {size}: {describe_fill(launch)}" for size, launch in found),
    )
