"""Answers to what a client asks of a folder: the documents of the commands with --json, cut to a size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...analysis.attribution.attribution import is_library
from ...analysis.errors import TraceError
from ...analysis.plain import to_plain
from ...analysis.words import FORMAT
from ...reports.comparison.compose import compose_comparison
from ...reports.document.document import Document
from ...reports.trace.compose import compose_analysis
from ...scenarios.errors import FlopprofError
from .bounded import Table, bound
from .readings import Readings, TraceQuestion
from .recordings import list_recordings
from .served_folder import ServedFolder
from .sizes import CHARACTERS

FIRST_ROWS = 20
"""Rows of a table unless another number is asked for."""


class UnknownTable(FlopprofError):
    """A document has no table of this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no table {name!r} of this; there is: {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which rows are wanted: of one table, or the first of all."""

    table: str | None = None
    offset: int = 0
    limit: int = FIRST_ROWS


@dataclass(slots=True)
class Answers:
    """What is said of one folder. Every method raises FlopprofError for what a client can mend."""

    folder: ServedFolder
    characters: int = CHARACTERS
    _readings: Readings = field(init=False)

    def __post_init__(self) -> None:
        self._readings = Readings(self.folder)

    def recordings(self, below: str, page: Page) -> dict[str, Any]:
        """Runs and traces."""
        rows = list_recordings(self.folder, self.folder.find(below))
        return self._bound({"flopprof": FORMAT, "below": below}, {"recordings": rows}, page)

    def analyze(self, path: str, question: TraceQuestion, page: Page) -> dict[str, Any]:
        """A trace, a run or a recorded program: its document."""
        if self._readings.has_report(path) and question == TraceQuestion():
            return self._document(self._readings.report(path).data, page)
        return self._document(self._readings.trace(path, question).to_json(), page)

    def kernels(self, path: str, range_glob: str, domains: Sequence[str], page: Page) -> dict[str, Any]:
        """The kernels of every range that a pattern names, those in ranges inside it, too."""
        question = TraceQuestion(range_glob=range_glob, domains=tuple(domains))
        analysis = self._readings.trace(path, question)
        paths = {(name.domains, name.path, name.tid) for name in analysis.windows.names}
        rows = [to_plain(row) for row in analysis.range_kernels if (row.domains, row.path, row.tid) in paths]
        if not paths:
            names = sorted({row.range for row in analysis.ranges if not is_library(row.domain)})
            raise TraceError(path, f"no range matches {range_glob!r}; there is: {', '.join(names[:20])}")
        rows.sort(key=lambda row: -row["total_ns"])
        head = {"flopprof": FORMAT, "trace": path, "range": range_glob}
        return self._bound(head, {"range_kernels": rows}, Page(offset=page.offset, limit=page.limit))

    def compare(
        self, a: str, b: str | None, by: str | None, maps: Sequence[str], page: Page
    ) -> dict[str, Any]:
        """Two sides, pair by pair."""
        return self._document(compose_comparison(self._readings.comparison(a, b, by, maps)).data, page)

    def explain(
        self, a: str, b: str | None, by: str | None, maps: Sequence[str], page: Page
    ) -> dict[str, Any]:
        """In sentences: what a run, a trace or a comparison comes to, and why; with factors and causes."""
        if b is not None or by is not None:
            document = compose_comparison(self._readings.comparison(a, b, by, maps))
        elif self._readings.has_report(a):
            document = self._readings.report(a)
        else:
            document = compose_analysis(self._readings.trace(a, TraceQuestion()))
        return self._explained(document, page)

    def _explained(self, document: Document, page: Page) -> dict[str, Any]:
        reasons = {
            "doubts": [{"severity": one.severity, "text": one.text} for one in document.warnings],
            "sentences": [{"text": text} for text in document.opening],
            "in_full": [
                {"about": one.title, "text": text} for one in document.in_full for text in one.sentences
            ],
            "explanations": document.data.get("explanations", []),
        }
        return self._bound(
            {"flopprof": FORMAT, "title": document.title, "summary": document.summary}, reasons, page
        )

    def _document(self, data: Mapping[str, Any], page: Page) -> dict[str, Any]:
        tables = {name: value for name, value in data.items() if isinstance(value, list)}
        head = {name: value for name, value in data.items() if name not in tables}
        return self._bound(head if page.table is None else {"flopprof": FORMAT}, tables, page)

    def _bound(
        self, head: Mapping[str, Any], tables: Mapping[str, Sequence[Any]], page: Page
    ) -> dict[str, Any]:
        if page.table is not None and page.table not in tables:
            raise UnknownTable(page.table, list(tables))
        wanted = tables if page.table is None else {page.table: tables[page.table]}
        only = len(wanted) == 1
        rows = [
            Table(
                name=name,
                rows=[one if isinstance(one, Mapping) else {"value": one} for one in values],
                offset=page.offset if only else 0,
                limit=page.limit,
            )
            for name, values in wanted.items()
        ]

        def ask(table: str, offset: int) -> str:
            return f"offset={offset}" if len(tables) == 1 else f"table={table!r}, offset={offset}"

        return bound(head, rows, ask, self.characters)
