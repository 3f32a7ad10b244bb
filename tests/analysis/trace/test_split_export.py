"""A report exported in parts gives the answer of the whole, and is exported whole where a part fails."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from drawing.traces import GPU, unpacked
from flopprof.analysis.archives.scrub import KEPT_TABLES
from flopprof.analysis.errors import TraceError
from flopprof.analysis.many.trace_summary import SummaryRequest, summarise_trace
from flopprof.analysis.tables.joined import JoinedFile, open_tables
from flopprof.analysis.trace import split_export
from flopprof.analysis.trace.open import open_trace_file
from flopprof.analysis.trace.reading import read_trace
from running.commands import run_here
from running.stand_in_nsys import analysis_of, put_on_path, recording_of, write_nsys

TRACES = (*GPU, "gpu_metrics_100khz", "nvtx_all_types_2022.4", "no_nvtx_2024.2", "nvtx_all_types_2024.2")


@pytest.fixture
def nsys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in on PATH; what it exported is in the file that this is."""
    exports = put_on_path(tmp_path, monkeypatch, knows="--tables")
    monkeypatch.setattr(split_export, "LEAST_CHOSEN", 0)
    monkeypatch.setattr(split_export, "LEAST_SPLIT", 0)
    monkeypatch.setattr(split_export, "reads_hdf", lambda: False)
    return exports


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return recording_of("streams", tmp_path)


@pytest.mark.parametrize(("cores", "hdf"), [(1, False), (2, False), (8, False), (1, True), (8, True)])
@pytest.mark.parametrize("name", TRACES)
def test_parts_give_the_answer_of_the_whole(
    nsys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, cores: int, hdf: bool
):
    if hdf:
        pytest.importorskip("h5py", reason="samples are read as HDF5 where h5py is")
    monkeypatch.setattr(split_export, "reads_hdf", lambda: hdf)
    monkeypatch.setattr(split_export.os, "sched_getaffinity", lambda _: set(range(cores)))
    report = recording_of(name, tmp_path)
    whole = tmp_path / "whole.sqlite"
    whole.write_bytes(report.read_bytes())
    assert analysis_of(report) == analysis_of(whole)
    asked = nsys.read_text().splitlines()
    if name == "no_nvtx_2024.2":  # nor kernels nor calls: whether that is true shows when all is exported
        assert asked.pop() == "all"
    assert sorted(asked) == sorted(
        ",".join(part) for part in split_export.choose_parts(cores, hdf=hdf).values()
    )


def test_a_small_report_is_not_split_and_a_smaller_one_not_chosen_from(
    nsys: Path, report: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(split_export, "LEAST_SPLIT", report.stat().st_size + 1)
    analysis_of(report)
    assert nsys.read_text().splitlines() == [",".join(*split_export.choose_parts(1).values())]
    nsys.unlink()
    monkeypatch.setattr(split_export, "LEAST_CHOSEN", report.stat().st_size + 1)
    analysis_of(report)
    assert nsys.read_text() == "all\n"


@pytest.mark.parametrize(("cores", "parts"), [(2, 1), (4, 4)])
def test_few_cores_split_only_a_larger_report(
    nsys: Path, report: Path, monkeypatch: pytest.MonkeyPatch, cores: int, parts: int
):
    monkeypatch.setattr(split_export, "LEAST_SPLIT", report.stat().st_size)
    monkeypatch.setattr(split_export.os, "sched_getaffinity", lambda _: set(range(cores)))
    analysis_of(report)
    assert len(nsys.read_text().splitlines()) == parts


@pytest.mark.parametrize("hdf", [False, True])
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_every_table_that_a_scrubbed_trace_keeps_is_in_one_part(cores: int, hdf: bool, tmp_path: Path):
    alternatives = [one for name in TRACES for one in tables_of(unpacked(name, tmp_path))]
    kept = {name for name in alternatives if KEPT_TABLES.fullmatch(name)} | {"StringIds", "NVTX_EVENTS"}
    assert len(kept) > 20
    for table in kept:
        held = [
            part
            for part in split_export.choose_parts(cores, hdf=hdf).values()
            if any(re.fullmatch(pattern, table, re.IGNORECASE) for pattern in part)
        ]
        assert len(held) == 1, table


def tables_of(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    path.unlink()
    return [name for (name,) in found]


LEAVE_NOTHING = """[copy.execute(f'DROP TABLE "{name}"') for (name,) in copy.execute("SELECT name FROM sqlite_master "
        "WHERE type = 'table' AND (name GLOB 'CUPTI*' OR name GLOB 'NVTX*')").fetchall()], copy.commit()"""


@pytest.mark.parametrize(
    "then", ["os.truncate(options['--output'], 0)", "os.unlink(options['--output'])", LEAVE_NOTHING]
)
def test_a_part_that_fails_makes_the_export_whole(nsys: Path, report: Path, then: str):
    write_nsys(report.parents[1] / "bin", knows="--tables", then=then)
    whole = report.parents[1] / "whole.sqlite"
    whole.write_bytes(report.read_bytes())
    assert analysis_of(report) == analysis_of(whole)
    assert nsys.read_text().splitlines()[-1] == "all"


NO_SAMPLES = "h5py.File(options['--output'], 'w').close()"


@pytest.mark.parametrize(
    "then",
    [
        *(f"os.truncate(options['--output'], {left})" for left in (0, 100, 5000)),
        *("os.unlink(options['--output'])", NO_SAMPLES),
    ],
)
def test_samples_that_fail_make_the_export_whole(
    nsys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
):
    pytest.importorskip("h5py", reason="samples are read as HDF5 where h5py is")
    monkeypatch.setattr(split_export, "reads_hdf", lambda: True)
    report = recording_of("gpu_metrics_100khz", tmp_path)
    write_nsys(tmp_path / "bin", knows="--tables", then=f"options['--type'] == 'hdf' and {then}")
    whole = tmp_path / "whole.sqlite"
    whole.write_bytes(report.read_bytes())
    assert analysis_of(report) == analysis_of(whole)
    assert nsys.read_text().splitlines()[-1] == "all"


def test_who_needs_one_file_gets_one(nsys: Path, report: Path):
    with open_trace_file(report) as plain:
        assert plain.read_bytes() == report.read_bytes()
    assert nsys.read_text() == "all\n"


def test_an_export_that_is_kept_is_whole(nsys: Path, report: Path):
    analysis_of(report, announce=lambda _: None, keep=True)
    assert report.with_suffix(".sqlite").read_bytes() == report.read_bytes()
    assert nsys.read_text() == "all\n"


def test_traces_and_sides_of_comparisons_are_read_from_parts(nsys: Path, report: Path):
    assert len(read_trace(report).activities) == 92
    assert nsys.read_text().splitlines()[0] != "all"
    run_here("compare", report, report, "--json")
    assert "all" not in nsys.read_text().splitlines()


def test_the_command_says_of_a_report_what_it_says_of_its_export(nsys: Path, report: Path):
    whole = report.parents[1] / "whole.sqlite"
    whole.write_bytes(report.read_bytes())
    said = [run_here("analyze", path)[0].replace(path.name, "T") for path in (report, whole)]
    assert said[0].replace(str(report.parent), "") == said[1].replace(str(whole.parent), "")


def test_a_damaged_report_is_one_line_also_while_libraries_load(nsys: Path, report: Path):
    report.write_bytes(b"SQLite format 3\x00" + bytes(50))
    _, said = run_here("analyze", report, code=2)
    assert "Traceback" not in said
    assert len([line for line in said.splitlines() if str(report) in line]) == 1


def test_a_folder_of_parts_says_what_it_lacks(tmp_path: Path):
    parts = tmp_path / "parts"
    parts.mkdir()
    with pytest.raises(TraceError, match="is a directory"), open_tables(parts):
        raise AssertionError
    unpacked("streams", tmp_path).rename(parts / "0.sqlite")
    with open_tables(parts) as file:
        assert isinstance(file, JoinedFile)
        with pytest.raises(TraceError, match="has no table NOT_THERE"):
            file.count("NOT_THERE")


def test_of_many_traces_each_is_exported_in_one_part(nsys: Path, report: Path):
    summary = summarise_trace(report, SummaryRequest())
    assert summary.device_ns == analysis_of(report)["device_ns"]
    assert nsys.read_text().splitlines()[0] == ",".join(*split_export.choose_parts(1).values())
