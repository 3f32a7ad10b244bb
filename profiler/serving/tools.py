"""The tools that a client sees: their names, their arguments, and what each is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from ...analysis.words import WindowClock
from .answers import FIRST_ROWS, Answers, Page
from .readings import TraceQuestion

MOST_ROWS = 1000

TracePath = Annotated[str, Field(description="A path below the folder, as list_recordings names it.")]
Side = Annotated[
    str,
    Field(description="A path, or PATH:NAME=VALUE,… for a selection, such as run:variant=outer_sum,n=4000."),
]
OtherSide = Annotated[str | None, Field(description="The other side; ratios are B / A.")]
By = Annotated[
    str | None, Field(description="Instead of b: pair a run's own steps that differ in this alone.")
]
Maps = Annotated[
    list[str] | None, Field(description="OLD=NEW: pair ranges of other names (regular expression).")
]
TableName = Annotated[
    str | None, Field(description="Only this table, such as kernels; without it the first rows of every one.")
]
Offset = Annotated[int, Field(ge=0, description="Rows of the table to pass over.")]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="The most rows of a table.")]
Domains = Annotated[list[str] | None, Field(description="Only ranges of these NVTX domains own work.")]

Glob = Annotated[str, Field(description="A range's name, or a pattern (glob).")]

Windows = Annotated[
    str | None, Field(description="Of a trace: a window for each range of this name or pattern (glob).")
]

Below = Annotated[str, Field(description="A folder in the folder; all of it by default.")]

Clock = Annotated[WindowClock, Field(description="The clock that windows are cut on.")]


class Tools:
    """Each public method is a tool; its docstring is what the client reads."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def list_recordings(self, below: Below = "", offset: Offset = 0, limit: Limit = 100) -> dict[str, Any]:
        """List the runs (kind run), recorded programs (kind program) and traces (kind trace) of the folder."""
        return self._answers.recordings(below, Page(offset=offset, limit=limit))

    def analyze(
        self,
        path: TracePath,
        range: Windows = None,
        domains: Domains = None,
        window: Clock = "host",
        table: TableName = None,
        offset: Offset = 0,
        limit: Limit = FIRST_ROWS,
    ) -> dict[str, Any]:
        """Say where the time of a run, program or trace went: what `flopprof analyze --json` or `report` says."""
        question = TraceQuestion(range_glob=range, domains=tuple(domains or ()), window=window)
        return self._answers.analyze(path, question, Page(table=table, offset=offset, limit=limit))

    def explain(
        self,
        a: Side,
        b: OtherSide = None,
        by: By = None,
        maps: Maps = None,
        table: TableName = None,
        offset: Offset = 0,
        limit: Limit = FIRST_ROWS,
    ) -> dict[str, Any]:
        """Say why, in sentences about a run, a program, a trace or two sides, with each ratio's factors and causes."""
        return self._answers.explain(a, b, by, maps or (), Page(table=table, offset=offset, limit=limit))

    def compare(
        self,
        a: Side,
        b: OtherSide = None,
        by: By = None,
        maps: Maps = None,
        table: TableName = None,
        offset: Offset = 0,
        limit: Limit = FIRST_ROWS,
    ) -> dict[str, Any]:
        """Set two runs or traces against each other: ratios with intervals, verdicts, layers, kernels."""
        return self._answers.compare(a, b, by, maps or (), Page(table=table, offset=offset, limit=limit))

    def kernels_of_range(
        self,
        path: TracePath,
        range: Glob,
        domains: Domains = None,
        offset: Offset = 0,
        limit: Limit = FIRST_ROWS,
    ) -> dict[str, Any]:
        """List the kernels that ran in the ranges of a trace which a name or pattern means, the longest first."""
        return self._answers.kernels(path, range, domains or (), Page(offset=offset, limit=limit))

    def all(self) -> tuple[Callable[..., dict[str, Any]], ...]:
        """The tools."""
        return self.list_recordings, self.analyze, self.explain, self.compare, self.kernels_of_range
