"""Many independent traces as a document: ranges and kernels by trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ...analysis.many.many_traces import ManyTraces, TraceRow
from ...analysis.many.trace_summary import RangeKey
from ...analysis.words import join_path
from ..document.document import Column, Document, Name, Row, Section, Table, Value
from ..document.names import clean, fold_names, shorten
from ..document.notices import describe_note
from ..document.numbers import count_noun

_K = TypeVar("_K")

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


def _trace_table(many: ManyTraces) -> Table:
    columns = (
        Column(key="trace", title="trace"),
        Column(key="duration", title="recorded", kind="time"),
        Column(key="device", title="device", kind="time", term="total"),
        Column(key="attributed", title="in ranges", kind="percent"),
        Column(key="reason", title="why not", prose=True),
    )
    names = name_traces([row.path for row in many.rows])
    rows = tuple(
        Row(cells=_trace_cells(row, names[at]), main=at < MAIN_ROWS or row.reason is not None)
        for at, row in enumerate(many.rows)
    )
    return Table(name="traces", title="Traces", columns=columns, rows=rows)


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


def _trace_cells(row: TraceRow, name: str) -> tuple[Value, ...]:
    one = row.summary
    if one is None:
        return name, None, None, None, clean(row.reason or "")
    share = one.attributed_ns / one.device_ns if one.device_ns else None
    return name, one.duration_ns, one.device_ns, share, None


def _range_table(done: Sequence[TraceRow], many: ManyTraces) -> Table:
    """Device time of a range's instance; host time where no trace has device work."""
    worked = any(row.summary.device_ns for row in done if row.summary)

    def value(row: TraceRow, key: RangeKey) -> float | None:
        use = row.summary.ranges.get(key) if row.summary else None
        return None if use is None else (use.busy_ns if worked else use.wall_ns) / use.instances

    keys = many.list_ranges()
    names: list[Value] = [shorten(clean(join_path(domain, path)), RANGE_WIDTH) for domain, path in keys]
    time = "device" if worked else "host"
    return _cross("ranges", f"Ranges by trace: {time} time of an instance", "range", done, keys, names, value)


def _kernel_table(done: Sequence[TraceRow], many: ManyTraces) -> Table:
    def value(row: TraceRow, key: str) -> float | None:
        use = row.summary.kernels.get(key) if row.summary else None
        return None if use is None else use.total_ns / use.instances

    keys = many.list_kernels()
    short = fold_names(keys, KERNEL_WIDTH)
    names: list[Value] = [Name(full=clean(key), short=short[key]) for key in keys]
    return _cross("kernels", "Kernels by trace: mean time of a launch", "kernel", done, keys, names, value)


def _cross(
    name: str,
    title: str,
    what: str,
    done: Sequence[TraceRow],
    keys: Sequence[_K],
    names: Sequence[Value],
    value: Callable[[TraceRow, _K], float | None],
) -> Table:
    """Things by traces, or, of many traces, traces by the first things."""
    labels = [shorten(name, TRACE_WIDTH) for name in name_traces([row.path for row in done])]
    if len(done) <= MOST_ACROSS:
        columns = (
            Column(key=what, title=what),
            *(Column(key=f"t{i}", title=t, kind="time") for i, t in enumerate(labels)),
        )
        rows = [(names[at], *(value(row, key) for row in done)) for at, key in enumerate(keys)]
    else:
        first = list(enumerate(keys))[:MOST_ACROSS]
        titles = [n.short if isinstance(n := names[at], Name) else str(n) for at, _ in first]
        columns = (
            Column(key="trace", title="trace"),
            *(Column(key=f"k{i}", title=t, kind="time") for i, t in enumerate(titles)),
        )
        rows = [(labels[at], *(value(row, key) for _, key in first)) for at, row in enumerate(done)]
    return Table(
        name=name,
        title=title,
        columns=columns,
        rows=tuple(Row(cells=cells, main=at < MAIN_ROWS) for at, cells in enumerate(rows)),
    )
