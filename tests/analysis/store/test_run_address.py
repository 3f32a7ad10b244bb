"""Naming runs: a folder, an id, a tag, latest, SCENARIO@latest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from drawing.report_samples import cpu_run
from drawing.stored_runs import copy_real_run, put_run, with_id
from flopprof.analysis.errors import UnknownRun
from flopprof.analysis.runs.lock import hold_folder
from flopprof.analysis.runs.results import RunResult
from flopprof.analysis.store.address import check_tag, find_run, lookup_kept_run
from flopprof.analysis.store.database import tag_run


def of_scenario(scenario: str, day: int) -> RunResult:
    result = with_id(cpu_run(), f"{scenario}-{day}", f"2026-01-0{day}T00:00:00+00:00")
    return replace(result, run=result.run.model_copy(update={"scenario": scenario}))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for scenario, day in (("outer", 1), ("fused", 2), ("outer", 3), ("fused", 4)):
        put_run(tmp_path / "store", of_scenario(scenario, day))
    tag_run(tmp_path / "store", "outer-1", "before-upgrade")
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("outer-3", "outer-3"),
        ("before-upgrade", "outer-1"),
        ("latest", "fused-4"),
        ("outer@latest", "outer-3"),
    ],
)
def test_an_address_means_one_run(store: Path, address: str, folder: str) -> None:
    assert find_run(address, store) == lookup_kept_run(address, store) == store / folder


def test_an_existing_folder_comes_first(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("latest").mkdir()
    assert find_run("latest", store) == Path("latest")


@pytest.mark.parametrize("address", ["nothing", "outer@first", "matmul@latest", "", "x.sqlite"])
def test_an_address_without_a_run_is_one_clear_error(store: Path, address: str) -> None:
    with pytest.raises(
        UnknownRun, match=r"no such run folder, and no such run in the store .*; see flopprof runs"
    ):
        find_run(address, store)
    assert lookup_kept_run(address, store) is None


def test_without_a_store_nothing_is_found_and_none_is_made(tmp_path: Path) -> None:
    assert lookup_kept_run("latest", tmp_path / "store") is None
    with pytest.raises(UnknownRun):
        find_run("latest", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_selection_is_no_address(store: Path) -> None:
    assert lookup_kept_run("outer@latest:variant=matvec,n=1000", store) is None


def test_the_latest_run_is_none_that_is_being_written_or_gone(store: Path) -> None:
    (store / "fused-4").rmdir()
    assert find_run("latest", store) == store / "outer-3"
    run = copy_real_run(store)
    plan = json.loads((run / "plan.json").read_text())
    plan["run"]["status"] = "interrupted"
    (run / "plan.json").write_text(json.dumps(plan))
    with hold_folder(run):
        assert find_run("latest", store) == store / "outer-3"
    assert find_run("latest", store) == run


def test_a_run_whose_folder_is_gone_says_so(store: Path) -> None:
    (store / "outer-1").rmdir()
    with pytest.raises(
        UnknownRun, match=r"before-upgrade: its folder .*outer-1 is gone; flopprof gc forgets it"
    ):
        find_run("before-upgrade", store)


def test_a_tag_moves_to_the_run_that_has_it_last(store: Path) -> None:
    tag_run(store, "fused-2", "before-upgrade")
    assert find_run("before-upgrade", store) == store / "fused-2"


@pytest.mark.parametrize(
    "name", ["latest", "outer-3", "a b", "a/b", "x@latest", ".hidden", "-x", "", "x" * 65]
)
def test_a_tag_that_means_something_else_is_refused(store: Path, name: str) -> None:
    with pytest.raises(UnknownRun, match=r"already means a run|a tag is up to 64"):
        check_tag(name, store)


def test_ordinary_tags_are_allowed(store: Path) -> None:
    for name in ("v1.2", "before_upgrade", "before-upgrade", "3"):
        check_tag(name, store)


def test_the_name_of_a_scenario_alone_suggests_its_latest_run(store: Path) -> None:
    for address in ("outer", "elsewhere/outer.yaml"):
        with pytest.raises(UnknownRun, match=r"did you mean outer@latest\?"):
            find_run(address, store)
    with pytest.raises(UnknownRun, match="see flopprof runs"):
        find_run("other", store)
