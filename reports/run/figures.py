"""The figures of a run as data: factors, time and ratio against the size, and layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...analysis.explain.explain import Explanation
from ...analysis.runs.results import RunResult, StepResult
from ..contest.contest_picture import ratio_lines
from ..contest.factor_figure import Explained, factor_figure
from ..contest.headlines import choose_contest
from ..contest.sweep import PanelKey, Sweep, split_panels
from ..contest.verdicts import Contest, name_place
from ..document.document import Figure, Panel, Series
from ..document.names import clean
from .rate_figures import gbps_figure, wave_figure
from .roof_figure import roof_figure
from .step_tables import SHOWN_LAYERS, measured_steps

_BAND = (0.05, 0.95)

_BAND_TEXT = "Lines: the median of the samples. Bands: the middle 90 % of them."

Reading = tuple[float | None, float | None, tuple[float, float] | None]
"""x, y and the band around y of one step."""


def draw_up_figures(
    result: RunResult,
    sweep: Sweep,
    contests: Mapping[str, Contest],
    explained: Mapping[str, Explanation],
) -> dict[str, tuple[Figure, ...]]:
    """The figures of each section, by the section's name; none where there is nothing to draw."""
    figures = {
        "steps": (
            factor_figure(_choose_explained(sweep, contests, explained)),
            time_figure(result, sweep),
            ratio_figure(result, sweep, contests),
        ),
        "layers": (layer_figure(result, sweep),),
        "ops": (gbps_figure(result, sweep), wave_figure(result, sweep), roof_figure(result)),
    }
    return {name: tuple(f for f in found if f is not None and f.panels) for name, found in figures.items()}


def _choose_explained(
    sweep: Sweep, contests: Mapping[str, Contest], explained: Mapping[str, Explanation]
) -> list[Explained]:
    """Of each backend the contest that its first sentence is about."""
    held: dict[PanelKey, list[Contest]] = {}
    for contest in contests.values():
        held.setdefault(contest.panel, []).append(contest)
    leads = [choose_contest(found) for found in held.values()]
    return [
        Explained(
            f"{name_place(lead.panel, lead.step, sweep)} {sweep.short_text(lead.step)} against {sweep.reference}",
            explained[lead.step.key],
        )
        for lead in leads
        if lead.step.key in explained
    ]


def time_figure(result: RunResult, sweep: Sweep) -> Figure | None:
    """Run time of a rep against the size: untraced with its band, traced kernel time beside it."""

    def read_time(step: StepResult) -> Reading:
        return (_place_of(step, sweep), *_headline_time(step))

    def read_kernels(step: StepResult) -> Reading:
        return _place_of(step, sweep), step.per_rep.kernel_ns if step.per_rep else None, None

    panels = _line_panels(result, sweep, (("", read_time, False), (", kernels (traced)", read_kernels, True)))
    if not has_sizes(panels):
        return None
    return Figure(
        name="time",
        title=f"Time of a rep against {size_name(sweep)}",
        alt=f"Time of a rep against {size_name(sweep)}, a line per variant; {_name_panels(panels)}.",
        x_label=size_name(sweep),
        y_label="time of a rep",
        panels=panels,
        caption=_BAND_TEXT,
    )


def ratio_figure(result: RunResult, sweep: Sweep, contests: Mapping[str, Contest]) -> Figure | None:
    """The ratio of every line to the reference, with its interval: a panel for each device and dtype."""
    panels: dict[str, list[Series]] = {}
    for key, steps in split_panels(measured_steps(result, sweep)).items():
        panels.setdefault(clean(f"{key.device} {key.dtype}"), []).extend(
            ratio_lines({key: steps}, sweep, contests)
        )
    drawn = tuple(
        Panel(
            title=title,
            series=(
                *(replace(line, colour=at) for at, line in enumerate(lines)),
                Series(label=f"{sweep.reference}, 1×", x=(lines[0].x[0],), y=(1.0,), style="level"),
            ),
        )
        for title, lines in panels.items()
        if lines
    )
    if not drawn:
        return None
    return Figure(
        name="ratio",
        title=f"Time over that of {sweep.reference} against {size_name(sweep)}",
        alt=f"The ratio of a rep's time to that of {sweep.reference} against {size_name(sweep)}.",
        x_label=size_name(sweep),
        y_label=f"time over that of {sweep.reference}",
        y_kind="ratio",
        panels=drawn,
        caption="Bands: the 95 % interval of the ratio; where it holds 1×, neither is faster as far as can be told.",
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
        title="Where the traced window goes",
        alt=f"Shares of the traced window in each layer, a bar per {size_name(sweep)}.",
        kind="layers",
        logarithmic=False,
        x_label=size_name(sweep),
        y_label="share of the traced window",
        y_kind="percent",
        panels=tuple(panels),
        caption="A bar is one step's traced window per rep; the line across it is the untraced time.",
    )


def size_name(sweep: Sweep) -> str:
    """What the x axis is called."""
    return clean(sweep.size or "step")


def has_sizes(panels: Iterable[Panel]) -> bool:
    """Whether any line has two points: of one size the first picture says all."""
    return any(len(series.x) > 1 for panel in panels for series in panel.series)


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
