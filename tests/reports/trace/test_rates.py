"""A rate counts a range's own work, and is empty where that cannot be told."""

from __future__ import annotations

from dataclasses import replace

from drawing.traces import read_case
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.reports.trace.kernel_tables import copy_table
from flopprof.reports.trace.range_table import range_table


def test_copies_of_another_thread_do_not_lower_a_range_s_rate():
    found = analyze_trace(read_case("prefetch_thread"))
    (row,) = (replace(row, flops=5 * 3_000_000_000) for row in found.ranges)
    for own, rate in ((row.own_busy_ns, 10.0), (None, None)):
        table = range_table(replace(found, ranges=(replace(row, own_busy_ns=own),)))
        cells = {c.key: cell for c, cell in zip(table.columns, table.rows[0].cells, strict=True)}
        assert (cells.get("tflops"), cells["attribution"]) == (rate, "both")


def test_copies_say_whose_thread_asked_for_them():
    table = copy_table(analyze_trace(read_case("prefetch_thread")))
    assert [c.title for c in table.columns][2] == "by"
    assert table.rows[0].cells[2] == "process"
