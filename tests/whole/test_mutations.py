"""Damaged traces are answered rightly or in one line; bench/mutate_traces.py says what is tried and judged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from drawing.tree import DATA, ROOT
from running.patience import PATIENCE_SECONDS

SCRIPT = ROOT / "bench" / "mutate_traces.py"
ROUND = 41
"""Once round the kinds of mutations; docs/robustness.md holds two thousand."""


@pytest.mark.parametrize("count", [ROUND, pytest.param(10 * ROUND, marks=pytest.mark.slow)])
def test_no_mutation_of_a_recorded_trace_breaks_a_rule(tmp_path: Path, count: int):
    written = tmp_path / "mutations.md"
    command = [sys.executable, str(SCRIPT), f"--count={count}", "--traces", str(DATA), "--list"]
    done = subprocess.run(
        [*command, "--write", str(written)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert f"{count} mutations, 0 of which break a rule." in written.read_text()
    judged = [line for line in done.stdout.splitlines() if " exit " in line and not line.startswith("|")]
    assert len(judged) == count
    for kind in (
        "cut short",
        "table dropped",
        "column NULL",
        "rows shuffled",
        "bytes flipped",
        "page of noise",
    ):
        assert any(kind in line for line in judged)
