"""A report as data: sentences, warnings, tables and figures, before any format.

``compose`` makes one ``Document`` of a run; every renderer shows that one. Tables hold raw values (times in
ns, rates in their heading's unit, shares as fractions); ``numbers.format_value`` writes them. Texts from
outside are already cleaned of control characters, not yet escaped for a format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ...analysis.words import Severity
from .numbers import NUMERIC, UNITS, Kind
from .timeline_picture import TimelinePicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A kernel name: what is read, and what is copied."""

    full: str
    short: str


Value = str | float | Name | None

MOST_HEADLINES = 3
"""Sentences that fit a first screen, also that of a phone beside the picture; the others follow under Why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A table's column; where width is short (the terminal) ``detail`` ones are left out, ``prose`` is wrapped,
    ``whole`` is never cut: it is there to be copied.
    """

    key: str
    title: str
    kind: Kind = "text"
    detail: bool = False
    prose: bool = False
    whole: bool = False
    term: str | None = None
    """The glossary's name of what it means, where that is not what its key stands for elsewhere; "": no term."""
    unit_of: str = ""
    """Columns with the same one are held against each other and have one unit; empty: a unit of its own."""

    @property
    def heading(self) -> str:
        """Title with the unit that the cells do not carry."""
        unit = UNITS.get(self.kind)
        return f"{self.title} {unit}".strip() if unit else self.title

    @property
    def numeric(self) -> bool:
        """Whether the cells align right."""
        return self.kind in NUMERIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Cells in the columns' order, the group they stand in, and lengths of a bar's parts (fractions of 1)."""

    cells: tuple[Value, ...]
    group: str = ""
    main: bool = True
    """Whether a short report (the terminal) shows it."""
    bar: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns; ``bar_parts`` names the parts of the rows' bars."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    bar_parts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def list_drawn(self, rows: Sequence[Row]) -> list[str]:
        """The parts that the bars of some rows have any of."""
        return [
            part
            for at, part in enumerate(self.bar_parts)
            if any(len(row.bar) > at and row.bar[at] > 0 for row in rows)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One side: its time of a rep, the layers of its traced window, and the least time its bytes need."""

    label: str
    time_ns: float
    parts: tuple[tuple[str, float], ...] = ()
    """Layers with their ns; empty where no trace divides the time."""
    floor_ns: float | None = None
    """None where no roof of the memory is known, or a cache serves the bytes."""

    @property
    def longest_ns(self) -> float:
        """How far anything of it is drawn."""
        return max(self.time_ns, sum(ns for _, ns in self.parts), self.floor_ns or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarGroup:
    """Bars of one backend at one size, which share a scale."""

    title: str
    bars: tuple[Bar, ...]


Style = Literal["untraced", "traced", "layer", "factor", "mark", "point", "hollow", "moved", "roof", "level"]
"""``level`` is a line across, whose label says what it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What is drawn of one thing; points with an unknown y are left out by whoever makes it."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    colour: int = 0
    """Position in the palette: the same variant has the same colour in every panel."""
    style: Style = "untraced"
    said: tuple[str, ...] = ()
    """What each point says when pointed at, where that is more than its label and values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One set of axes."""

    title: str
    series: tuple[Series, ...]
    scale: str = ""
    """Panels of one scale share their range, so that they can be held against each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Panels that share their axes' meaning.

    ``lines`` draw y against x; ``layers`` stack each series' y (shares of 1) over the sizes x; ``roof`` draws
    points under lines; ``waterfall`` floats a bar for each series' step (contest/factor_figure.py,
    comparison/figures.py); ``spread`` is a comparison's; ``heat``, ``lanes`` and ``points`` a job's
    (ranks/figures.py). Axes carry the kind their values are written with.
    """

    name: str
    title: str
    alt: str
    kind: Literal["lines", "layers", "roof", "waterfall", "spread", "heat", "lanes", "points"] = "lines"
    logarithmic: bool = True
    x_label: str
    y_label: str
    x_kind: Kind = "count"
    y_kind: Kind = "time"
    panels: tuple[Panel, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Bars, and lines of the ratio to ``reference`` over the sizes, each line with its interval."""

    alt: str
    groups: tuple[BarGroup, ...]
    of: str = ""
    """What a bar's times are of, as they are told: `` of a rep``."""
    lines: tuple[Series, ...] = ()
    size: str = ""
    reference: str = ""
    left_out: int = 0
    """Backends that only the rest of the report shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A quality note as a sentence."""

    severity: Severity
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Tables and figures under one heading."""

    name: str
    title: str
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why: sentences about one panel."""

    title: str
    sentences: tuple[str, ...]


class LazyData(Mapping[str, Any]):
    """The JSON contract's object, made when it is first asked for: most formats never do."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make

    @cached_property
    def _data(self) -> dict[str, Any]:
        return self._make()

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report; ``data`` is the JSON contract's object, from which JSON and CSV are written."""

    title: str
    about: str
    recorder: str
    """The first line: what recorded, and what that cannot see."""
    summary: str
    verdicts: tuple[str, ...]
    warnings: tuple[Notice, ...]
    sections: tuple[Section, ...]
    facts: tuple[tuple[str, str], ...]
    """Machine, versions, settings, peaks, the command to repeat it."""
    folder: str
    """Where the run's files lie; shown in the terminal only, as paths are nobody else's business."""
    data: Mapping[str, Any]
    explanations: tuple[Explanation, ...] = ()
    headlines: tuple[str, ...] = ()
    """One sentence for each backend, which every format begins with; the verdicts below say the same in full."""
    picture: Picture | None = None
    """What is drawn beside them."""
    timeline: TimelinePicture | None = None
    """Of traces: one steady step; only HTML shows it."""

    @property
    def opening(self) -> tuple[str, ...]:
        """The sentences that every format begins with."""
        return self.headlines or self.verdicts

    @property
    def in_full(self) -> tuple[Explanation, ...]:
        """Verdicts and reasons below the opening, each backend's under its name; what is of none comes last."""
        if not self.headlines:
            return self.explanations
        left = list(self.verdicts)
        folds: list[Explanation] = []
        for explanation in self.explanations:
            own = [
                said for said in left if said.startswith((f"{explanation.title}:", f"{explanation.title} "))
            ]
            left = [said for said in left if said not in own]
            folds.append(Explanation(title=explanation.title, sentences=(*own, *explanation.sentences)))
        return (*folds, *([Explanation(title="In full", sentences=tuple(left))] if left else []))
