"""The steps of a trace and the samples of its GPU as CSV files: what the JSON document has, nothing lost."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from drawing.traces import read_recorded
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.reports.data.trace_csv import write_analysis_csv


def _read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_steps_parts_and_times_are_those_of_its_row(tmp_path: Path):
    analysis = analyze_trace(read_recorded("streams"))
    write_analysis_csv(analysis, tmp_path)
    (row,) = analysis.steps
    (step,) = _read(tmp_path, "steps")
    assert (float(step["median_ns"]), step["warm_up"], step["skip"]) == (row.median_ns, str(row.warm_up), "")
    parts = _read(tmp_path, "step_parts")
    assert [(part["part"], float(part["ns"])) for part in parts] == [(p.range or "", p.ns) for p in row.parts]
    whole = sum(value for name, value in row.layers.items())
    assert sum(float(part["ns"]) for part in parts) == pytest.approx(whole)
    times = _read(tmp_path, "step_times")
    assert [float(one["ns"]) for one in times] == list(row.times_ns)
    assert int(times[0]["instance"]) == row.warm_up + 1


@pytest.mark.parametrize("name", ["range_metrics", "kernel_metrics"])
def test_samples_of_the_gpu_are_there_where_it_was_sampled(name: str, tmp_path: Path):
    sampled, plain = tmp_path / "sampled", tmp_path / "plain"
    analysis = analyze_trace(read_recorded("gpu_metrics_100khz"))
    write_analysis_csv(analysis, sampled)
    write_analysis_csv(analyze_trace(read_recorded("streams")), plain)
    rows = _read(sampled, name)
    document = list(dict(analysis.to_json())[name])
    assert [row["dram_read_bytes"] for row in rows] == [str(row["dram_read_bytes"]) for row in document]
    assert set(rows[0]) == set(document[0]) and _read(plain, name) == []
