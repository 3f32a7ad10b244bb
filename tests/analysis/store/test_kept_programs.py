"""What `flopprof profile` leaves is a run: every command that takes one takes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drawing.programs import put_program, sampled
from flopprof.analysis.archives.import_run import import_run
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.errors import ArchiveRefused
from flopprof.analysis.programs.folder import read_program_folder
from running.commands import run_here

STEPS = "ranks/strag_rank0"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        put_program(tmp_path / "flopprof-runs", STEPS, number)
    return tmp_path / "flopprof-runs"


def test_it_is_listed_shown_tagged_compared_and_told_through_its_runs(store: Path) -> None:
    first, second = (f"profile-train-20260102-03040{n}-000{n}" for n in (1, 2))
    listed = json.loads(run_here("runs", "--json")[0])["runs"]
    assert [(run["id"], run["scenario"], run["status"]) for run in listed] == [
        (second, "train", "complete"),
        (first, "train", "complete"),
    ]
    shown = json.loads(run_here("show", "train@latest", "--json")[0])
    (step,) = [step for step in shown["steps"] if step["label"] == "train:step"]
    analysis = analyze_file(store / second / "trace.sqlite")
    assert step["traced_ns"] == pytest.approx(analysis.steps[0].median_ns)
    assert shown["steps"][-1] | {"key": ""} == shown["steps"][-1] | {
        "key": "",
        "label": "(whole program)",
        "traced_ns": 2.5e9,
    }
    assert run_here("tag", first, "before")[0] == f"{first} is before\n"
    assert run_here("report", "latest")[0].startswith(
        "flopprof profile python3 train.py …\n\n• A steady train:step"
    )
    compared = json.loads(run_here("compare", "before", "latest", "--json")[0])
    assert {"train:step", "train:step / train:forward"} <= {pair["label"] for pair in compared["pairs"]}
    history = json.loads(run_here("history", "train", "--step", "train:step", "--json")[0])
    assert [len(series["points"]) for series in history["steps"]] == [2]
    assert "A steady train:step" in run_here("analyze", "latest")[0]


def test_it_travels_with_what_was_sampled_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples = sampled(("main load", 1.0, 0.2), ("main compute", 2.0, 2.0))
    made = put_program(tmp_path / "flopprof-runs", "no_nvtx_2024.2", samples=samples)
    run_here("export", "latest", "--out", "x.zip")
    run_here("import", "x.zip", "--store", "other")
    came = tmp_path / "other" / made.name
    assert json.loads((came / "python.json").read_text()) == samples.model_dump(mode="json")
    shown = run_here("report", "train@latest", "--store", "other")[0]
    assert shown == run_here("report", "latest")[0].replace("flopprof-runs", "other")
    assert (came / "report.html").exists()


def test_analyze_shows_where_its_python_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples = sampled(("main load", 1.0, 0.2), ("main compute", 2.0, 2.0))
    made = put_program(tmp_path / "flopprof-runs", "no_nvtx_2024.2", samples=samples)
    shown = run_here("analyze", "latest")[0]
    reported = run_here("report", "latest")[0]
    assert "mark the program's parts" not in shown
    for said in (
        "It was in compute (work.py:3) 66.7 %, load (work.py:2) 33.3 %",
        "Where Python was",
        "main thread",
    ):
        assert said in " ".join(shown.split()) and said in " ".join(reported.split())
    assert run_here("analyze", made)[0] == shown
    assert "Where Python was" not in run_here("analyze", made / "trace.sqlite")[0]


def test_samples_of_functions_that_are_not_there_are_refused(tmp_path: Path) -> None:
    samples = sampled(("main", 1.0, 1.0))
    spoilt = samples.model_copy(update={"functions": []})
    put_program(tmp_path / "store", "no_nvtx_2024.2", samples=spoilt)
    run_here("export", "latest", "--out", tmp_path / "x.zip", "--store", tmp_path / "store")
    with pytest.raises(ArchiveRefused, match="functions that it does not list; nothing was imported"):
        import_run(tmp_path / "x.zip", tmp_path / "other", lambda made, target: None)
    assert list((tmp_path / "other").iterdir()) == []


def test_one_without_its_trace_is_named_and_hides_no_other(store: Path) -> None:
    next(store.glob("*0001/trace.sqlite")).unlink()
    out, err = run_here("runs")
    assert "has no trace.sqlite: the program was not recorded whole; record it again" in err
    assert out.count("profile-train") == 1


def test_what_is_there_is_overwritten_only_with_force(store: Path) -> None:
    out = store.parent / "report.md"
    run_here("report", "latest", "--format", "markdown", "--out", out)
    before = out.read_bytes()
    _, err = run_here("report", "latest", "--out", out, code=2)
    assert err == f"flopprof: {out}: is there already; choose another name, or overwrite it with --force\n"
    assert out.read_bytes() == before
    assert run_here("report", "latest", "--out", out, "--force")[1] == f"wrote {out}\n"
    assert out.read_bytes() != before


def test_one_that_was_damaged_is_read_again_when_it_has_been_mended(store: Path) -> None:
    trace = next(store.glob("*0001/trace.sqlite"))
    whole = trace.read_bytes()
    trace.write_bytes(whole[:5000])
    assert "damaged" in run_here("runs")[0]
    trace.write_bytes(whole)
    assert "damaged" not in run_here("runs")[0]


def test_a_machine_that_nobody_has_is_refused(tmp_path: Path) -> None:
    put_program(tmp_path / "store", "no_nvtx_2024.2")
    machine = next((tmp_path / "store").glob("*/machine.json"))
    machine.write_text(json.dumps(json.loads(machine.read_text()) | {"cores": 0}))
    run_here("export", "latest", "--out", tmp_path / "x.zip", "--store", tmp_path / "store")
    with pytest.raises(ArchiveRefused, match="no machine has 0 cores; nothing was imported"):
        import_run(tmp_path / "x.zip", tmp_path / "other", lambda made, target: None)


def test_captures_are_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    folder = put_program(tmp_path / "store", "no_nvtx_2024.2")
    for number in ("10", "2"):
        (folder / "captures" / number).mkdir(parents=True)
        (folder / "captures" / number / "trace.sqlite").touch()
    names = [name for name, _ in read_program_folder(folder).traces()]
    assert names == ["trace.sqlite", "captures/2/trace.sqlite", "captures/10/trace.sqlite"]
