"""Every document that a command prints is as its shipped schema says, and has no key that the schema does not."""

from __future__ import annotations

import importlib.util
import json
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drawing.draws import one_in
from drawing.report_samples import (
    copying_run,
    cpu_run,
    failed_run,
    gpu_run,
    hostile_run,
    lossy_run,
    uncontrolled_run,
)
from drawing.stored_runs import copy_real_run, put_run, with_id
from drawing.tree import DATA, ROOT
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.evidence.counted_ranges import ProgramCounters, count_range_kernels, count_ranges
from flopprof.analysis.evidence.ncu_csv import parse_ncu_csv
from flopprof.analysis.runs.results import RunResult
from flopprof.analysis.store.history import read_history
from flopprof.profiler.commands.app import app
from flopprof.profiler.doctor.findings import broken, findings_as_json, ok, warning
from flopprof.profiler.schemas.documents import DOCUMENTS
from flopprof.profiler.schemas.shipped import list_schemas, read_schema
from flopprof.reports.kept.history import history_to_json
from flopprof.reports.run.publish import render
from running.commands import run_here
from running.schemas import faults

CASES = DATA / "cases"
TRACES = sorted(
    path
    for path in (*DATA.glob("*.sqlite.xz"), *CASES.glob("*.sqlite.xz"), *DATA.glob("kineto/*.json*"))
    if path.stat().st_size < 200_000
)
RUNS = (gpu_run, cpu_run, lossy_run, failed_run, uncontrolled_run, copying_run, hostile_run)
PAIRS = (
    (DATA / "cupy_axis0.sqlite.xz", DATA / "cupy_axis1.sqlite.xz"),
    (DATA / "torch_axis0.sqlite.xz", DATA / "cupy_axis0.sqlite.xz"),
)


def test_every_command_with_json_has_a_schema() -> None:
    import typer

    group: Any = typer.main.get_command(app)
    printing = {name for name, one in group.commands.items() if any("--json" in p.opts for p in one.params)}
    assert printing - DOCUMENTS.keys() == set()
    assert DOCUMENTS.keys() - printing == {"analyze-many", "counters"}


def test_the_shipped_schemas_are_those_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("write_schemas", ROOT / "tools" / "write_schemas.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    shipped = {f"{name}.schema.json": f"{read_schema(name)}\n" for name in list_schemas()}
    assert shipped == tool.make_texts(), "run: python tools/write_schemas.py"


def test_the_command_lists_and_prints_them() -> None:
    listed = [line.split()[0] for line in run_here("schema")[0].splitlines()]
    assert listed == sorted(DOCUMENTS)
    assert json.loads(run_here("schema", "analyze")[0])["$id"] == "urn:flopprof:1:analyze"


@pytest.mark.parametrize("name", ["nonsense", "../app", "a\x00b", "documents.py"])
def test_a_schema_that_there_is_not_is_one_line(name: str) -> None:
    _, told = run_here("schema", name, code=2)
    assert len(told.splitlines()) == 1
    assert "there is: analyze, analyze-many, calibrate, compare," in told


def numbers(schema: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a number, with its description."""
    if isinstance(schema, list):
        for one in schema:
            yield from numbers(one, place)
    elif isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            kinds = value.get("type", "") if isinstance(value, dict) else ""
            if {"integer", "number"} & {*([kinds] if isinstance(kinds, str) else kinds)}:
                yield f"{place}.{name}", value.get("description", "")
        for name, value in schema.items():
            yield from numbers(value, f"{place}.{name}")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_number_says_what_it_counts_or_its_unit(name: str) -> None:
    schema = json.loads(read_schema(name))
    assert [place for place, told in numbers(schema) if not told] == []
    silent = [place for place, told in numbers(schema) if place.endswith("_ns") and "anosecond" not in told]
    assert silent == []


def test_a_key_more_or_less_is_noticed() -> None:
    document = json.loads(findings_as_json([ok("nsys", "2024.2")]))
    assert faults("doctor", document) == []
    assert len(faults("doctor", {**document, "more": 1})) == 1
    assert len(faults("doctor", {"flopprof": 1, "works": True})) == 1
    document["findings"][0]["state"] = "good"
    assert [line.split(":")[0] for line in faults("doctor", document)] == ["$.findings[0].state"]


@pytest.mark.parametrize("trace", one_in(4, TRACES), ids=[path.name for path in TRACES])
def test_an_analysis_is_as_its_schema_says(trace: Path) -> None:
    assert faults("analyze", analyze_file(trace).to_json()) == []


def test_an_analysis_by_ranges_is_as_its_schema_says() -> None:
    out, _ = run_here("analyze", DATA / "torch_axis0.sqlite.xz", "--range", "*", "--json")
    assert faults("analyze", out) == []
    assert len(json.loads(out)["windows"]) > 1


def test_an_analysis_of_many_is_as_its_schema_says(tmp_path: Path) -> None:
    bad = tmp_path / "bad.sqlite"
    bad.write_bytes(b"no trace at all" * 10)
    out, _ = run_here("analyze", *PAIRS[0], bad, "--json", "--jobs", "1", code=3)
    assert faults("analyze-many", out) == []
    assert [one["status"] for one in json.loads(out)["traces"]] == ["done", "done", "failed"]


@pytest.mark.parametrize("make", RUNS)
def test_a_run_is_as_its_schema_says(make: Any) -> None:
    result: RunResult = make()
    assert faults("run", render(result, "json")) == []


def test_a_real_run_is_as_its_schema_says(tmp_path: Path) -> None:
    with tarfile.open(DATA / "h200_sum_axes.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    (run,) = (path.parent for path in tmp_path.rglob("plan.json"))
    out, _ = run_here("report", run, "--format", "json")
    assert faults("run", out) == []
    out, _ = run_here("compare", run, "--by", "axis", "--fail-above", "1", "--json", code=1)
    assert faults("compare", out) == []
    assert json.loads(out)["explanations"]


def test_a_run_as_it_is_printed_is_as_its_schema_says(tmp_path: Path) -> None:
    small = ("--set", "backends=numpy", "--set", "devices=cpu", "--set", "n=16")
    out, _ = run_here("run", "smoke", *small, "--recorder", "embedded", "--out", tmp_path / "run", "--json")
    assert faults("run", out) == []


@pytest.mark.parametrize("pair", PAIRS, ids=["axes", "libraries"])
def test_a_comparison_is_as_its_schema_says(pair: tuple[Path, Path]) -> None:
    out, _ = run_here("compare", *pair, "--json")
    assert faults("compare", out) == []


@pytest.mark.slow
def test_a_job_is_as_its_schema_says() -> None:
    for name in ("strag", "fsdp"):
        traces = sorted((DATA / "ranks").glob(f"{name}_rank*"))
        out, _ = run_here("ranks", *traces, "--json", "--jobs", "1")
        assert faults("ranks", out) == []
        assert json.loads(out)["collectives"]


def test_what_a_store_says_is_as_its_schemas_say(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    for number in range(8):
        put_run(tmp_path, with_id(cpu_run(), f"run-{number}", f"2026-01-0{number + 1}T03:04:05+00:00"))
    (tmp_path / "broken").mkdir()
    store = ("--store", tmp_path, "--json")
    assert faults("runs", run_here("runs", *store)[0]) == []
    for address in (run.name, "run-1"):
        shown = run_here("show", address, *store)[0]
        assert faults("show", shown) == []
        assert json.loads(shown)["steps"]
    history = history_to_json("outer", read_history(cpu_run().run.scenario, tmp_path, None))
    assert faults("history", history) == []
    assert [len(step["points"]) for step in history["steps"]] == [8] * len(history["steps"])
    assert any(step["change"] for step in history["steps"])


def test_counters_are_as_their_schema_says() -> None:
    text = lzma.decompress((DATA / "ncu_h200.csv.xz").read_bytes()).decode()
    launches = parse_ncu_csv(text.splitlines())
    counted = ProgramCounters(
        program="python",
        tool="2025.3",
        range=None,
        instances=3,
        launches=len(launches),
        ranges=count_ranges(launches),
        kernels=count_range_kernels(launches),
    )
    assert faults("counters", counted.to_json()) == []


def test_what_doctor_finds_is_as_its_schema_says() -> None:
    findings = [ok("a", "b"), warning("a", "b", "c"), broken("a", "b", "c")]
    assert faults("doctor", findings_as_json(findings)) == []


def test_what_calibrate_measures_is_as_its_schema_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flopprof.analysis.runs.ceilings import Ceiling, MeasuredRate
    from flopprof.profiler.capture.calibration import Calibration
    from flopprof.profiler.commands.calibrate import show_calibration

    rate = MeasuredRate(dtype="float32", unit="fma", flops_per_s=1e12, n=1024)
    one = Ceiling(
        device="cpu",
        name="a CPU",
        cores=2,
        backend="numpy",
        version="2",
        measured_at="2026-01-02T03:04:05+00:00",
        copy_bytes_per_s=1e9,
        read_bytes_per_s=1e9,
        write_bytes_per_s=1e9,
        array_bytes=1 << 20,
        launch_ns=100.0,
        rates=[rate],
    )
    made = Calibration(path=tmp_path / "c.json", ceilings=(one,), skipped=("cuda: none",), failed=())
    assert faults("calibrate", show_calibration(made, as_json=True)) == []
