"""`flopprof compare` from the command line, over recorded traces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drawing.stored_runs import copy_real_run
from drawing.tree import DATA
from flopprof.analysis.store.database import tag_run
from flopprof.analysis.store.listing import list_runs
from running.commands import run_here

AXIS0, AXIS1 = str(DATA / "cupy_axis0.sqlite.xz"), str(DATA / "cupy_axis1.sqlite.xz")


def compare(*arguments: str, code: int = 0) -> tuple[str, str]:
    return run_here("compare", *arguments, code=code)


def test_the_substituted_kernel_is_named_with_both_times() -> None:
    text, _ = compare(AXIS0, AXIS1)
    assert "A's `cupy_sum` became B's `DeviceFixedSizeSegmentedReduceKernel`" in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_a_trace_against_itself_is_the_same_and_exits_0() -> None:
    pairs = json.loads(compare(AXIS0, AXIS0, "--json", "--fail-above", "0")[0])["pairs"]
    assert {pair["verdict"] for pair in pairs} == {"same"}


def test_only_a_slower_side_beyond_the_limit_exits_1() -> None:
    compare(AXIS0, AXIS1, "--fail-above", "5")
    compare(AXIS1, AXIS0, "--fail-above", "5", code=1)
    compare(AXIS1, AXIS0, "--fail-above", "10000")


@pytest.mark.slow
def test_a_baseline_is_a_run_of_the_store_by_its_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOPPROF_STORE", str(tmp_path / "store"))

    run_here("run", "smoke", "--set", "backends=numpy", "--set", "n=64", "--recorder", "embedded")
    run_here("tag", "latest", "main")
    pairs = json.loads(compare("latest", "--baseline", "main", "--json")[0])["pairs"]
    assert {pair["verdict"] for pair in pairs} == {"same"}
    compare("latest", "--baseline", "nobody", code=2)


@pytest.mark.slow
def test_a_baseline_is_the_tag_though_a_folder_is_called_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = copy_real_run(Path("store"))
    tag_run(Path("store"), list_runs(Path("store")).runs[0].id, "main")
    Path("main").mkdir()
    Path("latest").touch()
    for baseline in ("main", "latest", f"store/{run.name}"):
        shown = compare(str(run), "--baseline", baseline, "--json", "--store", "store")[0]
        assert [pair["verdict"] for pair in json.loads(shown)["pairs"]] == ["same"] * 4
    compare(str(run), "main", "--store", "store", code=2)


def test_a_store_is_chosen_for_reporting_and_comparing_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOPPROF_STORE", str(tmp_path / "empty"))
    chosen = ("--store", str(tmp_path / "store"))
    run = copy_real_run(tmp_path / "store")
    tag_run(tmp_path / "store", list_runs(tmp_path / "store").runs[0].id, "main")
    for address in ("main", "latest", "tiny@latest", run.name):
        pairs = json.loads(compare(address, "main", "--json", *chosen)[0])["pairs"]
        assert [pair["verdict"] for pair in pairs] == ["same"] * 4
        assert len(json.loads(compare("latest", "--baseline", address, "--json", *chosen)[0])["pairs"]) == 4
        assert (
            json.loads(run_here("report", address, "--format", "json", *chosen)[0])["run"]["id"] == run.name
        )
    assert "latest: no such run" in compare("latest", "--by", "n", code=2)[1]
    assert "latest: no such run" in run_here("report", "latest", code=2)[1]


@pytest.mark.slow
def test_every_format_is_written_with_its_charts(tmp_path: Path) -> None:
    compare(AXIS0, AXIS1, "--out", str(tmp_path / "c"))
    assert {"comparison.txt", "comparison.md", "comparison.html", "comparison.json"} <= {
        path.name for path in (tmp_path / "c").iterdir()
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([AXIS0], "--by NAME or --baseline NAME"),
        ([AXIS0, AXIS1, "--by", "axis"], "--by NAME or --baseline NAME"),
        ([AXIS0, "nowhere.sqlite"], "nowhere.sqlite"),
        ([AXIS0, str(DATA / "no_nvtx_2024.2.sqlite.xz")], "no_nvtx_2024.2.sqlite.xz"),
        ([AXIS0, AXIS1, "--fail-above", "-1"], "--fail-above must be at least 0"),
        ([AXIS0, AXIS1, "--fail-above", "nan"], "--fail-above must be at least 0"),
        ([AXIS0, "--by", "n", "--map", "a=b"], "--map"),
    ],
    ids=["one side", "both", "missing side", "no ranges", "negative limit", "no limit", "map and by"],
)
def test_bad_input_is_one_line(arguments: list[str], says: str) -> None:
    out, err = compare(*arguments, code=2)
    lines = [line for line in err.splitlines() if not line.startswith("unpacking")]
    assert (out, len(lines)) == ("", 1), err
    assert says in lines[0]
