"""What `flopprof profile --ranks` leaves is a run, too: every command that takes one takes the job."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from drawing.programs import put_job, put_program
from flopprof.analysis.runs.lock import hold_folder
from running.commands import run_here

JOB = "profile-train-20260102-030405-abcd"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "flopprof-runs"


def test_it_is_listed_shown_tagged_and_reported(store: Path) -> None:
    put_program(store, "no_nvtx_2024.2", name="other")
    put_job(store / JOB, "ranks/strag_rank0", "ranks/strag_rank1")
    latest, program = json.loads(run_here("runs", "--json")[0])["runs"]
    assert (program["kind"], program["scenario"]) == ("program", "other")
    assert (latest["id"], latest["kind"], latest["scenario"], latest["status"]) == (
        *(JOB, "job", "train", "complete"),
    )
    assert (latest["done"], latest["steps"], latest["recorder"]) == (2, 2, "nsys")
    assert "2/2 ranks" in run_here("runs")[0]
    shown = run_here("show", "train@latest")[0]
    assert f"run       {JOB} (complete)" in shown
    assert "command   flopprof profile --ranks 2 -- torchrun train.py '…'" in shown
    assert [line.split()[:2] for line in shown.splitlines()[-2:]] == [["rank", "0"], ["rank", "1"]]
    assert run_here("tag", "latest", "before")[0] == f"{JOB} is before\n"
    assert "rank 1 is late, forward" in run_here("report", "before")[0]
    assert run_here("ranks", "before")[0] == run_here("ranks", Path("flopprof-runs") / JOB)[0]
    assert run_here("analyze", "latest")[0] == run_here("analyze", Path("flopprof-runs") / JOB)[0]
    history = json.loads(run_here("history", "train", "--json")[0])
    assert [series["label"] for series in history["steps"]] == ["rank 0", "rank 1"]


def test_a_rank_without_a_trace_is_named_until_it_is_there(store: Path) -> None:
    job = put_job(store / JOB, "ranks/strag_rank0", "ranks/strag_rank1")
    shutil.move(job / "rank1", store.parent / "aside")
    assert f"{JOB}  interrupted  1/2 ranks" in run_here("runs")[0]
    shown = run_here("show", "latest")[0]
    assert "problem   rank 1 left no trace; record the job again, or look at the others alone" in shown
    assert "failed: left no trace" in shown
    assert "--resume" not in shown
    for command in ("report", "ranks"):
        assert "[rank_missing]" in run_here(command, "latest")[0]
    shutil.move(store.parent / "aside", job / "rank1")
    assert "interrupted" not in run_here("runs")[0]


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        ({}, ""),
        ({"job.json": 3}, "problem   the command ended with exit code 3\n"),
        ({"job.json": 1, "rank1/profile.json": 137}, "problem   rank 1 ended with exit code 137\n"),
    ],
)
def test_show_says_which_ranks_failed_else_that_the_command_did(
    store: Path, failed: dict[str, int], told: str
) -> None:
    job = put_job(store / JOB, "ranks/strag_rank0", "ranks/strag_rank1")
    for record, code in failed.items():
        fail(job / record, code)
    shown = run_here("show", "latest")[0]
    assert told in shown
    assert ("problem" in shown) == bool(told)


def test_show_says_how_a_program_that_failed_ended(store: Path) -> None:
    fail(put_program(store, "no_nvtx_2024.2", name="other") / "profile.json", 1)
    assert "problem   the program ended with exit code 1\n" in run_here("show", "latest")[0]


def test_where_no_run_is_of_a_scenario_others_are_not_denied(store: Path) -> None:
    put_job(store / JOB, "ranks/strag_rank0")
    told = "no runs of nosuch in flopprof-runs; flopprof runs lists those of all\n"
    assert run_here("runs", "--scenario", "nosuch")[0] == told


def fail(record: Path, code: int) -> None:
    record.write_text(json.dumps(json.loads(record.read_text()) | {"exit_code": code}))


def test_ranks_that_their_launcher_started_under_flopprof_are_a_job_without_a_record(store: Path) -> None:
    job = put_job(store / "mine", "ranks/strag_rank0", "ranks/strag_rank1")
    (job / "job.json").unlink()
    (one,) = json.loads(run_here("runs", "--json")[0])["runs"]
    assert (one["id"], one["kind"], one["scenario"], one["done"]) == ("mine", "job", "train", 2)
    assert "command   flopprof profile --ranks 2 -- python3 train.py '…'" in run_here("show", "mine")[0]


def test_a_rank_that_was_begun_anew_is_not_missing(store: Path) -> None:
    job = put_job(store / JOB, "ranks/strag_rank0", "ranks/strag_rank1")
    (job / "rank1").rename(job / "restart1-rank1")
    assert f"{JOB}  complete  2/2 ranks" in run_here("runs")[0]
    shown = run_here("show", "latest")[0].splitlines()[-2:]
    assert [line.rsplit(maxsplit=1)[0].rstrip() for line in shown] == ["rank 0", "rank 1, restart 1"]


def test_one_that_is_being_recorded_says_so(store: Path) -> None:
    job = put_job(store / JOB, "ranks/strag_rank0")
    (job / "job.json").unlink()
    with hold_folder(job):
        assert "running" in run_here("runs")[0]
        assert "is being written" in run_here("show", JOB)[0]
    assert "running" not in run_here("runs")[0]


def test_two_are_compared_by_their_names(store: Path) -> None:
    for number in (1, 2):
        put_job(store / f"{JOB[:-1]}{number}", "ranks/strag_rank0", "ranks/strag_rank1")
    run_here("tag", f"{JOB[:-1]}1", "before")
    by_name = json.loads(run_here("compare", "before", f"{JOB[:-1]}2", "--json")[0])
    folders = [Path("flopprof-runs") / f"{JOB[:-1]}{number}" for number in (1, 2)]
    by_path = json.loads(run_here("compare", *folders, "--json")[0])
    assert by_name["pairs"] == by_path["pairs"]
    baseline = run_here("compare", f"{JOB[:-1]}2", "--baseline", "before", "--json")[0]
    assert json.loads(baseline)["pairs"] == by_path["pairs"]


def test_a_job_and_a_program_are_not_compared(store: Path) -> None:
    put_program(store, "ranks/strag_rank0", name="other")
    put_job(store / JOB, "ranks/strag_rank0", "ranks/strag_rank1")
    _, err = run_here("compare", "other@latest", JOB, code=2)
    assert err == (
        "flopprof: other@latest: is no folder with the traces of a job's ranks, as the other side is\n"
    )


def test_a_record_that_is_spoilt_hides_no_other(store: Path) -> None:
    put_program(store, "no_nvtx_2024.2", name="other")
    job = put_job(store / JOB, "ranks/strag_rank0")
    (job / "job.json").write_text("{}")
    out, err = run_here("runs")
    assert "profile-other" in out
    assert "job.json" in err and err.count("\n") == 1
