"""What a client asks about, read and kept for its next question: pages of one analysis are asked for one by one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TypeVar

from ...analysis.breakdown.analyze import Analysis, analyze_file
from ...analysis.compare.compare import Comparison, compare_by, compare_sides
from ...analysis.compare.sides import Side, read_side
from ...analysis.errors import CompareError
from ...analysis.programs.folder_kind import is_program_folder, is_run_folder
from ...analysis.ranks.naming import is_rank_set
from ...analysis.words import WindowClock
from ...reports.document.document import Document
from ...reports.program.folder_report import compose_folder
from .served_folder import NotThere, ServedFolder

KEPT = 2
"""Readings that are kept; that of a large trace takes gigabytes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceQuestion:
    """How a trace is to be analysed."""

    range_glob: str | None = None
    domains: tuple[str, ...] = ()
    window: WindowClock = "host"


@dataclass(slots=True)
class Readings:
    """Traces, runs and recorded programs of one folder; one is read at a time."""

    folder: ServedFolder
    _kept: dict[Hashable, object] = field(default_factory=dict[Hashable, object])
    _lock: Lock = field(default_factory=Lock)

    def has_report(self, name: str) -> bool:
        """Whether a name means a run or a recorded program."""
        path = self.folder.find(name)
        return is_program_folder(path) or is_run_folder(path)

    def trace(self, name: str, question: TraceQuestion) -> Analysis:
        """The analysis of a trace, or of a folder's only one. Raises TraceError, OutsideFolder, NotThere."""
        path = self.folder.find(name)

        def read() -> Analysis:
            found = analyze_file(
                path,
                range_glob=question.range_glob,
                domains=question.domains or None,
                window=question.window,
            )
            return replace(
                found, trace=replace(found.trace, path=found.trace.path.relative_to(self.folder.root))
            )

        return self._keep(("trace", name, _stamp(path), question), read)

    def report(self, name: str) -> Document:
        """What the report of a run or a recorded program says. Raises RunError, TraceError, OutsideFolder, NotThere."""
        path = self.folder.find(name)
        return self._keep(("report", name, _stamp(path)), lambda: compose_folder(path, name))

    def comparison(self, a: str, b: str | None, by: str | None, maps: Sequence[str]) -> Comparison:
        """Two sides, or one side's steps that differ in ``by``. Raises CompareError and what reading raises."""
        if (b is None) == (by is None):
            raise CompareError("give two sides, a and b, or one side, a, and by")

        def read() -> Comparison:
            side = self._side(a)
            return compare_by(side, by) if b is None and by else compare_sides(side, self._side(str(b)), maps)

        stamps = tuple(_stamp(self._side_path(side)[0]) for side in (a, b) if side is not None)
        return self._keep(("comparison", a, b, by, tuple(maps), stamps), read)

    def _side(self, text: str) -> Side:
        path, selection = self._side_path(text)
        if is_rank_set(path):
            raise CompareError(f"{text}: holds the traces of several ranks; give one of them")
        return replace(read_side(f"{path}{selection}"), name=text)

    def _side_path(self, text: str) -> tuple[Path, str]:
        """A side's path and what stands behind it: ``PATH`` or ``PATH:NAME=VALUE,…``; a path wins."""
        for end in (len(text), *(at for at in reversed(range(len(text))) if text[at] == ":")):
            try:
                return self.folder.find(text[:end]), text[end:]
            except NotThere:
                continue
        raise NotThere(text)

    def _keep(self, key: Hashable, read: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._kept:
                while len(self._kept) >= KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = read()
            return self._kept[key]  # pyright: ignore[reportReturnType]  what this key's `read` gave


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file, or the list of a folder, is written."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
