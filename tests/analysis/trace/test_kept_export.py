"""From a .nsys-rep to an answer: exported, or read from the export beside it, it is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from drawing.traces import unpacked
from flopprof.analysis.errors import TraceError
from flopprof.analysis.trace.open import open_trace_file
from running.stand_in_nsys import analysis_of, put_on_path, recording_of

TRACES = ("streams", "gpu_metrics_100khz", "no_nvtx_2024.2")


@pytest.fixture
def nsys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in on PATH; what it exported is in the file that this is."""
    return put_on_path(tmp_path, monkeypatch)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return recording_of("streams", tmp_path)


@pytest.mark.parametrize("name", TRACES)
def test_a_report_gives_the_answer_of_its_export(nsys: Path, tmp_path: Path, name: str):
    report = recording_of(name, tmp_path)
    whole = tmp_path / "whole.sqlite"
    whole.write_bytes(report.read_bytes())
    assert analysis_of(report) == analysis_of(whole)
    assert nsys.read_text() == "all\n"


def test_a_newer_export_beside_the_report_is_read_and_named(nsys: Path, report: Path):
    beside = report.with_suffix(".sqlite")
    beside.write_bytes(report.read_bytes())
    said: list[str] = []
    with open_trace_file(report, announce=said.append) as plain:
        assert plain == beside
    assert said == ["reading raw.sqlite beside it, which is newer"]
    assert not nsys.exists()


@pytest.mark.parametrize("kind", ["older", "broken", "nobody hears of it"])
def test_another_file_beside_the_report_is_left_alone(nsys: Path, report: Path, kind: str):
    beside = report.with_suffix(".sqlite")
    beside.write_bytes(b"" if kind == "broken" else report.read_bytes())
    if kind == "older":
        os.utime(beside, (1, 1))
    before = beside.read_bytes()
    with open_trace_file(report, announce=None if kind.startswith("nobody") else lambda _: None) as plain:
        assert plain != beside
    assert beside.read_bytes() == before
    assert nsys.read_text() == "all\n"


def test_an_export_is_kept_where_it_is_asked_for(nsys: Path, report: Path):
    said: list[str] = []
    answer = analysis_of(report, announce=said.append, keep=True)
    kept = report.with_suffix(".sqlite")
    assert kept.read_bytes() == report.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert nsys.read_text() == "all\n"
    assert said == ["exporting to raw.sqlite with Nsight Systems 2025.3.2.474"]
    assert analysis_of(report, announce=said.append) == answer
    assert said[1:] == ["reading raw.sqlite beside it, which is newer"]


def test_no_file_is_replaced_by_an_export_that_is_kept(nsys: Path, report: Path):
    beside = report.with_suffix(".sqlite")
    beside.write_bytes(report.read_bytes())
    os.utime(beside, (1, 1))
    with pytest.raises(TraceError, match="remove it to keep a new export"):
        analysis_of(report, announce=lambda _: None, keep=True)
    assert not nsys.exists()


def test_what_is_not_exported_is_not_kept(tmp_path: Path):
    with pytest.raises(TraceError, match="leave --keep-export out"):
        analysis_of(unpacked("streams", tmp_path), keep=True)
