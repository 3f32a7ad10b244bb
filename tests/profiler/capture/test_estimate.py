"""What --dry-run says: the steps, and how long they take by the last run of the same ones, else by the limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing.stored_runs import SCENARIO, copy_real_run
from running.commands import run_here


def test_the_limits_are_the_estimate_of_what_never_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(SCENARIO)
    out, err = run_here(
        "run", "tiny.yaml", "--dry-run", "--recorder", "embedded", "--set", "reps.max_seconds=10"
    )
    assert err == ""
    assert out.splitlines()[:2] == [
        "tiny: 4 steps, recorded by embedded; nothing was run",
        "  numpy cpu: 4 steps",
    ]
    assert "about 1 min 36 s at most: each step untraced and traced for up to 10 s" in " ".join(out.split())
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_a_run_of_the_same_steps_says_how_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(SCENARIO)
    run = copy_real_run(tmp_path / "flopprof-runs")
    out, _ = run_here("run", "tiny.yaml", "--dry-run", "--recorder", "embedded")
    assert f"{run.name} took that for the same steps" in out
    other, _ = run_here("run", "tiny.yaml", "--dry-run", "--recorder", "embedded", "--set", "n=16")
    assert "at most" in other
