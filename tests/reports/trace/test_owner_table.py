"""Shares of a window by owner: they sum to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.traces import read_recorded
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.reports.trace.owner_table import owner_table
from flopprof.reports.trace.range_table import range_table


@pytest.mark.parametrize(
    ("name", "glob"), [("torch_axis0", "point*"), ("streams", None), ("graph_node", None)]
)
def test_the_shares_of_a_window_sum_to_it(name: str, glob: str | None) -> None:
    analysis = analyze_trace(read_recorded(name), range_glob=glob)
    table = owner_table(analysis)
    keys = [column.key for column in table.columns]
    shares: dict[str, float] = {}
    for row in table.rows:
        cells = dict(zip(keys, row.cells, strict=True))
        shares[row.group] = shares.get(row.group, 0.0) + float(str(cells["share"]))
        layers = [cells[key] for key in keys if key not in ("owner", "place", "time", "share")]
        assert sum(int(str(ns)) for ns in layers) == cells["time"]
    assert shares.keys() == {row.group for row in table.rows} != set()
    assert all(share == pytest.approx(1) for share in shares.values())


def test_windows_of_one_path_are_taken_together() -> None:
    analysis = analyze_trace(read_recorded("torch_axis0"), range_glob="sum")
    table = owner_table(analysis)
    groups = [f"20 × point n={n} axis=0 › ops:sum, GPU 0" for n in (1000, 4000, 8000)]
    assert list(dict.fromkeys(row.group for row in table.rows)) == groups
    at = [column.key for column in table.columns].index("time")
    walls = [sum(int(str(row.cells[at])) for row in table.rows if row.group == group) for group in groups]
    thirds = [analysis.windows[at : at + 20] for at in (0, 20, 40)]
    assert walls == [sum(window.times.wall_ns for window in windows) for windows in thirds]


def test_declared_bytes_are_held_against_the_bandwidth() -> None:
    analysis = analyze_trace(read_recorded("torch_axis0"))
    (bandwidth,) = {gpu.bandwidth_bytes_per_s for gpu in analysis.trace.gpus.values()}
    longest = max(analysis.ranges, key=lambda row: row.busy_ns)
    busy = longest.busy_ns
    assert bandwidth is not None and busy > 0
    half = replace(longest, bytes=round(bandwidth * busy / 2e9), flops=busy * 1000)
    table = range_table(replace(analysis, ranges=(half,)))
    cells = dict(zip((column.key for column in table.columns), table.rows[0].cells, strict=True))
    assert cells["tflops"] == 1
    assert cells["bandwidth_share"] == pytest.approx(0.5)
