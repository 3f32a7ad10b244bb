"""`flopprof analyze` and `scrub` from the command line, over recorded traces."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from drawing.stored_runs import copy_real_run
from drawing.tree import DATA
from flopprof.profiler.commands.analyze import AnalyzeRequest, analyze
from running.commands import run_here


def analysis_of(*arguments: str | Path) -> dict[str, list[dict[str, object]]]:
    return json.loads(run_here("analyze", *arguments, "--json")[0])


@pytest.fixture
def run_of_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of the store that has two shards, and a raw report it was told to keep."""
    run = copy_real_run(tmp_path / "store")
    shutil.copytree(run / "shards" / "numpy-cpu", run / "shards" / "torch-cpu")
    (run / "numpy-cpu-traced-1.nsys-rep").write_bytes(b"a raw report")
    monkeypatch.setenv("FLOPPROF_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return run


@pytest.mark.parametrize("named", ["by its folder", "by its name"])
def test_all_shards_of_a_run_are_analysed(run_of_two: Path, named: str) -> None:
    address = run_of_two if named == "by its folder" else run_of_two.name
    out, _ = run_here("analyze", address, "--jobs", "1", "--json")
    traces = [Path(row["trace"]).parent.name for row in json.loads(out)["traces"]]
    assert traces == ["numpy-cpu", "torch-cpu"]


def test_the_json_names_the_file_the_user_gave_and_its_digest() -> None:
    trace = analysis_of(DATA / "streams.sqlite.xz")["trace"]
    import hashlib

    path = DATA / "streams.sqlite.xz"
    assert trace["path"] == str(path)  # type: ignore[call-overload]
    assert trace["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()  # type: ignore[call-overload]


def test_the_text_fits_a_terminal_and_names_what_matters_first() -> None:
    text, _ = run_here("analyze", DATA / "streams.sqlite.xz")
    assert max(len(line) for line in text.splitlines()) <= 100
    assert text.index("exposed launch overhead") < text.index("Where the time goes")
    assert (
        text.index("Ranges by device time")
        < text.index("Kernels by total time")
        < text.index("Copies and fills")
    )
    assert "pageable → device" in text
    assert "\x1b" not in text


def test_a_trace_without_device_work_is_of_host_time() -> None:
    text, _ = run_here("analyze", DATA / "cuda_requested_no_gpu_2024.2.sqlite.xz")
    assert "146 ms recorded; no device work in it." in text
    assert (
        "On the host: the innermost ranges cover 99.3 % of 10.2 ms, from the first record to the last."
        in " ".join(text.split())
    )
    table = text[text.index("Ranges by host time") :]
    assert "projected" not in table
    (work,) = [line for line in table.splitlines() if line.startswith("work")]
    assert work.split() == ["work", "1", "10141", "█" * 25]


def test_a_trace_without_any_record_has_nothing_to_divide() -> None:
    text, _ = run_here("analyze", DATA / "no_nvtx_2024.2.sqlite.xz")
    assert "88.8 ms recorded; no device work in it." in text
    assert "nothing to divide" in text
    assert not [word for word in ("whole trace", "bar:", "– of", "of 0") if word in text]


def test_full_names_are_listed_whole() -> None:
    (kernel, *_) = analysis_of(DATA / "torch_axis0.sqlite.xz")["kernels"]
    name = str(kernel["kernel"])
    assert name not in run_here("analyze", DATA / "torch_axis0.sqlite.xz")[0]
    whole = run_here("analyze", DATA / "torch_axis0.sqlite.xz", "--full-names")[0]
    assert name.replace(" ", "") in "".join(whole.split())


def test_warnings_come_before_numbers_and_strict_exits_3() -> None:
    text, _ = run_here("analyze", DATA / "crash.sqlite.xz", "--strict", code=3)
    assert text.index("ERROR: ") < text.index("Where the time goes")
    assert run_here("analyze", DATA / "crash.sqlite.xz")[0] == text
    run_here("analyze", DATA / "streams.sqlite.xz", "--strict")


def test_a_window_for_each_instance_of_a_range() -> None:
    whole = analysis_of(DATA / "streams.sqlite.xz")["windows"]
    steps = analysis_of(DATA / "streams.sqlite.xz", "--range", "step", "--window", "device")["windows"]
    assert [w["kind"] for w in whole] == ["trace"]
    assert [(w["range"], w["instance"], w["kind"]) for w in steps] == [
        ("step", i, "device") for i in range(15)
    ]


def test_the_csv_files_hold_the_rows_of_the_json(tmp_path: Path) -> None:
    document = analysis_of(DATA / "streams.sqlite.xz", "--csv", tmp_path)
    assert {p.stem for p in tmp_path.iterdir()} == {
        *("windows", "owners", "ranges", "range_kernels", "kernels", "launches", "copies", "quality"),
        *("steps", "step_parts", "step_times", "range_metrics", "kernel_metrics"),
    }
    for table in ("ranges", "range_kernels", "kernels", "copies"):
        with (tmp_path / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(document[table])
        for row, record in zip(rows, document[table], strict=True):
            plain = {k: v for k, v in record.items() if not isinstance(v, list | dict)}
            assert {k: row[k] for k in plain} == {k: "" if v is None else str(v) for k, v in plain.items()}


def test_a_csv_file_without_rows_has_the_header_of_one_with_rows(tmp_path: Path) -> None:
    headers = {}
    for name in ("streams", "crash", "child_sigkill_2024.2"):
        analysis_of(DATA / f"{name}.sqlite.xz", "--csv", tmp_path / name, "--range", "step")
        for path in (tmp_path / name).iterdir():
            lines = path.read_text(encoding="utf-8").splitlines()
            known = [c for c in lines[0].split(",") if not c.startswith("memcpy_kinds_")]
            assert headers.setdefault(path.name, known) == known


@pytest.mark.parametrize("name", ["absent.sqlite", "a folder", "text.sqlite", "empty.sqlite"])
def test_what_is_no_trace_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "text.sqlite").write_text("hello\n" * 400)
    (tmp_path / "empty.sqlite").touch()
    out, err = run_here("analyze", tmp_path / name, code=2)
    assert (out, err.count("\n")) == ("", 1)
    assert name in err


def test_a_scrubbed_trace_has_the_same_analysis(tmp_path: Path) -> None:
    run_here("scrub", DATA / "threads.sqlite.xz", "-o", tmp_path / "s.sqlite")
    before, after = analysis_of(DATA / "threads.sqlite.xz"), analysis_of(tmp_path / "s.sqlite")
    assert {k: v for k, v in before.items() if k != "trace"} == {
        k: v for k, v in after.items() if k != "trace"
    }


def test_a_run_of_the_store_is_analysed_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_real_run(tmp_path / "flopprof-runs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLOPPROF_STORE", raising=False)
    outcome = analyze(AnalyzeRequest(trace=Path("latest")))
    assert "flopprof analyze trace.sqlite" in "".join(outcome.report)
