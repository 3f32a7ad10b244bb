"""A scenario's steps through the runs of a store: their times in the order of the runs, and where they changed.

Times of different hardware are different series: a step's times are held against each other only on one CPU (model,
cores) and its GPUs. Versions and settings may differ inside a series: they are what a change may come from, and those
that changed with it are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from ..arithmetic.change_point import ChangePoint, find_change
from ..arithmetic.judgement import THRESHOLD, adjust_holm
from ..arithmetic.statistics import LEVEL
from ..errors import UnknownRun
from ..words import STEP_NAMES
from .database import read_store
from .listing import list_runs, numbers_of_runs
from .queries import SCENARIOS, STEP_HISTORY, plain_row

Row = dict[str, Any]

TimedBy = Literal["untraced", "traced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """A step's time in one run, ns a rep, as its report shows it."""

    run: str
    started_at: str
    ns: float
    low: float | None
    high: float | None
    """The interval of the median; None for traced times."""
    circumstances: Mapping[str, str]
    """Versions and settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSeries:
    """One step on one hardware, run by run."""

    key: str
    label: str
    variant: str
    place: str
    """The label without the variant: what steps of a panel share."""
    hardware: str
    timed_by: TimedBy
    points: tuple[HistoryPoint, ...]
    change: ChangePoint | None = None
    p: float | None = None
    """The change's p-value, adjusted (Holm) for the number of series looked at."""

    @property
    def is_changed(self) -> bool:
        """Whether the change is named: adjusted p under 5 %, and over 2 % in size."""
        if self.change is None or self.p is None or self.p >= 1 - LEVEL:
            return False
        ratio = self.change.ratio
        return max(ratio, 1 / ratio) > 1 + THRESHOLD

    @property
    def changed_with(self) -> tuple[str, ...]:
        """Versions and settings that differ between the run before the change and the run of it."""
        if self.change is None:
            return ()
        old, new = (
            self.points[self.change.index - 1].circumstances,
            self.points[self.change.index].circumstances,
        )
        names = dict.fromkeys([*old, *new])
        pairs = ((name, old.get(name, "none"), new.get(name, "none")) for name in names)
        return tuple(f"{name} {before} → {after}" for name, before, after in pairs if before != after)


def read_history(scenario: str, store: Path, step: str | None = None) -> list[StepSeries]:
    """The series of a scenario's steps, or of those that ``step`` means, with their changes.

    ``step``: a key, ``NAME=VALUE,…`` (values may be glob patterns), or a glob over the label. Raises UnknownRun for
    a scenario or a step of which there is no run, StoreError.
    """
    list_runs(store)
    with numbers_of_runs(store) as folder, read_store(folder) as connection:
        rows = [plain_row(row) for row in connection.execute(STEP_HISTORY, [scenario])] if connection else []
        known = [row["scenario"] for row in connection.execute(SCENARIOS)] if connection else []
    if not rows:
        there = ", ".join(known) or "none"
        raise UnknownRun(scenario, f"no run of it in the store {store}; there are runs of: {there}")
    chosen = [row for row in rows if step is None or is_meant(row, step)]
    if not chosen:
        labels = list(dict.fromkeys(row["label"] for row in rows))
        raise UnknownRun(
            step or "", f"no step of {scenario} is meant by it; its steps are called like '{labels[0]}'"
        )
    return judge_changes(list(_series(chosen)))


def is_meant(row: Row, step: str) -> bool:
    """Whether a step is named by its key, by ``NAME=VALUE,…``, or by a glob over its label."""
    if step == row["key"] or fnmatchcase(row["label"], step):
        return True
    pairs = [part.partition("=") for part in step.split(",")]
    names = {name: str(row[name]) for name in STEP_NAMES}
    names |= {name: str(value) for name, value in row["params"].items()}
    return all(equals and name in names and fnmatchcase(names[name], value) for name, equals, value in pairs)


def judge_changes(series: Sequence[StepSeries]) -> list[StepSeries]:
    """The series with their most likely changes, p-values adjusted for their number."""
    found = [find_change([point.ns for point in one.points]) for one in series]
    changes = [change for change in found if change is not None]
    adjusted = iter(adjust_holm([change.p for change in changes]))
    return [
        one if change is None else replace(one, change=change, p=min(next(adjusted), 1.0))
        for one, change in zip(series, found, strict=True)
    ]


def _series(rows: Iterable[Row]) -> Iterator[StepSeries]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["hardware"], row["key"]), []).append(row)
    for group in groups.values():
        untraced = [row for row in group if row["untraced_ns"] is not None]
        traced = [
            row for row in group if row["traced_ns"] is not None and row["recorder"] == group[-1]["recorder"]
        ]
        timed_by: TimedBy = "untraced" if untraced else "traced"
        points = tuple(_point(row, timed_by) for row in untraced or traced)
        if points:
            last = group[-1]
            yield StepSeries(
                key=last["key"],
                label=last["label"],
                variant=last["variant"],
                place=last["label"].removeprefix(last["variant"]).strip(),
                hardware=last["hardware"],
                timed_by=timed_by,
                points=points,
            )


def _point(row: Row, timed_by: TimedBy) -> HistoryPoint:
    return HistoryPoint(
        run=row["run"],
        started_at=row["started_at"],
        ns=row[f"{timed_by}_ns"],
        low=row["untraced_low_ns"] if timed_by == "untraced" else None,
        high=row["untraced_high_ns"] if timed_by == "untraced" else None,
        circumstances={**row["versions"], **row["settings"]},
    )
