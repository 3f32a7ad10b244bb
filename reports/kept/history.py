"""A scenario through the runs of a store: as text, as JSON, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...analysis.arithmetic.change_point import FEWEST_VALUES
from ...analysis.store.history import StepSeries
from ...analysis.words import FORMAT
from ..document.document import Figure, Panel, Series
from ..document.names import clean
from ..document.numbers import count_noun, format_digits, format_value
from ..document.tables import ColumnOf, list_items
from ..render.screen import PLAIN, Screen
from ..render.text_table import paint_verdicts, render_table
from ..render.wrapping import wrap

MOST_PANELS = 12
"""In one picture; --step chooses others."""


def show_history(scenario: str, series: Sequence[StepSeries], screen: Screen = PLAIN) -> str:
    """A block for each hardware: a line for each step, then its change in a sentence."""
    blocks: list[str] = []
    for hardware in dict.fromkeys(one.hardware for one in series):
        here = [one for one in series if one.hardware == hardware]
        runs = dict.fromkeys(point.run for one in here for point in one.points)
        title = f"{clean(scenario)} on {clean(hardware)}, {count_noun(len(runs), 'run')}"
        changes = [paint_verdicts(line, screen) for line in _show_changes(here, screen.width)]
        lines = [
            *wrap(title, screen.width),
            "",
            *render_table(list_items(_COLUMNS, here), screen),
            "",
            *changes,
        ]
        blocks.append("\n".join(line.rstrip() for line in lines))
    return "\n\n".join(blocks)


def history_to_json(scenario: str, series: Sequence[StepSeries]) -> dict[str, Any]:
    """The object of ``history --json``."""
    return {
        "flopprof": FORMAT,
        "scenario": scenario,
        "method": "pettitt",
        "steps": [_step_json(one) for one in series],
    }


def panel_groups(series: Sequence[StepSeries]) -> list[list[StepSeries]]:
    """The series of each panel: those of one hardware that differ in the variant alone."""
    groups: dict[tuple[str, str], list[StepSeries]] = {}
    for one in series:
        groups.setdefault((one.hardware, one.place), []).append(one)
    return list(groups.values())


def history_figure(scenario: str, series: Sequence[StepSeries]) -> Figure:
    """Time against the number of the run: a panel for each place, a line for each variant."""
    variants = list(dict.fromkeys(one.variant for one in series))
    groups = panel_groups(series)
    left_out = len(groups) - MOST_PANELS
    limits = f" ({count_noun(left_out, 'panel')} left out)" if left_out > 0 else ""
    return Figure(
        name="history",
        title=f"{clean(scenario)}: time of a rep, run by run{limits}",
        alt=f"Time of a rep of {clean(scenario)} against the number of the run",
        logarithmic=False,
        x_label="run, the oldest first",
        y_label="time of a rep",
        panels=tuple(_panel(group, variants) for group in groups[:MOST_PANELS]),
    )


def describe_change(series: StepSeries) -> str:
    """The named change of a series as a sentence."""
    assert series.change is not None and series.p is not None, "a series without a change has no sentence"
    change, point = series.change, series.points[series.change.index]
    slower = change.ratio > 1
    factor = format_digits(change.ratio if slower else 1 / change.ratio)
    levels = f"{format_value(change.before, 'time')} to {format_value(change.after, 'time')}"
    cause = f"; changed with it: {clean(', '.join(series.changed_with))}" if series.changed_with else ""
    return (
        f"{clean(series.label)}: {factor}× {'slower' if slower else 'faster'} from {clean(point.run)} "
        f"({point.started_at}) on, {levels} in the median (p = {series.p:.2g}){cause}"
    )


_COLUMNS: tuple[ColumnOf[StepSeries], ...] = (
    ColumnOf(key="step", title="step", value=lambda one: clean(one.label)),
    ColumnOf(key="runs", title="runs", kind="count", value=lambda one: len(one.points)),
    ColumnOf(key="first", title="first", kind="time", unit_of="ns", value=lambda one: one.points[0].ns),
    ColumnOf(
        key="fastest",
        title="fastest",
        kind="time",
        unit_of="ns",
        value=lambda one: min(p.ns for p in one.points),
    ),
    ColumnOf(
        key="last", title="last", kind="time", unit_of="ns", term="", value=lambda one: one.points[-1].ns
    ),
    ColumnOf(
        key="ratio",
        title="last ÷ first",
        kind="ratio",
        value=lambda one: one.points[-1].ns / one.points[0].ns,
    ),
    ColumnOf(key="timed_by", title="", value=lambda one: None if one.timed_by == "untraced" else "traced"),
)


def _show_changes(series: Sequence[StepSeries], width: int) -> list[str]:
    if all(one.change is None for one in series):
        return wrap(f"no change is looked for: that needs {FEWEST_VALUES} runs of a step", width)
    changed = [describe_change(one) for one in series if one.is_changed]
    named = [line for text in changed for line in wrap(text, width, "• ", "  ")]
    short = sum(one.change is None for one in series)
    rest = [f"{count_noun(short, 'step')} with under {FEWEST_VALUES} runs not looked at"] if short else []
    none = "no step changed (Pettitt's test, p adjusted for all steps, 5 %; by over 2 %)"
    return [*(named or wrap(none, width)), *(line for text in rest for line in wrap(text, width))]


def _panel(group: Sequence[StepSeries], variants: Sequence[str]) -> Panel:
    lines = tuple(_line(one, variants.index(one.variant)) for one in group)
    return Panel(title=clean(group[0].place), series=lines)


def _line(one: StepSeries, colour: int) -> Series:
    bands = [
        (point.low, point.high) for point in one.points if point.low is not None and point.high is not None
    ]
    whole = bands if len(bands) == len(one.points) else []
    return Series(
        label=clean(one.variant),
        x=tuple(float(number + 1) for number in range(len(one.points))),
        y=tuple(point.ns for point in one.points),
        low=tuple(low for low, _ in whole),
        high=tuple(high for _, high in whole),
        colour=colour,
    )


def _step_json(one: StepSeries) -> dict[str, Any]:
    change = one.change
    return {
        "key": one.key,
        "label": one.label,
        "hardware": one.hardware,
        "timed_by": one.timed_by,
        "points": [{"run": p.run, "started_at": p.started_at, "ns": p.ns} for p in one.points],
        "change": None
        if change is None
        else {
            "run": one.points[change.index].run,
            "before_ns": change.before,
            "after_ns": change.after,
            "ratio": change.ratio,
            "p": one.p,
            "is_named": one.is_changed,
            "changed_with": list(one.changed_with),
        },
    }
