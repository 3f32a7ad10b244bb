"""Rows of the tables of kernels and copies that would look the same say what tells them apart."""

from __future__ import annotations

from drawing.traces import read_recorded
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.reports.document.document import Table
from flopprof.reports.trace.kernel_tables import copy_table, kernel_table


def _shown(table: Table) -> list[tuple[object, ...]]:
    places = [at for at, column in enumerate(table.columns) if column.kind == "text" and not column.detail]
    return [tuple(row.cells[at] for at in places) for row in table.rows]


def test_fills_inside_and_outside_of_ranges_are_told_apart():
    rows = _shown(copy_table(analyze_trace(read_recorded("graph_node"))))
    assert rows == [("memset", "device", "thread"), ("memset", "device", "none")]
    assert len(_shown(copy_table(analyze_trace(read_recorded("streams"))))[0]) == 2


def test_kernels_and_copies_of_several_gpus_say_which():
    two, one = (analyze_trace(read_recorded(name)) for name in ("two_gpus_swapped", "streams"))
    for analysis, shown in ((two, True), (one, False)):
        for table in (kernel_table(analysis, full_names=False), copy_table(analysis)):
            assert any(column.key == "device" and not column.detail for column in table.columns) == shown
