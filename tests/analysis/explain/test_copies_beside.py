"""Copies beside kernels bound what faster kernels save; where they do not, nothing is said of them."""

from __future__ import annotations

import pytest
from drawing.traces import read_recorded
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.explain.copies_beside import find_floor
from flopprof.analysis.explain.work_holdups import find_holdups


def _floor(name: str) -> float | None:
    analysis = analyze_trace(read_recorded(name))
    return find_floor(analysis, find_holdups(analysis))


def test_where_copies_take_as_long_as_kernels_that_is_the_floor():
    assert _floor("streams") == pytest.approx(2_729_461.5 / 2_981_852, rel=1e-3)  # added up by SQL


@pytest.mark.parametrize(
    "name", ["ranks/strag_rank1", "cases/prefetch_thread", "threads", "graph_node", "no_nvtx_2024.2"]
)
def test_nothing_is_said_where_copies_bound_nothing(name: str):
    assert _floor(name) is None
