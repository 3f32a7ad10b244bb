"""Kept runs as lists: they fit every terminal, and what is there to be copied stays whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing.report_samples import gpu_run
from drawing.stored_runs import put_run, with_id
from flopprof.analysis.runs.ceilings import Ceiling, MeasuredRate
from flopprof.analysis.store.address import find_line
from flopprof.analysis.store.database import read_store, tag_run
from flopprof.analysis.store.history import read_history
from flopprof.analysis.store.listing import list_runs
from flopprof.analysis.store.queries import read_run
from flopprof.reports.kept.ceilings import render_ceilings
from flopprof.reports.kept.history import show_history
from flopprof.reports.kept.runs import show_run, show_runs
from flopprof.reports.render.screen import NARROWEST, USUAL, WIDEST, Screen
from rich.cells import cell_len

IDS = [f"outer-202601{day:02}-120000-{day:04x}" for day in range(1, 10)]

TAGS = ("before-the-upgrade-of-everything", "good")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    for day, run_id in enumerate(IDS, 1):
        put_run(folder, with_id(gpu_run(), run_id, f"2026-01-{day:02}T12:00:00+00:00"))
    for tag in TAGS:
        tag_run(folder, IDS[-1], tag)
    return folder


def _show(store: Path, screen: Screen) -> list[str]:
    """What the three commands print."""
    with read_store(store) as connection:
        assert connection is not None
        found = read_run(connection, IDS[-1])
    assert found is not None
    scenario = str(found["run"]["scenario"])
    return [
        show_runs(list_runs(store).runs, store, screen),
        show_run(found, find_line(IDS[-1], store), store, screen),
        show_history(scenario, read_history(scenario, store), screen),
    ]


@pytest.mark.parametrize("width", [NARROWEST, 61, 79, USUAL, 160, WIDEST])
def test_lists_of_runs_fit_the_terminal(store: Path, width: int):
    lines = [line for text in _show(store, Screen(width=width)) for line in text.splitlines()]
    assert [line for line in lines if cell_len(line) > width and not line.startswith("folder")] == []


@pytest.mark.parametrize("width", [NARROWEST, 61, USUAL])
def test_ceilings_fit_the_terminal_and_their_file_stays_whole(width: int):
    path = Path("/a/folder/whose/name/is/longer/than/many/a/terminal/is/wide/ceilings.json")
    one = Ceiling(
        device="cpu",
        name="a CPU with a long name and many letters in it",
        cores=128,
        backend="torch",
        version="2.13.0+cpu",
        measured_at="2026-01-02T03:04:05+00:00",
        copy_bytes_per_s=1e11,
        read_bytes_per_s=1e11,
        write_bytes_per_s=1e11,
        array_bytes=1 << 30,
        cache_bytes=300 << 20,
        launch_ns=100.0,
        rates=[MeasuredRate(dtype="float32", unit="fma", flops_per_s=1e12, n=1024)],
        settings={"threads": "128", "tf32": "off"},
    )
    lines = render_ceilings([one], path, Screen(width=width)).splitlines()
    assert [line for line in lines if cell_len(line) > width and str(path) not in line] == []
    assert any(str(path) in line for line in lines)
    assert any(line.startswith("  copy              100 GB/s   arrays of 1.07 GB") for line in lines)


@pytest.mark.parametrize("width", [NARROWEST, USUAL])
def test_an_id_and_a_folder_are_never_cut(store: Path, width: int):
    runs, run, _ = _show(store, Screen(width=width))
    assert {line.split()[0] for line in runs.splitlines()[1:] if not line.startswith(" ")} == set(IDS)
    assert f"{store}/" in run


def test_a_wide_terminal_has_all_columns_and_a_narrow_one_the_first(store: Path):
    wide, narrow = (show_runs(list_runs(store).runs, store, Screen(width=w)) for w in (WIDEST, NARROWEST))
    assert wide.splitlines()[0].split() == ["run", "status", "tags", "steps", "started", "(UTC)", "recorder"]
    assert all(tag in wide for tag in TAGS)
    assert narrow.splitlines()[0].split()[:2] == ["run", "status"]


def test_times_of_a_run_have_one_unit_a_column_and_lists_no_colour_unasked(store: Path):
    _, run, history = _show(store, Screen(width=WIDEST))
    heading = next(line for line in run.splitlines() if line.startswith("step"))
    assert "untraced µs" in heading
    assert "\x1b" not in run + history
