"""Damaged traces are answered rightly or in one line; bench/mutate_traces.py says what is tried and judged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from drawing.tree import DATA, ROOT

SCRIPT = ROOT / "bench" / "mutate_traces.py"
COUNT = 82
"""Twice round the kinds of mutations; docs/robustness.md holds the whole run."""


@pytest.mark.skipif(not SCRIPT.exists(), reason="bench/mutate_traces.py is not beside the tests")
def test_no_mutation_of_a_recorded_trace_breaks_a_rule(tmp_path: Path):
    command = [sys.executable, str(SCRIPT), "--count", str(COUNT), "--traces", str(DATA)]
    done = subprocess.run(
        [*command, "--write", str(tmp_path / "robustness.md")],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    lines = (tmp_path / "robustness.md").read_text().splitlines()
    assert f"{COUNT} mutations, 0 of which break a rule." in " ".join(lines)
    judged = [line for line in lines if " exit " in line and not line.startswith("|")]
    assert len(judged) == COUNT
    for kind in (
        "cut short",
        "table dropped",
        "column NULL",
        "rows shuffled",
        "bytes flipped",
        "page of noise",
    ):
        assert any(kind in line for line in judged)
