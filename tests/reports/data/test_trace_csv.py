"""CSV files of an analysis: whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.errors import RunError
from flopprof.reports.data.trace_csv import write_analysis_csv


def test_a_table_that_cannot_be_written_leaves_no_half_of_it(tmp_path: Path) -> None:
    (tmp_path / "owners.csv").mkdir()
    analysis = analyze_file(DATA / "streams.sqlite.xz", range_glob="*")
    with pytest.raises(RunError, match=r"owners\.csv: cannot be written"):
        write_analysis_csv(analysis, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["owners.csv"]
