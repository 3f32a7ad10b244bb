"""What is installed works whole: every module, a shipped scenario, a trace, a program of one's own."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.tree import DATA
from running.patience import PATIENCE_SECONDS
from running.profiled_programs import profile, python

FOLDERS = ("scenarios", "profiler", "analysis", "reports")
NOT_EVERYWHERE = {"cupy", "torch"}


def flopprof(folder: Path, *arguments: str) -> str:
    """The command as it is installed, in a folder that holds nothing of the tree."""
    command = Path(sys.executable).with_name("flopprof")
    done = subprocess.run(
        [command, *arguments],
        cwd=folder,
        env={**os.environ, "FLOPPROF_STORE": str(folder / "store")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_module_can_be_imported(folder: str) -> None:
    package = importlib.import_module(f"flopprof.{folder}")
    names = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    assert len(names) > 10
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as missing:
            assert missing.name in NOT_EVERYWHERE, name


@pytest.mark.slow
def test_a_shipped_scenario_runs_and_is_reported(tmp_path: Path) -> None:
    smaller = ("--set", "backends=numpy", "--set", "n=64")
    out = flopprof(tmp_path, "run", "smoke", "--recorder=embedded", "--out=run", "--json", *smaller)
    assert {step["variant"]: step["status"] for step in json.loads(out)["steps"]} == {
        "matvec": "done",
        "outer_sum": "done",
    }
    assert {"report.txt", "report.md", "report.json", "report.html"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }
    page = flopprof(tmp_path, "report", "run", "--format=html")
    assert page.startswith("<!doctype html>") and "outer_sum" in page


def test_a_trace_is_analysed_into_a_page(tmp_path: Path) -> None:
    page = flopprof(tmp_path, "analyze", str(DATA / "streams.sqlite.xz"), "--format=html")
    assert page.startswith("<!doctype html>") and "Kernels by total time" in page


@pytest.mark.nsys
def test_a_program_of_ones_own_is_profiled(tmp_path: Path) -> None:
    marked = "from flopprof.profiler import annotate\nwith annotate('mine', flops=7): pass"
    profiled = profile(tmp_path / "out", python(marked), cwd=tmp_path)
    assert (profiled.code, profiled.own_lines) == (0, [])
    (row,) = json.loads((profiled.out / "analysis.json").read_text(encoding="utf-8"))["ranges"]
    assert (row["path"], row["instances"], row["flops"]) == (["mine"], 1, 7)
