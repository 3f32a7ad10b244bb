"""Many independent traces as a document: ranges and kernels by trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ...analysis.attribution.range_names import RangeName, find_alike
from ...analysis.many.many_traces import ManyTraces, TraceRow
from ...analysis.many.trace_summary import TraceSummary
from ..document.document import Document, Name, Section, Table
from ..document.names import clean, fold_names, shorten
from ..document.notices import describe_note
from ..document.numbers import count_noun
from ..document.tables import ColumnOf, columns_of_part, drop_empty, fill_row
from .range_columns import spell_range

_K = TypeVar("_K")

_Down = TypeVar("_Down")

_Across = TypeVar("_Across")

MOST_ACROSS = 8
"""Traces that stand side by side; of more, each has a row."""

MAIN_ROWS, KERNEL_WIDTH, RANGE_WIDTH, TRACE_WIDTH = 15, 44, 44, 22


def compose_many(many: ManyTraces) -> Document:
    """Everything a table of traces says."""
    done = [row for row in many.rows if row.summary is not None]
    failed = len(many.rows) - len(done)
    tables = (_trace_table(many), _range_table(done, many), _kernel_table(done, many))
    return Document(
        title=f"flopprof analyze: {count_noun(len(many.rows), 'trace')}",
        about="",
        recorder="",
        summary=f"{count_noun(len(done), 'trace')} analysed" + (f", {failed} failed." if failed else "."),
        verdicts=(),
        warnings=tuple(describe_note(one) for one in many.notes_of_all()),
        sections=tuple(Section(name=t.name, title=t.title, tables=(t,)) for t in tables if t.rows),
        facts=tuple((f"trace {at}", clean(str(row.path))) for at, row in enumerate(many.rows)),
        folder="",
        data=many.to_json(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A trace by the name that tells it from the others."""

    name: str
    row: TraceRow


def _trace_table(many: ManyTraces) -> Table:
    columns: tuple[ColumnOf[_Named], ...] = (
        ColumnOf(key="trace", title="trace", value=lambda one: one.name),
        *columns_of_part(_columns_of_summary(), lambda one: one.row.summary),
        ColumnOf(key="reason", title="why not", prose=True, value=_why_not),
    )
    rows = tuple(
        fill_row(columns, one, main=at < MAIN_ROWS or one.row.reason is not None)
        for at, one in enumerate(_name_rows(many.rows))
    )
    table = Table(name="traces", title="Traces", columns=columns, rows=rows)
    return drop_empty(table, keep=tuple(column.key for column in columns if column.key != "reason"))


def _columns_of_summary() -> tuple[ColumnOf[TraceSummary], ...]:
    return (
        ColumnOf(key="duration", title="recorded", kind="time", value=lambda one: one.duration_ns),
        ColumnOf(key="device", title="device", kind="time", term="total", value=lambda one: one.device_ns),
        ColumnOf(
            key="attributed",
            title="in ranges",
            kind="percent",
            value=lambda one: one.attributed_ns / one.device_ns if one.device_ns else None,
        ),
    )


def _why_not(one: _Named) -> str | None:
    return None if one.row.summary is not None else clean(one.row.reason or "")


def _name_rows(rows: Sequence[TraceRow]) -> list[_Named]:
    names = name_traces([row.path for row in rows])
    return [_Named(name=name, row=row) for name, row in zip(names, rows, strict=True)]


def name_traces(paths: Sequence[Path]) -> list[str]:
    """Each trace by its file's name, and where several are called the same, by as much of the path as tells them apart.

    >>> name_traces([Path("job/rank0/trace.sqlite"), Path("job/rank1/trace.sqlite")])
    ['rank0/trace.sqlite', 'rank1/trace.sqlite']
    """
    most = max((len(path.parts) for path in paths), default=1)
    for kept in range(1, most + 1):
        names = ["/".join(path.parts[-kept:]) for path in paths]
        if len(set(names)) == len(set(paths)):
            return [clean(name) for name in names]
    return [clean(str(path)) for path in paths]


def _range_table(done: Sequence[TraceRow], many: ManyTraces) -> Table:
    """Device time of a range's instance; host time where no trace has device work."""
    worked = any(row.summary.device_ns for row in done if row.summary)

    def value(row: TraceRow, key: RangeName) -> float | None:
        use = row.summary.ranges.get(key) if row.summary else None
        return None if use is None else (use.busy_ns if worked else use.wall_ns) / use.instances

    ranges = many.list_ranges()
    alike = find_alike(ranges)
    keys = [(key, shorten(spell_range(key, alike), RANGE_WIDTH)) for key in ranges]
    time = "device" if worked else "host"
    return _cross("ranges", f"Ranges by trace: {time} time of an instance", "range", done, keys, value)


def _kernel_table(done: Sequence[TraceRow], many: ManyTraces) -> Table:
    def value(row: TraceRow, key: str) -> float | None:
        use = row.summary.kernels.get(key) if row.summary else None
        return None if use is None else use.total_ns / use.instances

    kernels = many.list_kernels()
    short = fold_names(kernels, KERNEL_WIDTH)
    keys = [(key, Name(full=clean(key), short=short[key])) for key in kernels]
    return _cross("kernels", "Kernels by trace: mean time of a launch", "kernel", done, keys, value)


def _cross(
    name: str,
    title: str,
    what: str,
    done: Sequence[TraceRow],
    keys: Sequence[tuple[_K, Name | str]],
    value: Callable[[TraceRow, _K], float | None],
) -> Table:
    """Things by traces, or, of many traces, traces by the first things."""
    traces = [(one.row, shorten(one.name, TRACE_WIDTH)) for one in _name_rows(done)]
    if len(done) <= MOST_ACROSS:
        return _fill(name, title, what, keys, traces, lambda key, row: value(row, key))
    return _fill(name, title, "trace", traces, keys[:MOST_ACROSS], value)


def _fill(
    name: str,
    title: str,
    what: str,
    down: Sequence[tuple[_Down, Name | str]],
    across: Sequence[tuple[_Across, Name | str]],
    value: Callable[[_Down, _Across], float | None],
) -> Table:
    """What stands on the left by what stands above, each with its name."""
    prefix = "k" if what == "trace" else "t"

    def column(at: int, above: _Across, named: Name | str) -> ColumnOf[tuple[_Down, Name | str]]:
        said = named.short if isinstance(named, Name) else named
        shared = "" if what == "trace" else "traces"
        return ColumnOf(
            key=f"{prefix}{at}",
            title=said,
            kind="time",
            unit_of=shared,
            value=lambda row: value(row[0], above),
        )

    columns: tuple[ColumnOf[tuple[_Down, Name | str]], ...] = (
        ColumnOf(key=what, title=what, value=lambda row: row[1]),
        *(column(at, *one) for at, one in enumerate(across)),
    )
    rows = tuple(fill_row(columns, one, main=at < MAIN_ROWS) for at, one in enumerate(down))
    return Table(name=name, title=title, columns=columns, rows=rows)
