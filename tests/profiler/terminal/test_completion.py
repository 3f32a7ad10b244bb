"""What the shell offers, without anything heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from drawing.report_samples import gpu_run
from drawing.stored_runs import put_run, with_id
from flopprof.analysis.store.database import tag_run
from flopprof.profiler.terminal.completion import (
    complete_by,
    complete_kept_scenario,
    complete_run,
    complete_scenario,
)

RUN = "outer-20260102-030405-0001"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put_run(tmp_path / "flopprof-runs", with_id(gpu_run(), RUN))
    tag_run(tmp_path / "flopprof-runs", RUN, "before")
    return tmp_path / "flopprof-runs"


@pytest.mark.usefixtures("store")
def test_runs_are_offered_by_all_their_names() -> None:
    assert complete_run("") == ["latest", "before", "outer@latest", RUN]
    assert complete_run("outer-") == [RUN]
    assert complete_kept_scenario("o") == ["outer"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("run", [RUN, "latest", "before", "outer@latest", f"flopprof-runs/{RUN}:n=4000"])
def test_names_to_pair_by_are_those_of_the_run(run: str) -> None:
    assert complete_by(SimpleNamespace(params={"a": run}), "") == [
        *("variant", "backend", "device", "dtype", "mode", "n"),
    ]


def test_without_a_store_less_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").touch()
    assert complete_run("") == ["latest"]
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.yaml"]
    assert "outer" in complete_scenario("o")
    assert complete_scenario("m") == ["mine.yaml"]


def test_nothing_heavy_is_imported() -> None:
    heavy = ("numpy", "pandas", "pydantic", "sqlite_utils", "yaml", "rich.progress")
    code = (
        f"import sys, flopprof.profiler.terminal.completion\nprint([n for n in {heavy} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
