"""A job of ranks given to others and taken from others, each rank with its trace."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawing.programs import put_job
from flopprof.analysis.archives.archive import MANIFEST, export_run
from flopprof.analysis.archives.import_run import import_run
from flopprof.analysis.errors import ArchiveRefused, RunError
from running.commands import run_here

JOB = "profile-train-20260102-030405-abcd"

Files = dict[str, bytes]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return put_job(tmp_path / "flopprof-runs" / JOB, "ranks/strag_rank0", "ranks/strag_rank1")


def pack(path: Path, files: Files) -> Path:
    """An archive whose manifest says what its files are."""
    described = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
    }
    manifest = {"flopprof": 1, "kind": "run", "id": JOB, "files": described}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MANIFEST, json.dumps(manifest))
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def unpack(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}


def edit(files: Files, name: str, /, **values: object) -> None:
    """Other values in a record."""
    record: dict[str, Any] = json.loads(files[name])
    files[name] = json.dumps(record | values).encode()


def test_it_goes_out_and_comes_in_whole(job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(job / "rank0" / "trace.sqlite", job / "rank0" / "raw.nsys-rep")
    run_here("export", "latest", "--out", "x.zip")
    assert set(unpack(tmp_path / "x.zip")) == {
        "job.json",
        *(f"rank{at}/{name}" for at in (0, 1) for name in ("profile.json", "machine.json", "trace.sqlite")),
    }
    assert run_here("import", "x.zip", "--store", "other")[0] == f"other/{JOB}\n"
    assert json.loads((tmp_path / "other" / JOB / "job.json").read_text()) == json.loads(
        (job / "job.json").read_text()
    )
    (listed,) = json.loads(run_here("runs", "--store", "other", "--json")[0])["runs"]
    assert (listed["kind"], listed["status"], listed["done"]) == ("job", "complete", 2)
    come = run_here("report", "latest", "--store", "other")[0]
    assert come == run_here("report", "latest")[0].replace("flopprof-runs", "other")
    made = tmp_path / "other" / JOB
    assert "rank 1 is late, forward" in " ".join((made / "report.txt").read_text().split())
    assert ".import-" not in (made / "ranks.json").read_text() + (made / "report.html").read_text()


def test_a_missing_rank_stays_missing(job: Path, tmp_path: Path) -> None:
    shutil.rmtree(job / "rank1")
    export_run(job, tmp_path / "x.zip")
    run_here("import", tmp_path / "x.zip", "--store", tmp_path / "other")
    assert f"{JOB}  interrupted  1/2 ranks" in run_here("runs", "--store", tmp_path / "other")[0]


def test_one_without_a_record_is_named_as_runs_are_first(job: Path, tmp_path: Path) -> None:
    mine = job.rename(job.with_name("mine"))
    (mine / "job.json").unlink()
    with pytest.raises(RunError) as refused:
        export_run(mine, tmp_path / "x.zip")
    words = str(refused.value)
    start = f"{mine}: its name is none that flopprof gives to runs; rename the folder to profile-train-2026"
    assert words.startswith(start) and words.endswith(", and export that")
    named = mine.rename(mine.with_name(words.rsplit("to ", 1)[1].removesuffix(", and export that")))
    export_run(named, tmp_path / "x.zip")
    came = import_run(tmp_path / "x.zip", tmp_path / "other", lambda made, target: None)
    assert came.name == named.name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda files: edit(files, "job.json", ranks=10**9), "no job has 1000000000 ranks"),
        (lambda files: edit(files, "job.json", ranks=0), "no job has 0 ranks"),
        (lambda files: edit(files, "job.json", id=JOB.replace("abcd", "0000")), "is of the run"),
        (lambda files: edit(files, "job.json", name="../x"), "is no job of a time in UTC"),
        (lambda files: edit(files, "job.json", started_at="now"), "is no job of a time in UTC"),
        (lambda files: edit(files, "job.json", wall_seconds=-1.0), "wall_seconds cannot be -1"),
        (lambda files: edit(files, "rank1/machine.json", cores=0), "no machine has 0 cores"),
        (lambda files: edit(files, "rank1/profile.json", command="x" * 3000), "is a text of 3000 characters"),
        (lambda files: files.pop("rank1/machine.json"), "has no machine.json"),
        (lambda files: files.pop("job.json"), "it has no plan.json"),
        (lambda files: files.update({"rank1/trace.sqlite": b"SQLite"}), "rank1/trace.sqlite"),
        (lambda files: files.update({"rankx/profile.json": b"{}"}), "is none of a run's files"),
        (lambda files: files.update({"rank1/../profile.json": b"{}"}), "is none of a run's files"),
        (lambda files: files.update({"rank1/job.json": b"{}"}), "is none of a run's files"),
    ],
)
def test_one_that_is_not_right_is_refused(
    job: Path, tmp_path: Path, change: Callable[[Files], None], words: str
) -> None:
    export_run(job, tmp_path / "x.zip")
    files = unpack(tmp_path / "x.zip")
    change(files)
    with pytest.raises(ArchiveRefused, match=words) as refused:
        import_run(pack(tmp_path / "bad.zip", files), tmp_path / "other", lambda made, target: None)
    assert str(refused.value).endswith("; nothing was imported") and "\n" not in str(refused.value)
    assert list((tmp_path / "other").iterdir()) == []
