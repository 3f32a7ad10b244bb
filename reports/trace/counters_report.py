"""What was counted of a program's kernels as a document: by range, and by kernel."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.attribution.range_names import RangeName, find_alike, in_one_domain
from ...analysis.evidence.counted_ranges import CountedRange, ProgramCounters
from ..document.document import Document, Section, Table
from ..document.names import clean, fold_names
from ..document.tables import ColumnOf, drop_empty, fill_row, format_dims
from .range_columns import spell_range

MAIN_ROWS = 20

KERNEL_WIDTH = 52


def compose_counters(counted: ProgramCounters) -> Document:
    """Everything that was counted."""
    tables = [_range_table(counted.ranges), _kernel_table(counted.kernels)]
    return Document(
        title=f"flopprof counters {clean(counted.program)}",
        about="",
        recorder=f"Recorder: Nsight Compute {counted.tool or '(of unknown version)'}; its kernels ran one at a time, "
        "several times each, so no times are told.",
        summary=_summarise(counted),
        verdicts=(),
        warnings=(),
        sections=tuple(Section(name=one.name, title=one.title, tables=(one,)) for one in tables if one.rows),
        facts=(),
        folder="",
        data=counted.to_json(),
    )


def _summarise(counted: ProgramCounters) -> str:
    where = f" in range {clean(counted.range)}" if counted.range is not None else ""
    most = f", at most {counted.instances} of each kernel" if counted.instances is not None else ""
    noun = "launch" if counted.launches == 1 else "launches"
    return f"{counted.launches} kernel {noun} counted{where}{most}."


def _range_table(rows: Sequence[CountedRange]) -> Table:
    columns: tuple[ColumnOf[CountedRange], ...] = (_range_column(rows), _launches(), *_counter_columns())
    table = Table(
        name="counted_ranges",
        title="Ranges",
        columns=columns,
        rows=tuple(fill_row(columns, row, main=at < MAIN_ROWS) for at, row in enumerate(rows)),
        notes=("Of all launches counted in the range and in the ranges inside it.",),
    )
    return drop_empty(table, keep=("range", "launches"), zeros=False)


def _kernel_table(rows: Sequence[CountedRange]) -> Table:
    names = fold_names((row.kernel for row in rows if row.kernel), KERNEL_WIDTH)

    def name(row: CountedRange) -> str | None:
        return names.get(row.kernel) if row.kernel else None

    columns: tuple[ColumnOf[CountedRange], ...] = (
        _range_column(rows),
        ColumnOf(key="kernel", title="kernel", value=name),
        _launches(),
        ColumnOf(key="grid", title="grid", detail=True, value=lambda row: format_dims(row.grid)),
        ColumnOf(key="block", title="block", detail=True, value=lambda row: format_dims(row.block)),
        *_counter_columns(),
        ColumnOf(
            key="load",
            title="load sectors",
            kind="number",
            value=lambda row: row.counters.load_sectors_per_request,
        ),
        ColumnOf(
            key="store",
            title="store sectors",
            kind="number",
            value=lambda row: row.counters.store_sectors_per_request,
        ),
        ColumnOf(key="warps", title="warps", kind="percent", value=_warps),
        ColumnOf(key="waves", title="waves", kind="number", value=lambda row: row.counters.waves),
    )
    table = Table(
        name="counted_kernels",
        title="Kernels of each range, per launch",
        columns=columns,
        rows=tuple(fill_row(columns, row, main=at < MAIN_ROWS) for at, row in enumerate(rows)),
        notes=(
            "load, store: sectors of 32 bytes a warp's request touches. warps: active on busy SMs, of the most. "
            "waves: blocks over the blocks that the GPU holds at once.",
        ),
    )
    return drop_empty(table, keep=("range", "kernel", "launches"), zeros=False)


def _range_column(rows: Sequence[CountedRange]) -> ColumnOf[CountedRange]:
    alike = find_alike(map(_name_of, rows))
    return ColumnOf(
        key="range", title="range", value=lambda row: spell_range(_name_of(row), alike) or "(no range)"
    )


def _name_of(row: CountedRange) -> RangeName:
    return in_one_domain(row.domain, row.path)


def _launches() -> ColumnOf[CountedRange]:
    return ColumnOf(key="launches", title="launches", kind="count", value=lambda row: row.launches)


def _counter_columns() -> tuple[ColumnOf[CountedRange], ...]:
    return (
        ColumnOf(key="read", title="DRAM read", kind="bytes", value=lambda row: row.counters.dram_read_bytes),
        ColumnOf(
            key="written", title="DRAM written", kind="bytes", value=lambda row: row.counters.dram_write_bytes
        ),
        ColumnOf(
            key="l2_read",
            title="L2 read",
            kind="bytes",
            detail=True,
            value=lambda row: row.counters.l2_read_bytes,
        ),
        ColumnOf(
            key="l2_written",
            title="L2 written",
            kind="bytes",
            detail=True,
            value=lambda row: row.counters.l2_write_bytes,
        ),
        ColumnOf(
            key="executed", title="executed", kind="flops", value=lambda row: row.counters.executed_flops
        ),
    )


def _warps(row: CountedRange) -> float | None:
    percent = row.counters.warps_pct
    return None if percent is None else percent / 100
