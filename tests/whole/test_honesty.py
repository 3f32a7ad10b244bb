"""bench/honesty.py ends in one line where it has nothing to measure."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from drawing.comparison_drawings import draw_run, draw_step
from drawing.tree import ROOT
from flopprof.analysis.errors import CompareError
from flopprof.analysis.runs.results import RunResult
from running.patience import PATIENCE_SECONDS

SCRIPT = ROOT / "bench" / "honesty.py"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no such run", "a folder", "a file"])
def test_what_is_no_run_is_one_line(tmp_path: Path, name: str):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").touch()
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / name],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert name in done.stderr


@pytest.mark.parametrize(
    ("runs", "problem"),
    [
        ([draw_run(draw_step("a", 100.0))], "compared with nothing"),
        ([draw_run(draw_step("a", 100.0)), draw_run(draw_step("b", 100.0))], "no measured step in common"),
    ],
)
def test_runs_that_cannot_be_compared_are_named(
    runs: list[RunResult], problem: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(CompareError, match=problem):
        runpy.run_path(str(SCRIPT))["measure_honesty"](runs)
    assert capsys.readouterr().out == ""


def test_three_percent_of_ten_reps_is_found_and_nothing_is_not():
    script = runpy.run_path(str(SCRIPT))
    for name, draw in script["planted"]().items():
        if "10 reps" in name:
            counts = Counter(script["judge_each"](draw(np.random.default_rng(seed)) for seed in range(40)))
            planted = name.startswith("3 %")
            assert counts["faster"] + (0 if planted else counts["slower"]) <= 2, name
            assert not planted or counts["slower"] >= (34 if "disturbed" in name else 40), name
    for factor, wanted in ((1.0, {"same", "unsure"}), (1.03, {"slower"})):
        assert set(script["judge_together"](factor, trials=40)) <= wanted
