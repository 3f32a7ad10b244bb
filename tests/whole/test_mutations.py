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


@pytest.mark.parametrize(
    ("count", "every"), [(ROUND, 4), pytest.param(10 * ROUND, 1, marks=pytest.mark.slow)]
)
def test_no_mutation_of_a_recorded_trace_breaks_a_rule(tmp_path: Path, count: int, every: int):
    written = tmp_path / "mutations.md"
    command = [
        sys.executable,
        str(SCRIPT),
        f"--count={count}",
        f"--every={every}",
        "--traces",
        str(DATA),
        "--list",
    ]
    done = subprocess.run(
        [*command, "--write", str(written)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    tried = len(range(0, count, every))
    assert f"{tried} mutations, 0 of which break a rule." in written.read_text()
    judged = [line for line in done.stdout.splitlines() if " exit " in line and not line.startswith("|")]
    assert len(judged) == tried
    for kind in (
        "cut short",
        "table dropped",
        "column NULL",
        "rows shuffled",
        "bytes flipped",
        "page of noise",
    ):
        assert any(kind in line for line in judged)
